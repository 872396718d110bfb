import * as z from 'zod'
import { ROLES, SCOPES } from './caller.ts'

const Granted = z
  .union([z.enum(ROLES), z.array(z.enum(SCOPES)).min(1)], 'expected a role or a list of scopes')
  .meta({ description: 'viewer, operator or admin, or a list of scopes such as devices:read.' })

const Issuer = z
  .strictObject({
    issuer: z
      .string()
      .regex(/^https?:\/\/[^\s?#]+$/, 'expected an https:// URL without ? and #')
      .meta({ description: 'The issuer, exactly as `iss` in its tokens has it.' }),
    audience: z
      .union([z.string().min(1), z.array(z.string().min(1)).min(1).max(10)])
      .transform((one) => (typeof one === 'string' ? [one] : one))
      .meta({ description: 'What its tokens are for: `aud` has to name one of these.' }),
    clientId: z.string().min(1).optional().meta({
      description: 'By what the page signs people in; without it the page offers no sign-in here.',
    }),
    scope: z.string().min(1).default('openid profile email').meta({
      description: 'What the page asks the issuer for.',
    }),
    rolesClaim: z.string().min(1).max(256).default('roles').meta({
      description: 'The claim that names roles: its name, or a JSON pointer into the token.',
    }),
    roles: z.record(z.string().min(1), Granted).optional().meta({
      description:
        'What each value of that claim allows. Without it only viewer, operator and admin themselves count.',
    }),
    defaultRole: Granted.optional().meta({
      description: 'What a person without a role may do; nothing unless given.',
    }),
    groupsClaim: z.string().min(1).max(256).optional().meta({
      description:
        'The claim that names the device groups that a person may reach; * stands for all. Without it everybody reaches all.',
    }),
    allowPrivate: z.boolean().default(false).meta({
      description:
        'Whether the issuer may be at a private or loopback address, there also by http.',
    }),
  })
  .superRefine(({ issuer, allowPrivate }, context) => {
    const isPlain = issuer.startsWith('http:')
    if (isPlain && !(allowPrivate && isLoopback(issuer)))
      context.addIssue({
        code: 'custom',
        path: ['issuer'],
        message: 'expected https://; http is for this machine alone, with allowPrivate: true',
      })
  })
  .meta({ description: 'One OpenID Connect issuer whose tokens are taken.' })

/** The section `access` of anyhub.yml. */
export const AccessSchema = z
  .strictObject({
    oidc: z
      .array(Issuer)
      .max(10)
      .refine((all) => new Set(all.map(({ issuer }) => issuer)).size === all.length, {
        message: 'expected each issuer once',
      })
      .default([])
      .meta({ description: 'OpenID Connect issuers whose tokens are taken.' }),
  })
  .prefault({})
  .meta({ description: 'Who may use the API, beside the admin and API keys.' })

/** One issuer of the config. */
export type IssuerConfig = z.output<typeof Issuer>

/** What a role or a list of scopes is written as. */
export type Grant = z.output<typeof Granted>

/** Source: RFC 8252, 8.3: names of this machine. */
function isLoopback(url: string): boolean {
  return /^http:\/\/(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?(?:\/|$)/i.test(url)
}
