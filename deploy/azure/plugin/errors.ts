import { z } from 'zod'

/** A step that failed: which resource, what Azure answered, what to do. */
export class DeployError extends Error {
  override readonly name = 'DeployError'
  /** HTTP status of the answer; 0 where there was none. */
  readonly status: number
  /** Azure's code, '' where it gave none. */
  readonly code: string

  constructor(message: string, status = 0, code = '') {
    super(message)
    this.status = status
    this.code = code
  }
}

/** One thing that Azure says is wrong. */
export interface Told {
  readonly code: string
  readonly message: string
  readonly target: string
}

const Fault = z.looseObject({
  code: z.union([z.string(), z.number()]).optional(),
  message: z.string().optional(),
  target: z.string().nullish(),
  details: z.array(z.unknown()).nullish(),
  additionalInfo: z.array(z.unknown()).nullish(),
})

const Policy = z.looseObject({
  info: z.looseObject({
    policyDefinitionDisplayName: z.string().optional(),
    policyAssignmentDisplayName: z.string().optional(),
  }),
})

/** As deep as Resource Manager wraps the words of a provider, and some more. */
const MAX_DEPTH = 8
const MAX_MESSAGE = 600

/**
 * What Azure says of an error, in its own words: the innermost ones, for Resource Manager wraps what a provider said,
 * at times as JSON in a text.
 * Total: whatever it is, it is told; never empty.
 */
export function readErrors(body: unknown): readonly [Told, ...Told[]] {
  const [first, ...rest] = unfold(body, 0)
  if (first !== undefined) return [first, ...rest]
  const text = typeof body === 'string' ? body : JSON.stringify(body ?? '')
  return [{ code: '', message: text.slice(0, MAX_MESSAGE), target: '' }]
}

function unfold(body: unknown, depth: number, within = ''): readonly Told[] {
  if (depth > MAX_DEPTH) return []
  if (typeof body === 'string') {
    const inner = parsed(body)
    return inner === undefined ? [] : unfold(inner, depth + 1, within)
  }
  if (typeof body !== 'object' || body === null) return []
  const fields = Object.fromEntries(
    Object.entries(body).map(([name, value]) => [
      name.charAt(0).toLowerCase() + name.slice(1),
      value,
    ]),
  )
  if (typeof fields['error'] === 'object' && fields['error'] !== null)
    return unfold(fields['error'], depth + 1, within)
  const read = Fault.safeParse(fields)
  if (!read.success) return []
  const { code = '', message = '', target, details, additionalInfo } = read.data
  const place = target ?? within
  const inner = [...(details ?? []), message].flatMap((one) => unfold(one, depth + 1, place))
  if (inner.length > 0) return inner
  if (code === '' && message === '') return []
  const policies = (additionalInfo ?? []).flatMap((one) => {
    const { success, data } = Policy.safeParse(one)
    const name = data?.info.policyDefinitionDisplayName ?? data?.info.policyAssignmentDisplayName
    return success && name !== undefined && !message.includes(name) ? [name] : []
  })
  const said = [message.trim(), ...policies.map((name) => `(policy: ${name})`)].join(' ')
  return [{ code: String(code), message: said.slice(0, MAX_MESSAGE), target: place }]
}

