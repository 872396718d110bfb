import { z } from 'zod'
import type { Context } from './context.ts'
import { Deployed, deploymentPath } from './deploy.ts'
import type { PlannedFunction } from './entry.ts'
import { DeployError } from './errors.ts'
import { findGroup, listResources } from './group.ts'
import { findApp, listFunctions, mustFindApp, SITE_API, siteIdOf } from './publish.ts'

// info, logs and invoke: what looks at a deployment and changes nothing of it.

/** Lines that tell what is deployed. */
export async function info(context: Context): Promise<readonly string[]> {
  const { api, names, config } = context
  const head = [
    `service: ${config.service}`,
    `stage: ${config.stage}`,
    `subscription: ${names.subscriptionId}`,
    `resource group: ${names.group}`,
    `region: ${names.region}`,
  ]
  if ((await findGroup(context)) === undefined) return [...head, 'resources: none']
  const [app, resources, deployment] = await Promise.all([
    findApp(context),
    listResources(context),
    api.find(`deployment ${names.deployment}`, deploymentPath(context)),
  ])
  const functions = app === undefined ? [] : await listFunctions(context)
  const {
    provisioningState = 'unknown',
    timestamp = '',
    outputs,
  } = deployment === undefined ? { outputs: {} } : Deployed.parse(deployment).properties
  return [
    ...head,
    `deployment: ${provisioningState} ${timestamp}`.trimEnd(),
    ...(app === undefined ? ['app: none'] : [`app: ${names.app}  ${app.state}  ${app.origin}`]),
    ...group('functions', functions),
    ...group(
      'resources',
      resources.map(({ type, name }) => `${type}  ${name}`),
    ),
    ...group(
      'outputs',
      Object.entries(outputs ?? {}).map(([name, { value }]) => `${name}: ${String(value)}`),
    ),
  ]
}

const group = (title: string, lines: readonly string[]) =>
  lines.length === 0 ? [`${title}: none`] : [`${title}:`, ...lines.map((line) => `  ${line}`)]

export interface LogsOptions {
  /** RFC 3339, or how long ago: `10m`, `2h`, `1d`. */
  readonly startTime?: string | undefined
  /** A condition of the Kusto query language: `severityLevel >= 3`. */
  readonly filter?: string | undefined
  readonly nowMs: number
}

const INSIGHTS = 'https://api.applicationinsights.io'

const Component = z.looseObject({ properties: z.looseObject({ AppId: z.string() }) })

const Answer = z.looseObject({
  tables: z.array(
    z.looseObject({
      columns: z.array(z.looseObject({ name: z.string() })),
      rows: z.array(z.array(z.unknown())),
    }),
  ),
})

const LEVELS = ['TRACE', 'INFO', 'WARNING', 'ERROR', 'CRITICAL']

/**
 * Log lines of a function, oldest first, and the time to go on from. Application Insights shows them some minutes late.
 * `AZURE_INSIGHTS_ENDPOINT` replaces where it is asked.
 */
export async function logs(
  { api, names }: Context,
  { name }: Pick<PlannedFunction, 'name'>,
  options: LogsOptions,
): Promise<{ readonly lines: readonly string[]; readonly last: string | undefined }> {
  const what = `logs of ${name}`
  const id = names.idOf('Microsoft.Insights/components', names.insights)
  const component = await api.find(what, `${id}?api-version=2020-02-02`)
  if (component === undefined) throw new DeployError(`${what}: not deployed\n  do: sls deploy`)
  const since = sinceOf(options.startTime ?? '10m', options.nowMs)
  const query = [
    'union traces, requests, exceptions',
    `where timestamp > datetime(${since})`,
    `where operation_Name =~ ${JSON.stringify(name)}`,
    ...(options.filter === undefined ? [] : [`where ${options.filter}`]),
    "extend text = case(itemType == 'request', strcat(name, ' ', resultCode, ' ', tolong(duration), ' ms'), itemType == 'exception', strcat(type, ': ', outerMessage), message)",
    'order by timestamp asc',
    'project timestamp, itemType, severityLevel, text',
    'take 1000',
  ].join(' | ')
  const { body } = await api.call({
    what,
    method: 'POST',
    path: `${process.env['AZURE_INSIGHTS_ENDPOINT'] ?? INSIGHTS}/v1/apps/${Component.parse(component).properties.AppId}/query`,
    body: { query },
    scope: `${INSIGHTS}/.default`,
    repeatable: true,
  })
  const [table] = Answer.parse(body).tables
  const columns = table?.columns.map(({ name }) => name) ?? []
  const rows = (table?.rows ?? []).map(
    (row) => new Map(columns.map((column, index) => [column, row[index]])),
  )
  return {
    lines: rows.map((row) => {
      const level = LEVELS[Number(row.get('severityLevel') ?? 1)] ?? 'INFO'
      return `${String(row.get('timestamp'))} ${level.padEnd(8)} ${String(row.get('text') ?? '').trimEnd()}`
    }),
    last:
      rows.at(-1)?.get('timestamp') === undefined
        ? undefined
        : String(rows.at(-1)?.get('timestamp')),
  }
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

const Keys = z.looseObject({
  masterKey: z.string(),
  functionKeys: z.record(z.string(), z.string()).default({}),
})

/**
 * Calls a function: one of HTTP at its route, any other by the administrator's way in, which answers before it has run.
 * @throws DeployError if it answers with anything but success.
 */
export async function invoke(
  context: Context,
  planned: PlannedFunction,
  data: string,
): Promise<string> {
  const { api, config } = context
  const what = `function ${planned.name}`
  const { origin } = await mustFindApp(context)
  const { body } = await api.call({
    what: `keys of ${context.names.app}`,
    method: 'POST',
    path: `${siteIdOf(context)}/host/default/listKeys?api-version=${SITE_API}`,
    repeatable: true,
  })
  const { masterKey, functionKeys } = Keys.parse(body)
  if (planned.kind !== 'http') {
    const answer = await api.call({
      what,
      method: 'POST',
      path: `${origin}/admin/functions/${planned.name}`,
      body: { input: data },
      headers: { 'x-functions-key': masterKey },
      scope: '',
    })
    return answer.text === ''
      ? `${answer.status}: taken; sls logs -f ${planned.key} shows what became of it`
      : answer.text
  }
  const level = planned.options['authLevel'] ?? 'function'
  const key = level === 'admin' ? masterKey : functionKeys['default']
  const route = String(planned.options['route'] ?? planned.name)
    .replace(/\{[^}]*\}/g, '')
    .replace(/\/+$/, '')
  const response = await fetch(`${origin}/${prefixOf(config.provider.host)}${route}`, {
    method: data === '' ? 'GET' : 'POST',
    headers: {
      ...(level === 'anonymous' || key === undefined ? {} : { 'x-functions-key': key }),
      ...(data === '' ? {} : { 'content-type': 'application/json' }),
    },
    ...(data === '' ? {} : { body: data }),
  })
  const text = await response.text()
  if (!response.ok)
    throw new DeployError(
      `${what}: HTTP ${response.status}\n  ${text.slice(0, 2_000)}`,
      response.status,
    )
  return text
}

const Host = z.looseObject({
  extensions: z
    .looseObject({ http: z.looseObject({ routePrefix: z.string().optional() }).optional() })
    .optional(),
})

/** What stands before every route: `api/`, unless host.json says otherwise. */
function prefixOf(host: unknown): string {
  const prefix = Host.parse(host ?? {}).extensions?.http?.routePrefix ?? 'api'
  return prefix === '' ? '' : `${prefix}/`
}
