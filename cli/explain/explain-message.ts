import { readTopic } from '../../adapters/local/index.ts'
import {
  type ActionResult,
  type AlarmState,
  addToWindows,
  type CompiledRule,
  type ConditionExplanation,
  CoreError,
  closeDueWindows,
  compileCondition,
  compileRule,
  compileWindowedRule,
  decodePack,
  type ErrorCode,
  type ExpressionExplanation,
  explainCondition as explainRouteCondition,
  explainRule,
  isWindowed,
  type Json,
  judge,
  type LookupRequest,
  type MetricValue,
  type Program,
  type ProgramAlarm,
  type ProgramRoute,
  type ProgramRule,
  type ProgramWindow,
  type RuleExplanation,
  type RuleMessage,
  type SqlVersion,
  type Telemetry,
  takeRouted,
  toRouted,
  toRuleMessage,
  twinView,
  type Verdict,
} from '../../core/index.ts'

/** A message to be explained. */
export interface GivenMessage {
  readonly topic: string
  readonly payload: Uint8Array
  /** Epoch ms. */
  readonly receivedAt: number
}

/** What a config makes of one message on a device that was never heard of, as plain data. */
export interface MessageExplanation {
  readonly topic: string
  readonly deviceId: string
  /** True if the topic names the device; else one is made up. */
  readonly addressed: boolean
  readonly deviceType?: string
  /** Why the message goes to the dead letters; then nothing else happens. */
  readonly refused?: Fault
  /** Event time, epoch ms. */
  readonly at?: number
  /** True if the message brought its time along. */
  readonly timed?: boolean
  readonly values?: Readonly<Record<string, MetricValue>>
  /** How many messages came with this one, their first; each goes the same way by itself. */
  readonly others?: number
  readonly rules: readonly ExplainedRule[]
  readonly routes: readonly ExplainedRoute[]
  readonly alarms: readonly ExplainedAlarm[]
}

export interface Fault {
  readonly code: ErrorCode
  readonly message: string
}

export interface ExplainedRule {
  readonly ruleId: string
  /** A rule that is switched off is explained all the same, but does nothing. */
  readonly enabled: boolean
  /** True if messages that match go into windows, and those give the output. */
  readonly windowed: boolean
  readonly explanation?: RuleExplanation
  /** Why the rule failed on this message. */
  readonly failed?: Fault
  /** What it asks of stores outside the message: nobody answers here, and the value is Undefined. */
  readonly asks: readonly LookupRequest[]
  /** Of a rule with windows: where the message goes, if it goes in. */
  readonly window?: ExplainedWindow
  readonly actions: readonly ExplainedAction[]
}

export interface ExplainedWindow {
  /** The values of GROUP BY. */
  readonly group: readonly Json[]
  /** What HAVING and SELECT make of each window that the message is in, if no other message comes. */
  readonly alone: readonly {
    /** Event times, epoch ms: `start` belongs to it, `end` does not. */
    readonly start: number
    readonly end: number
    readonly matched: boolean
    readonly value?: Json
  }[]
}

export interface ExplainedRoute {
  readonly routeId: string
  readonly enabled: boolean
  /** Only routes of telemetry look at a message. */
  readonly source: ProgramRoute['source']
  /** True if it takes what no other takes. */
  readonly fallback: boolean
  /** How its condition came to its verdict; absent of a fallback, and of another source. */
  readonly condition?: ConditionExplanation
  readonly taken: boolean
  readonly actions: readonly ExplainedAction[]
}

export interface ExplainedAction {
  /** The key that names it in the config, such as `republish`. */
  readonly action: string
  /** What it would do, its templates filled in. */
  readonly result?: ActionResult
  readonly failed?: Fault
}

type Condition = ExpressionExplanation & { readonly verdict: 'true' | 'false' | 'undefined' }

export interface ExplainedAlarm {
  readonly alarmId: string
  readonly topic: RuleExplanation['topic']
  readonly when?: Condition
  readonly clear?: Condition
  readonly failed?: Fault
  /** What the message does to the alarm of a device that has none yet. */
  readonly transition?: 'none' | 'pending' | 'raised'
  readonly state?: AlarmState
  /** How long the condition has to hold. Unit: ms. */
  readonly forMs: number
  readonly channelIds: readonly string[]
}

/** Stands in where the topic names no device. */
const MADE_UP = 'device-1'

/** The topic of a message of which nobody says one. */
export const DEFAULT_TOPIC = `devices/${MADE_UP}/telemetry`