function parsed(text: string): unknown {
  const trimmed = text.trim()
  if (!trimmed.startsWith('{') && !trimmed.startsWith('[')) return undefined
  try {
    return JSON.parse(trimmed)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Codes of Resource Manager and its providers, and what whoever deploys can do about them. */
const BY_CODE: readonly (readonly [RegExp, string])[] = [
  [
    /^(?:AuthorizationFailed|LinkedAuthorizationFailed|Authorization_RequestDenied)$/,
    'ask an owner of the subscription for Contributor and Role Based Access Control Administrator (README of the plugin, "Who may deploy")',
  ],
  [
    /^RequestDisallowedByPolicy$/,
    'a policy of your organisation forbids it: ask for an exemption, or deploy to another subscription',
  ],
  [
    /^RoleAssignmentUpdateNotPermitted$/,
    'the identity was made anew: delete this role assignment, which is of the one before, and deploy again',
  ],
  [
    /^(?:ExpiredAuthenticationToken|InvalidAuthenticationToken\w*|AuthenticationFailed)$/,
    'log in: az login, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET',
  ],
  [
    /^SubscriptionNotFound$/,
    'see that AZURE_SUBSCRIPTION_ID is right, and that you are logged in to its tenant',
  ],
  [
    /^(?:MissingSubscriptionRegistration|NoRegisteredProviderFound)$/,
    'az provider register --namespace (the one named above), wait some minutes, and deploy again',
  ],
  [
    /Quota|LimitExceeded|MaxNumber|OverQuota/i,
    'a quota is used up: ask for more (portal, Quotas), or choose another region',
  ],
  [
    /^(?:SkuNotAvailable|LocationNotAvailableForResourceType|ServiceUnavailable|RegionNotSupported|LocationNotSupported\w*)$/,
    'choose another region: --param region=northeurope',
  ],
  [
    /^(?:DeploymentActive|AnotherOperationInProgress|Conflict\w*InProgress)$/,
    'another deployment is on its way: wait for its end, and deploy again',
  ],
  [
    /^(?:FlagMustBeSetForRestore|VaultAlreadyExists|SoftDeleted\w*)$/,
    'something of that name was deleted and is kept for a while: purge it, or choose another stage',
  ],
  [
    /AlreadyTaken|AlreadyExists|NameNotAvailable|NameUnavailable|NotUnique|InUse$/i,
    'somebody has this name: choose another stage',
  ],
  [/^(?:Invalid|Bad)\w*|NotSupported|ValidationFailed/, 'correct this value in the yml'],
]

/** Key Vault has one code for all conflicts. Source: Key Vault, "Soft-delete", `ConflictError`. */
const DELETED = /in deleted state/i

const DELETED_ADVICE =
  'it was deleted, and is kept for a while: az keyvault recover --name (or purge --name), or choose another stage'

/** What whoever deploys can do about it. */
export function advice(status: number, { code = '', message = '' }: Partial<Told>): string {
  if (DELETED.test(message)) return DELETED_ADVICE
  const found = BY_CODE.find(([pattern]) => pattern.test(code))
  if (found !== undefined) return found[1]
  switch (status) {
    case 400:
      return 'correct this value in the yml'
    case 401:
      return 'log in: az login, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET'
    case 403:
      return 'ask an owner of the subscription for Contributor and Role Based Access Control Administrator (README of the plugin, "Who may deploy")'
    case 404:
      return 'see that the subscription, the region and the name are right'
    case 409:
      return 'something of that name exists or is being changed: wait and deploy again, or choose another stage'
    case 429:
      return 'Azure asks for patience: wait some minutes, and deploy again'
    default:
      return status === 0
        ? 'see that this machine reaches the address'
        : 'deploy again: what is done is skipped; https://azure.status.microsoft says whether Azure has trouble'
  }
}

/** Where an error is looked up at Azure. */
export interface Trail {
  readonly correlationId?: string | undefined
  readonly requestId?: string | undefined
}

const MAX_TOLD = 8

/** Which resource, what was answered, where to look it up, what to do. */
export function tell(
  what: string,
  how: string,
  { status, faults, trail }: { status: number; faults: readonly Told[]; trail?: Trail },
): string {
  const lines = faults
    .slice(0, MAX_TOLD)
    .map(({ code, message, target }) =>
      ['  Azure:', code === '' ? '' : `${code}:`, message, target === '' ? '' : `(${target})`]
        .filter((part) => part !== '')
        .join(' '),
    )
  const more = faults.length > MAX_TOLD ? [`  and ${faults.length - MAX_TOLD} more`] : []
  const { correlationId, requestId } = trail ?? {}
  const ids = [
    ...(correlationId === undefined ? [] : [`correlation id ${correlationId}`]),
    ...(requestId === undefined || requestId === correlationId ? [] : [`request id ${requestId}`]),
  ]
  const advised = new Set(
    (faults.length === 0 ? [{ code: '' }] : faults).map((one) => advice(status, one)),
  )
  return [
    `${what}: ${how}`,
    ...new Set(lines),
    ...more,
    ...(ids.length === 0 ? [] : [`  ${ids.join(', ')}`]),
    ...[...advised].map((one) => `  do: ${one}`),
  ].join('\n')
}
