import { EVENT_KINDS, type EventKind, type ServiceConfig } from './config.ts'
import { DeployError } from './errors.ts'

/** A function of Azure: one trigger, one handler. */
export interface PlannedFunction {
  /** What Azure calls it. */
  readonly name: string
  /** What the yml calls it. */
  readonly key: string
  readonly kind: EventKind
  readonly options: Readonly<Record<string, unknown>>
  /** Path without its ending, and the export of it. */
  readonly file: string
  readonly exported: string
}

/** NCRONTAB's six fields, a TimeSpan, or a setting. Source: Azure Functions, "Timer trigger". */
const SCHEDULE = /^(?:%\w+%|\d\d:\d\d:\d\d|\S+(?: \S+){5})$/

/**
 * Every function of the yml as Azure has it. A function with several events makes several, `{key}-{name of the event}`.
 * @throws DeployError naming every fault with its path.
 */
export function planFunctions({ functions, provider }: ServiceConfig): readonly PlannedFunction[] {
  const faults: string[] = []
  const settings = new Set([
    ...Object.keys(provider.environment ?? {}),
    ...Object.keys(provider.secrets ?? {}),
  ])
  const planned = Object.entries(functions).flatMap(([key, { handler, events }]) => {
    const at = `functions.${key}`
    const dot = handler.lastIndexOf('.')
    if (dot <= handler.lastIndexOf('/'))
      faults.push(`${at}.handler: expected path/of/file.export, found ${handler}`)
    return events.flatMap((event, index) => {
      const path = `${at}.events.${index}`
      const kinds = EVENT_KINDS.filter((kind) => event[kind] !== undefined)
      const [kind] = kinds
      if (kind === undefined || kinds.length > 1) {
        faults.push(
          `${path}: expected one of ${EVENT_KINDS.join(', ')}, found ${kinds.join(', ') || 'none'}`,
        )
        return []
      }
      const { name, ...options } = { name: undefined, ...event[kind] }
      if (events.length > 1 && name === undefined)
        faults.push(`${path}.${kind}.name: expected a name, for ${key} has ${events.length} events`)
      for (const fault of faultsOf(options, settings)) faults.push(`${path}.${kind}.${fault}`)
      return [
        {
          name: name === undefined ? key : `${key}-${name}`,
          key,
          kind,
          options,
          file: handler.slice(0, dot),
          exported: handler.slice(dot + 1),
        },
      ]
    })
  })
  const names = planned.map(({ name }) => name.toLowerCase())
  const twice = planned.find(({ name }, index) => names.indexOf(name.toLowerCase()) !== index)
  if (twice !== undefined)
    faults.push(`functions.${twice.key}: expected names of their own, found ${twice.name} twice`)
  for (const group of Object.keys(provider.alwaysReady ?? {}))
    if (group !== 'http' && !planned.some(({ name }) => name === group))
      faults.push(`provider.alwaysReady.${group}: expected http or a function, found neither`)
  if (faults.length === 0) return planned
  throw new DeployError(
    `expected a yml without faults:\n${faults.map((one) => `  ${one}`).join('\n')}`,
  )
}

/** What no schema sees: settings that a trigger names, and schedules. */
function faultsOf(
  options: Readonly<Record<string, unknown>>,
  settings: ReadonlySet<string>,
): readonly string[] {
  const faults: string[] = []
  const { connection, schedule } = options
  if (typeof connection === 'string') {
    const there = [...settings].some(
      (name) => name === connection || name.startsWith(`${connection}__`),
    )
    if (!there && connection !== 'AzureWebJobsStorage')
      faults.push(
        `connection: expected ${connection} or ${connection}__… among provider.environment and provider.secrets, found neither`,
      )
  }
  if (typeof schedule === 'string' && !SCHEDULE.test(schedule))
    faults.push(`schedule: expected six fields (seconds first) or hh:mm:ss, found ${schedule}`)
  for (const [field, value] of Object.entries(options))
    for (const [, name = ''] of String(value).matchAll(/%(\w+)%/g))
      if (!settings.has(name))
        faults.push(`${field}: expected the setting ${name} among provider.environment, found none`)
  return faults
}

/**
 * The module that registers every function with Azure's programming model. A handler's module is loaded when it is
 * first called, by the expression of a promise that `loadOf` gives: an instance of one function never pays for the
 * others. What such a module exports as `close` is called when the host ends the process.
 *
 * Source: Azure Functions Node.js developer guide, hooks, `appTerminate`.
 */
export function entrySource(
  functions: readonly PlannedFunction[],
  loadOf: (planned: PlannedFunction) => string,
): string {
  return [
    "import { app } from '@azure/functions'",
    'const ends = new Set()',
    "const use = (it) => (typeof it.close === 'function' && ends.add(it.close), it)",
    'app.hook.appTerminate(() => Promise.allSettled([...ends].map(async (close) => close())))',
    ...functions.map((planned) => {
      const { name, kind, options, exported } = planned
      const handler = `(...given) => ${loadOf(planned)}.then((it) => use(it).${exported}(...given))`
      const pairs = Object.entries(options).map(
        ([field, value]) => `${JSON.stringify(field)}: ${JSON.stringify(value)}`,
      )
      return `app.${kind}(${JSON.stringify(name)}, { ${[...pairs, `handler: ${handler}`].join(', ')} })`
    }),
    '',
  ].join('\n')
}
