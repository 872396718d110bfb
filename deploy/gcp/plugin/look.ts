import { z } from 'zod'
import type { Context } from './context.ts'
import { DeployError } from './errors.ts'
import { addressOf, findFunction, listFunctions } from './functions.ts'
import { shortName } from './names.ts'
import type { PlannedFunction } from './plan.ts'
import { listPubsub } from './pubsub.ts'
import { listJobs } from './schedules.ts'

// info, logs and invoke: what looks at a deployment and changes nothing of it.

/** Lines that tell what is deployed. */
export async function info(context: Context): Promise<readonly string[]> {
  const { names, config } = context
  const functions = await listFunctions(context)
  const [topics, subscriptions, jobs] = await Promise.all([
    listPubsub(context, 'topics'),
    listPubsub(context, 'subscriptions'),
    listJobs(context),
  ])
  const described = functions.flatMap(
    ({ name, state, serviceConfig, buildConfig, updateTime, stateMessages }) => [
      `  ${shortName(name)}  ${state ?? 'unknown'}  ${buildConfig?.runtime ?? ''}  ${updateTime ?? ''}`,
      ...(serviceConfig?.uri === undefined ? [] : [`    ${serviceConfig.uri}`]),
      ...(stateMessages ?? []).map(({ message }) => `    ${message ?? ''}`),
    ],
  )
  const group = (title: string, full: readonly string[]) =>
    full.length === 0 ? [] : [`${title}:`, ...full.map((name) => `  ${shortName(name)}`)]
  return [
    `service: ${config.service}`,
    `stage: ${config.stage}`,
    `project: ${names.project}`,
    `region: ${names.region}`,
    ...(described.length === 0 ? ['functions: none'] : ['functions:', ...described]),
    ...group('topics', topics),
    ...group('subscriptions', subscriptions),
    ...group('schedules', jobs),
    ...(config.resources.firestore === undefined ? [] : [`firestore: ${names.database}`]),
    ...(config.resources.bigquery === undefined ? [] : [`bigquery: ${names.dataset}`]),
    ...group(
      'buckets',
      Object.keys(config.resources.buckets ?? {}).map((key) => names.bucket(key)),
    ),
  ]
}

const Entry = z.looseObject({
  timestamp: z.string().default(''),
  severity: z.string().default('DEFAULT'),
  insertId: z.string().default(''),
  textPayload: z.string().optional(),
  jsonPayload: z.looseObject({ message: z.unknown().optional() }).optional(),
  httpRequest: z
    .looseObject({
      requestMethod: z.string().optional(),
      requestUrl: z.string().optional(),
      status: z.number().optional(),
    })
    .optional(),
})
type Entry = z.infer<typeof Entry>

export interface LogsOptions {
  /** RFC 3339, or how long ago: `10m`, `2h`, `1d`. */
  readonly startTime?: string | undefined
  /** More of Cloud Logging's query language. */
  readonly filter?: string | undefined
  readonly nowMs: number
}

/** Log lines of a function, oldest first, and the time to go on from. */
export async function logs(
  { api, names }: Pick<Context, 'api' | 'names'>,
  { name }: Pick<PlannedFunction, 'name'>,
  options: LogsOptions,
): Promise<{ readonly lines: readonly string[]; readonly last: string | undefined }> {
  const since = sinceOf(options.startTime ?? '10m', options.nowMs)
  const filter = [
    'resource.type="cloud_run_revision"',
    `resource.labels.service_name="${shortName(name)}"`,
    `resource.labels.location="${names.region}"`,
    `timestamp>"${since}"`,
    ...(options.filter === undefined ? [] : [`(${options.filter})`]),
  ].join(' AND ')
  const { body } = await api.call({
    what: `logs of ${shortName(name)}`,
    service: 'logging',
    method: 'POST',
    path: '/v2/entries:list',
    body: {
      resourceNames: [`projects/${names.project}`],
      filter,
      orderBy: 'timestamp asc',
      pageSize: 1000,
    },
  })
  const entries = z.array(Entry).parse(body['entries'] ?? [])
  return { lines: entries.map(lineOf), last: entries.at(-1)?.timestamp }
}

