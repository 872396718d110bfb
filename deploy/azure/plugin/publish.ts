import { z } from 'zod'
import type { ApiAnswer } from './api.ts'
import type { Package } from './bundle.ts'
import type { Context } from './context.ts'
import type { PlannedFunction } from './entry.ts'
import { DeployError, readErrors, tell } from './errors.ts'

export const SITE_API = '2024-11-01'

/** An app as Azure has it; only the fields we read. Source: @azure/arm-appservice, Site. */
const Site = z.looseObject({
  properties: z.looseObject({
    state: z.string().optional(),
    defaultHostName: z.string().optional(),
    hostNameSslStates: z
      .array(z.looseObject({ name: z.string(), hostType: z.string().optional() }))
      .nullish(),
  }),
})

/** Where the app is reached. */
export interface LiveApp {
  readonly state: string
  /** Origin for requests, and for publishing. */
  readonly origin: string
  readonly scm: string
}

export const siteIdOf = ({ names }: Pick<Context, 'names'>) =>
  names.idOf('Microsoft.Web/sites', names.app)

/**
 * The app, `undefined` if there is none. `AZURE_APP_ENDPOINT` and `AZURE_SCM_ENDPOINT` replace where it is reached.
 */
export async function findApp(
  context: Pick<Context, 'api' | 'names'>,
): Promise<LiveApp | undefined> {
  const { api, names } = context
  const found = await api.find(`app ${names.app}`, `${siteIdOf(context)}?api-version=${SITE_API}`)
  if (found === undefined) return undefined
  const { state = 'unknown', defaultHostName, hostNameSslStates } = Site.parse(found).properties
  const host = defaultHostName ?? `${names.app}.azurewebsites.net`
  const scm = hostNameSslStates?.find(({ hostType }) => hostType === 'Repository')?.name
  return {
    state,
    origin: process.env['AZURE_APP_ENDPOINT'] ?? `https://${host}`,
    scm: process.env['AZURE_SCM_ENDPOINT'] ?? `https://${scm ?? host.replace('.', '.scm.')}`,
  }
}

export async function mustFindApp(context: Pick<Context, 'api' | 'names'>): Promise<LiveApp> {
  const found = await findApp(context)
  if (found !== undefined) return found
  throw new DeployError(`app ${context.names.app}: not deployed\n  do: sls deploy`)
}

/** Source: Kudu, DeployStatus. */
const STATUS = { failed: 3, succeeded: 4, conflict: 5, partly: 6, cancelled: -1 } as const

const Deployment = z.looseObject({
  status: z.number().optional(),
  status_text: z.string().nullish(),
  message: z.string().nullish(),
})

/** 0: no answer. */
const PASSING: readonly number[] = [0, 401, 403, 404, 502, 503]

/** What a role that is not effective yet looks like. */
const NO_ROLE = /authoriz|forbidden|\b403\b|permission/i

/**
 * Publishes the zip and waits until the app has it. A role that was granted a moment ago may take some minutes to be
 * effective: until then Azure refuses, and is asked again.
 */
export async function publish(context: Context, app: LiveApp, { bytes }: Package): Promise<void> {
  const { api, names, config } = context
  const what = `code of ${names.app}`
  const until = performance.now() + (config.provider.operations?.roleTimeoutMs ?? 300_000)
  for (let attempt = 0; ; attempt++) {
    const refused = await attemptOf(context, what, app, bytes)
    if (refused === undefined) return
    const patient = refused.mayPass && performance.now() < until
    if (!patient) throw refused.error
    if (attempt === 0) context.say(`${what}: not taken so far; waiting for the app and its roles`)
    await api.pause(attempt)
  }
}

interface Refused {
  readonly error: DeployError
  readonly mayPass: boolean
}