/** Explains what a config makes of a message: which clauses hold, what the actions do, what becomes of the alarms. */
export function explainMessage(program: Program, given: GivenMessage): MessageExplanation {
  const { topic, payload, receivedAt } = given
  const meaning = readTopic(topic)
  const addressed = meaning.kind === 'telemetry'
  const deviceId = addressed ? meaning.deviceId : MADE_UP
  const nothing = { topic, deviceId, addressed, rules: [], routes: [], alarms: [] }
  const type = program.deviceType(deviceId)
  if (type === undefined) {
    const message = 'expected a device id that a device type covers, found one that none does'
    return { ...nothing, refused: { code: 'uplink.bad_device_id', message } }
  }
  const uplink = { deviceId, topic, payload, contentType: '', receivedAt, source: 'explain' }
  const decoded = attempt(() => decodePack(uplink, type.decode, 'message-1'))
  if ('failed' in decoded) return { ...nothing, deviceType: type.name, refused: decoded.failed }
  const [telemetry, ...others] = decoded.value
  if (telemetry === undefined) return { ...nothing, deviceType: type.name }
  const message = toRuleMessage(telemetry, {
    newId: () => crypto.randomUUID(),
    random: Math.random,
    lookups: undefined,
  })
  return {
    topic,
    deviceId,
    addressed,
    deviceType: type.name,
    ...(others.length === 0 ? {} : { others: others.length }),
    at: telemetry.at,
    timed: telemetry.timed,
    values: telemetry.metrics,
    rules: Object.keys(program.config.rules).map((ruleId) =>
      explainOne(program, ruleId, message, telemetry, deviceId),
    ),
    routes: explainRoutes(program, message, telemetry, deviceId),
    alarms: [...program.alarmsById.values()].map((alarm) =>
      explainAlarm(program, alarm, message, telemetry),
    ),
  }
}

function explainOne(
  program: Program,
  ruleId: string,
  message: RuleMessage,
  telemetry: Telemetry,
  deviceId: string,
): ExplainedRule {
  const config = program.config.rules[ruleId]
  const found = program.rulesById.get(ruleId)
  const explained = attempt(() => explainInput(found, config, message))
  const windowed = isWindowed(config?.sql ?? '')
  const facts = { ruleId, enabled: found !== undefined, windowed }
  if ('failed' in explained) return { ...facts, failed: explained.failed, asks: [], actions: [] }
  const { explanation, result, asks } = explained.value
  const base = { ...facts, explanation, asks }
  if (found === undefined || result?.status !== 'output') return { ...base, actions: [] }
  const source = { message, telemetry, deviceId }
  if (found.window === undefined)
    return { ...base, actions: explainActions(found, config, source, result.value) }
  const { window } = found
  const entered = attempt(() => explainWindow(window, message, telemetry))
  if ('failed' in entered) return { ...base, failed: entered.failed, actions: [] }
  const first = entered.value.alone.find(({ matched }) => matched)
  const body = first?.value
  const given = { ...source, message: { ...message, body } }
  return {
    ...base,
    window: entered.value,
    actions: first === undefined ? [] : explainActions(found, config, given, body),
  }
}

/** FROM and WHERE, and of a rule without windows the result. */
function explainInput(
  found: ProgramRule | undefined,
  config: Program['config']['rules'][string] | undefined,
  message: RuleMessage,
) {
  const { sql = '', sqlVersion = '2016-03-23' } = config ?? {}
  const rule = found?.rule ?? compileInput(sql, sqlVersion)
  const reached = rule.matchesTopic(message.facts.topic)
  const explanation = explainRule(rule, message)
  return {
    explanation: isWindowed(sql) ? { ...explanation, sql, select: [] } : explanation,
    result: reached ? rule.evaluate(message) : undefined,
    asks: reached ? rule.lookups(message) : [],
  }
}

/** A rule that is switched off is not in the program. */
function compileInput(sql: string, sqlVersion: SqlVersion): CompiledRule {
  return isWindowed(sql)
    ? compileWindowedRule(sql, { sqlVersion }).input
    : compileRule(sql, { sqlVersion })
}

/** Puts the message into a window of its own, and closes it. */
function explainWindow(
  { rule, plan }: ProgramWindow,
  message: RuleMessage,
  { at, receivedAt, topic }: Telemetry,
): ExplainedWindow {
  const group = rule.groups.map((key) => key.evaluate(message) ?? null)
  const values = rule.aggregates.map(({ argument }) =>
    argument === undefined ? true : (argument.evaluate(message) ?? null),
  )
  const entered = addToWindows(undefined, plan, { at, receivedAt, topic, group, values })
  const left = closeDueWindows(entered.state, plan, Number.POSITIVE_INFINITY)
  const alone = [...entered.closed, ...left.closed].map((closed) => {
    const result = rule.output(closed, { body: undefined, facts: message.facts })
    const { start, end } = closed
    if (result.status === 'no_match') return { start, end, matched: false }
    const { value } = result
    return value === undefined || value instanceof Uint8Array
      ? { start, end, matched: true }
      : { start, end, matched: true, value }
  })
  return { group, alone }
}

