import * as z from 'zod'
import { nearestName } from '../model/nearest.ts'
import { NETWORK_KINDS } from './list.ts'

/** Where the secret of a network stands in its requests. */
export const SECRET_PLACES = ['header', 'body', 'signature'] as const

/** What every network of the config may have. */
const COMMON = {
  secret: z
    .string()
    .min(16, 'expected at least 16 characters: it is all that a request proves itself with')
    .max(1_024)
    .optional()
    .meta({
      description:
        "What requests to /networks/{name} prove themselves with; without it only the admin's token does.",
    }),
  secretIn: z
    .union([
      z.strictObject({
        header: z
          .string()
          .regex(/^[A-Za-z0-9-]{1,64}$/, 'expected the name of a header')
          .meta({ description: 'A header that holds the secret.' }),
      }),
      z.strictObject({
        body: z
          .string()
          .regex(/^(\/([^~/]|~[01])*)+$/, 'expected a JSON pointer such as /secret')
          .meta({ description: 'Where in the body, which is JSON, the secret stands.' }),
      }),
      z.strictObject({
        signature: z
          .string()
          .regex(/^[A-Za-z0-9-]{1,64}$/, 'expected the name of a header')
          .meta({
            description:
              'A header that holds the HMAC-SHA256 of the body under the secret, in hex or base64.',
          }),
      }),
    ])
    .prefault({ header: 'authorization' })
    .meta({
      description: 'Where the secret stands: the header Authorization, with Bearer or without.',
    }),
  prefix: z
    .string()
    .regex(/^[a-zA-Z0-9:._-]{0,32}$/, 'expected at most 32 letters, digits, and : . _ -')
    .default('')
    .meta({ description: 'Stands before the ids of its devices here.' }),
  use: z.enum(['decoded', 'bytes']).default('decoded').meta({
    description:
      'What counts where the network has decoded: its object, or the bytes that the codec decodes.',
  }),
}

/**
 * `networks.{name}`: a type, what every network may have, and what this type may have beside it. `codec` is the schema of
 * codecs, which is another folder's.
 */
export function networkSchema<C extends z.ZodType>(codec: C) {
  const common = { ...COMMON, codec: codec.optional().meta({ description: CODEC }) }
  return z
    .looseObject({ type: z.string().meta({ description: 'The type of network.' }) })
    .transform((given, context) => {
      const kind = NETWORK_KINDS.find(({ name }) => name === given.type)
      if (kind === undefined) {
        context.addIssue({ code: 'custom', message: unknownNetwork(given.type), path: ['type'] })
        return z.NEVER
      }
      const parsed = kind.options.extend(common).safeParse(given)
      const shared = z.object(common).safeParse(given)
      if (!parsed.success || !shared.success) {
        for (const issue of parsed.error?.issues ?? shared.error?.issues ?? [])
          context.addIssue({ ...issue })
        return z.NEVER
      }
      return { ...parsed.data, ...shared.data, type: kind.name }
    })
}

const CODEC =
  'How the bytes of its devices are decoded; by the codec of their device type unless given.'

function unknownNetwork(name: string): string {
  const known = NETWORK_KINDS.map((kind) => kind.name)
  const close = nearestName(name, known)
  const hint = close === undefined ? '' : `; did you mean ${close}?`
  return `expected a network (${known.join(', ')}), found ${JSON.stringify(name)}${hint}`
}