function lineOf({ timestamp, severity, textPayload, jsonPayload, httpRequest }: Entry): string {
  const message = jsonPayload?.message
  const request =
    httpRequest === undefined
      ? ''
      : `${httpRequest.requestMethod ?? ''} ${httpRequest.requestUrl ?? ''} ${httpRequest.status ?? ''}`
  const text =
    textPayload ??
    (typeof message === 'string'
      ? message
      : jsonPayload === undefined
        ? request
        : JSON.stringify(jsonPayload))
  return `${timestamp} ${severity.padEnd(7)} ${text.trimEnd()}`
}

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

function sinceOf(text: string, nowMs: number): string {
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? []
  if (count !== undefined)
    return new Date(nowMs - Number(count) * (UNIT_MS[unit] ?? 0)).toISOString()
  const at = Date.parse(text)
  if (Number.isNaN(at))
    throw new DeployError(`startTime: expected 10m, 2h, 1d or an RFC 3339 time, found ${text}`)
  return new Date(at).toISOString()
}

export interface Invocation {
  readonly data: string
  readonly nowMs: number
  /** For the id of a made-up message. */
  readonly id: string
}

/**
 * Calls a function as what calls it would: a CloudEvent, a push, or a plain request. Private functions are called
 * with a token of the account that calls functions.
 * @throws DeployError if it answers with anything but success.
 */
export async function invoke(
  context: Context,
  planned: PlannedFunction,
  { data, nowMs, id }: Invocation,
): Promise<string> {
  const what = `function ${shortName(planned.name)}`
  const live = await findFunction(context, planned.name)
  if (live === undefined) throw new DeployError(`${what}: not deployed\n  do: sls deploy`)
  const { uri } = addressOf(live)
  const { body, headers } = requestOf(context, planned, { data, nowMs, id })
  const token = planned.public ? {} : { authorization: `Bearer ${await idToken(context, uri)}` }
  const response = await fetch(uri, { method: 'POST', headers: { ...headers, ...token }, body })
  const text = await response.text()
  if (!response.ok)
    throw new DeployError(
      `${what}: HTTP ${response.status}\n  ${text.slice(0, 2_000)}`,
      response.status,
    )
  return text
}

function requestOf(
  { names }: Context,
  { events }: PlannedFunction,
  { data, nowMs, id }: Invocation,
) {
  const [event] = events
  const json = { 'content-type': 'application/json' }
  const at = new Date(nowMs).toISOString()
  const message = {
    data: Buffer.from(data).toString('base64'),
    messageId: id,
    publishTime: at,
    attributes: {},
  }
  if (event?.push !== undefined)
    return {
      headers: json,
      body: JSON.stringify({ message, subscription: names.subscription('invoke') }),
    }
  if (event?.pubsub !== undefined) {
    const cloudEvent = {
      ...json,
      'ce-specversion': '1.0',
      'ce-id': id,
      'ce-time': at,
      'ce-type': 'google.cloud.pubsub.topic.v1.messagePublished',
      'ce-source': `//pubsub.googleapis.com/${names.topic(event.pubsub.topic)}`,
    }
    return {
      headers: cloudEvent,
      body: JSON.stringify({ message, subscription: names.subscription('invoke') }),
    }
  }
  return { headers: json, body: data === '' ? '{}' : data }
}

/** Source: REST reference of IAM Credentials, generateIdToken. */
async function idToken({ api, names }: Context, audience: string): Promise<string> {
  const { body } = await api.call({
    what: `token of ${names.caller} (needs roles/iam.serviceAccountOpenIdTokenCreator on it)`,
    service: 'iamcredentials',
    method: 'POST',
    path: `/v1/projects/-/serviceAccounts/${names.caller}:generateIdToken`,
    body: { audience, includeEmail: true },
  })
  return z.looseObject({ token: z.string() }).parse(body).token
}