async function attemptOf(
  { api }: Context,
  what: string,
  { scm }: LiveApp,
  zip: Uint8Array,
): Promise<Refused | undefined> {
  let answer: ApiAnswer
  try {
    answer = await api.call({
      what,
      method: 'POST',
      path: `${scm}/api/publish?RemoteBuild=false&Deployer=sls`,
      zip,
      repeatable: true,
    })
  } catch (error) {
    // An app that was made a moment ago may have no address yet, or nobody who answers there.
    if (error instanceof DeployError) return { error, mayPass: PASSING.includes(error.status) }
    throw error
  }
  if (answer.status === 200) return undefined
  const id = idOf(answer)
  const path = `${scm}/api/deployments/${id}`
  const { status, said } = await api.until(what, async () => {
    const found = await api.call({ what, method: 'GET', path, accept: [404] })
    const { status = 0, status_text, message } = Deployment.parse(found.body)
    const ended = Object.values(STATUS).some((one) => one === status)
    return ended ? { status, said: [status_text, message].filter(Boolean).join(' ') } : undefined
  })
  if (status === STATUS.succeeded || status === STATUS.partly) return undefined
  const how =
    status === STATUS.conflict ? 'conflict' : status === STATUS.cancelled ? 'cancelled' : 'failed'
  const log = await logOf(api, what, `${path}/log`)
  const words = [said, ...log].filter((one) => one !== '')
  const faults = words.flatMap((one) => readErrors(one))
  const told = tell(what, `publishing ${how}`, {
    status: status === STATUS.conflict ? 409 : 500,
    faults,
  })
  return {
    error: new DeployError(`${told}\n  deployment ${id}`),
    mayPass: NO_ROLE.test(words.join(' ')),
  }
}

/** Older and newer hosts say it in different ways. */
function idOf({ text, body, headers }: ApiAnswer): string {
  const given = body['id']
  if (typeof given === 'string' && given !== '') return given
  const plain = text.trim().replace(/^"|"$/g, '')
  if (/^[\w-]+$/.test(plain)) return plain
  return /\/deployments\/([\w-]+)/.exec(headers.get('location') ?? '')?.[1] ?? 'latest'
}

const LogEntries = z.array(z.looseObject({ message: z.string().default('') }))

async function logOf(api: Context['api'], what: string, path: string): Promise<readonly string[]> {
  const { status, text } = await api.call({
    what,
    method: 'GET',
    path,
    accept: [400, 404, 500, 502],
  })
  if (status !== 200 || !text.startsWith('[')) return []
  const parsed = LogEntries.safeParse(JSON.parse(text))
  return parsed.success ? parsed.data.slice(-3).map(({ message }) => message) : []
}

/** How long Azure may take to list functions of new code. Unit: ms. */
const LIST_TIMEOUT_MS = 90_000

/** Functions that Azure lists of the app; none where it cannot ask the app. */
export async function listFunctions(
  context: Pick<Context, 'api' | 'names'>,
): Promise<readonly string[]> {
  const path = `${siteIdOf(context)}/functions?api-version=${SITE_API}`
  try {
    const found = await context.api.list(`functions of ${context.names.app}`, path)
    return found.map(({ name }) => String(name).replace(/^.*\//, '')).sort()
  } catch (error) {
    if (error instanceof DeployError && error.status >= 500) return []
    throw error
  }
}

/** Sees that the app has started and says of itself what the yml says; tells if it does not. */
export async function checkFunctions(
  context: Context,
  functions: readonly PlannedFunction[],
): Promise<void> {
  const { api, config, say } = context
  const end =
    performance.now() +
    Math.min(config.provider.operations?.timeoutMs ?? LIST_TIMEOUT_MS, LIST_TIMEOUT_MS)
  for (let attempt = 0; ; attempt++) {
    const listed = await listFunctions(context)
    const missing = functions.filter(({ name }) => !listed.includes(name)).map(({ name }) => name)
    if (missing.length === 0) return
    if (performance.now() > end) {
      say(
        `functions: Azure does not list ${missing.join(', ')} yet; if sls info does not show them in some minutes, sls logs -f ${missing[0]} says why`,
      )
      return
    }
    await api.pause(attempt)
  }
}
