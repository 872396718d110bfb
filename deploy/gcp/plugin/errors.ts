import { z } from 'zod'

/** A step that failed: which resource, what Google answered, what to do. */
export class DeployError extends Error {
  override readonly name = 'DeployError'
  /** HTTP status of the answer; 0 where there was none. */
  readonly status: number

  constructor(message: string, status = 0) {
    super(message)
    this.status = status
  }
}

const Answer = z.object({
  error: z.object({
    code: z.union([z.number(), z.string()]).optional(),
    status: z.string().optional(),
    message: z.string().default(''),
    details: z
      .array(
        z.looseObject({
          reason: z.string().optional(),
          metadata: z.record(z.string(), z.unknown()).optional(),
        }),
      )
      .optional(),
  }),
})

/** What Google says of an error, in its own words. */
export interface Told {
  readonly status: string
  readonly message: string
  readonly reason: string | undefined
  readonly metadata: Readonly<Record<string, unknown>>
}

/** Reads the body of an answer that is no success. Total: whatever it is, it is told. */
export function readError(body: unknown): Told {
  const parsed = Answer.safeParse(body)
  if (!parsed.success) {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    return { status: '', message: (text ?? '').slice(0, 500), reason: undefined, metadata: {} }
  }
  const { status, message, details } = parsed.data.error
  const found = details?.find(({ reason }) => reason !== undefined)
  return { status: status ?? '', message, reason: found?.reason, metadata: found?.metadata ?? {} }
}

/** What whoever deploys can do about it. */
export function advice(status: number, told: Told, project: string): string {
  const { message, reason, metadata } = told
  if (reason === 'SERVICE_DISABLED') {
    const service = String(metadata['service'] ?? 'the service')
    return `gcloud services enable ${service} --project ${project}, wait a minute, and deploy again`
  }
  if (reason === 'BILLING_DISABLED' || /billing/i.test(message))
    return `link a billing account: https://console.cloud.google.com/billing/linkedaccount?project=${project}`
  switch (status) {
    case 400:
      return 'correct this value in the yml'
    case 401:
      return 'log in: gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS'
    case 403: {
      const permission = metadata['permission'] ?? /[Pp]ermission '?([\w.]+)'?/.exec(message)?.[1]
      const what = permission === undefined ? 'the permission' : `the permission ${permission}`
      return `ask an owner of ${project} for ${what} (roles: README of the plugin, "Who may deploy")`
    }
    case 404:
      return `see that the project ${project}, the region and the name are right`
    case 409:
      return 'something of that name exists or is being changed: wait and deploy again, or choose another name'
    case 412:
      return 'somebody else changed it meanwhile: deploy again'
    case 429:
      return `a quota is used up: wait, or ask for more at https://console.cloud.google.com/iam-admin/quotas?project=${project}`
    default:
      return status === 0
        ? 'see that this machine reaches the address'
        : 'Google has trouble: https://status.cloud.google.com; deploy again, what is done is skipped'
  }
}