/** What the routes make of the message, for a device whose twin is empty. */
function explainRoutes(
  program: Program,
  message: RuleMessage,
  telemetry: Telemetry,
  deviceId: string,
): readonly ExplainedRoute[] {
  const routed = toRouted(deviceId, telemetry, message, twinView(deviceId, undefined))
  const taking = program.routes.match('telemetry', routed.message)
  return Object.entries(program.config.routes).map(([routeId, config]): ExplainedRoute => {
    const { source, fallback, condition = 'true' } = config
    const found = program.routesById.get(`route:${routeId}`)
    const taken = found !== undefined && taking.includes(found)
    const { message: given, value } =
      found === undefined ? { message, value: undefined } : takeRouted(found, routed)
    return {
      routeId,
      enabled: found !== undefined,
      source,
      fallback,
      ...(fallback || source !== 'telemetry'
        ? {}
        : {
            condition: explainRouteCondition(compileCondition(condition, source), routed.message),
          }),
      taken,
      actions: taken
        ? explainActions(found, config, { message: given, telemetry, deviceId }, value)
        : [],
    }
  })
}

interface ActionSource {
  readonly message: RuleMessage
  readonly telemetry: Telemetry
  readonly deviceId: string
}

function explainActions(
  { ruleId, actions }: Pick<ProgramRule, 'ruleId' | 'actions'>,
  config: Pick<Program['config']['rules'][string], 'actions'> | undefined,
  { message, telemetry, deviceId }: ActionSource,
  value: Json | Uint8Array | undefined,
): readonly ExplainedAction[] {
  const { messageId, at, receivedAt } = telemetry
  return actions.map((run, index): ExplainedAction => {
    const key = `${ruleId}/${index}/${messageId}`
    const done = attempt(() => run({ message, value, deviceId, messageId, at, receivedAt, key }))
    const action = Object.keys(config?.actions[index] ?? {})[0] ?? ''
    return 'failed' in done ? { action, failed: done.failed } : { action, result: done.value }
  })
}

function explainAlarm(
  program: Program,
  alarm: ProgramAlarm,
  message: RuleMessage,
  telemetry: Telemetry,
): ExplainedAlarm {
  const { alarmId, forMs, channelIds } = alarm
  const filter = alarm.rule.filter
  const matched = alarm.rule.matchesTopic(telemetry.topic)
  const facts = { alarmId, topic: { filter, topic: telemetry.topic, matched }, forMs, channelIds }
  if (!matched) return facts
  const config = program.config.alarms[alarmId]
  const explained = attempt(() => ({
    when: explainCondition(config?.when, message),
    clear: explainCondition(config?.clear, message),
    verdict: judgeFresh(alarm, message, telemetry),
  }))
  if ('failed' in explained) return { ...facts, failed: explained.failed }
  const { when, clear, verdict } = explained.value
  const { state, transition } = verdict
  const pending = state?.status === 'pending'
  return {
    ...facts,
    ...(when === undefined ? {} : { when }),
    ...(clear === undefined ? {} : { clear }),
    transition: transition === 'raised' ? 'raised' : pending ? 'pending' : 'none',
    ...(state !== undefined && (pending || transition === 'raised') ? { state } : {}),
  }
}

/** As the core judges: only true and false count, whatever else comes out is as if the message said nothing. */
function judgeFresh(alarm: ProgramAlarm, message: RuleMessage, telemetry: Telemetry): Verdict {
  const { at, receivedAt } = telemetry
  const raise = alarm.when.evaluate(message)
  return judge(
    undefined,
    {
      raise: typeof raise === 'boolean' ? raise : undefined,
      clear: undefined,
      at,
      receivedAt,
    },
    alarm,
    () => alarm.text.render(message),
  )
}

function explainCondition(text: string | undefined, message: RuleMessage): Condition | undefined {
  if (text === undefined) return undefined
  return explainRule(compileRule(`SELECT 1 FROM '#' WHERE ${text}`), message).where
}

type Attempt<T> = { readonly value: T } | { readonly failed: Fault }

function attempt<T>(run: () => T): Attempt<T> {
  try {
    return { value: run() }
  } catch (error) {
    if (!(error instanceof CoreError)) throw error
    return { failed: { code: error.code, message: error.message } }
  }
}
