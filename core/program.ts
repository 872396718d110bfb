import type { RunAction } from './actions/action.ts'
import { type ActionConfig, channelsOf, compileAction } from './actions/list.ts'
import type { Asking } from './actions/templates.ts'
import type { AlarmFacts } from './alarms/judge.ts'
import type { Codec, CodecEngines } from './codecs/codec.ts'
import type { DecodePlan } from './codecs/decode-uplink.ts'
import { messageFingerprint } from './codecs/message-id.ts'
import { openCodec } from './codecs/open-codec.ts'
import { parsePointer } from './codecs/pointer.ts'
import type { AlarmConfig, Config, DeviceTypeConfig, NetworkConfig, RuleConfig } from './config.ts'
import type { ConfigFault } from './config-faults.ts'
import type { PresencePlan } from './devices/presence.ts'
import { CoreError } from './errors.ts'
import { compileMeaning, type DerivedPlan } from './meaning/compile-meaning.ts'
import { compileMetric } from './meaning/metric-plan.ts'
import type { Address } from './model/audience.ts'
import { globTest } from './model/glob.ts'
import type { Meaning } from './model/meaning.ts'
import type { Severity } from './model/notification.ts'
import { NETWORK_KINDS } from './networks/list.ts'
import type { Network } from './networks/network.ts'
import { option } from './networks/options.ts'
import { createTopicMap } from './networks/topics.ts'
import { type AudienceProgram, compileAudience } from './notifications/audience.ts'
import { addressed } from './notifications/channels/address.ts'
import { checkWords } from './notifications/language.ts'
import { compileNotificationTemplate, type NotificationTemplate } from './notifications/template.ts'
import {
  type CompiledCondition,
  compileCondition,
  compileEnrichment,
  createRouteSet,
  type Enrichment,
  type RouteSet,
  type RouteSource,
} from './routing/index.ts'
import {
  type CompiledExpression,
  type CompiledRule,
  type CompiledTemplate,
  checkTopicFilter,
  compileExpression,
  compileRule,
  compileTemplate,
  compileWindowedRule,
  createRuleSet,
  isWindowed,
  type RuleSet,
  readsName,
  type WindowedRule,
} from './rules/index.ts'
import type { Aggregate } from './windows/aggregates.ts'
import type { WindowPlan, WindowShape } from './windows/window.ts'

export interface ProgramRule {
  readonly ruleId: string
  /** The rule, or, where it has windows, which messages go into them. */
  readonly rule: CompiledRule
  readonly window: ProgramWindow | undefined
  readonly actions: readonly RunAction[]
  /** Done when another action cannot be done. */
  readonly errorAction: RunAction | undefined
  /** What of the rule and its templates asks the world. */
  readonly asking: readonly Asking[]
}

/** A route, and what it does with the messages it takes. */
export interface ProgramRoute {
  readonly routeId: string
  /** Names it among rules: no rule has such a name. */
  readonly ruleId: string
  readonly source: RouteSource
  /** `undefined`: the fallback. */
  readonly condition: CompiledCondition | undefined
  readonly enrichments: readonly Enrichment[]
  readonly output: 'body' | 'message'
  readonly actions: readonly RunAction[]
  readonly errorAction: RunAction | undefined
}

/** The windows of a rule. */
export interface ProgramWindow {
  readonly rule: WindowedRule
  readonly plan: WindowPlan
  /** True: all devices share the windows of a group. */
  readonly fleet: boolean
}

export interface ProgramAlarm extends AlarmFacts {
  readonly alarmId: string
  /** Its topic filter, as a rule that selects nothing. */
  readonly rule: CompiledRule
  readonly when: CompiledExpression
  /** `undefined`: it clears when `when` is false. */
  readonly clear: CompiledExpression | undefined
  /** Raised by silence of so long, in place of a condition; 0: it is not. Unit: ms. */
  readonly missingMs: number
  /** How fast a value changes, for conditions that ask for `_rate`. */
  readonly rate: { readonly of: CompiledExpression; readonly perMs: number } | undefined
  /** Severities by condition; the first that is true counts. */
  readonly ladder: readonly { readonly when: CompiledExpression; readonly severity: Severity }[]
  /** What of its conditions and its text asks the world. */
  readonly asking: readonly Asking[]
  readonly text: CompiledTemplate
  readonly channelIds: readonly string[]
  readonly notifyCleared: boolean
}

export interface ProgramDeviceType {
  readonly name: string
  readonly decode: DecodePlan
  /** Whether measured values become the reported state of the shadow. */
  readonly report: boolean
  readonly presence: PresencePlan
}

/** A network, and what of its config the core asks for. */
export interface ProgramNetwork {
  readonly name: string
  readonly network: Network
  /** Decodes in place of the codec of the device type. */
  readonly codec: Codec | undefined
  /** Reads the codec's bytes also where the network has decoded. */
  readonly usesBytes: boolean
  readonly prefix: string
  /** Whether it may speak for a device, by its id here. */
  readonly covers: (deviceId: string) => boolean
  readonly secret: string | undefined
  readonly secretIn: NetworkConfig['secretIn']
  /** Whether downlinks may go to addresses that are not public. */
  readonly allowPrivate: boolean
}

/** The networks of a config. */
export interface ProgramNetworks {
  readonly size: number
  readonly all: readonly ProgramNetwork[]
  get(name: string): ProgramNetwork | undefined
  /** Whose topic it is; `undefined` if it is that of whoever publishes. */
  ofTopic(topic: string): ProgramNetwork | undefined
  /** What decodes uplinks of a network, where it has a codec of its own. */
  codecOf(name: string | undefined): Codec | undefined
}

const MINUTE_MS = 60_000

/** A session that never pauses ends after so long, unless the rule says otherwise. */
const LONGEST_SESSION_MS = 86_400_000

/** How a channel words notifications. */
export interface ProgramWords {
  readonly subject: NotificationTemplate | undefined
  readonly text: NotificationTemplate | undefined
}

/** A config made ready to run: all that can be compiled is. Immutable. */
export interface Program {
  readonly config: Config
  readonly rules: RuleSet<ProgramRule>
  readonly rulesById: ReadonlyMap<string, ProgramRule>
  readonly routes: RouteSet<ProgramRoute>
  /** By `ruleId`. */
  readonly routesById: ReadonlyMap<string, ProgramRoute>
  readonly networks: ProgramNetworks
  readonly alarms: RuleSet<ProgramAlarm>
  readonly alarmsById: ReadonlyMap<string, ProgramAlarm>
  /** The words of channels that have their own, by channel id. */
  readonly words: ReadonlyMap<string, ProgramWords>
  /** Who is told besides the channels that alarms and rules name. */
  readonly audience: AudienceProgram
  /** True if a rule or an alarm listens to what happens to devices besides their messages. */
  readonly hearsNotices: boolean
  /**
   * The device type of that name, if there is one; else the one whose pattern fits, of several the one whose pattern says
   * most. `undefined` if none does.
   */
  deviceType(deviceId: string, name?: string): ProgramDeviceType | undefined
}

/** Where the program in force comes from. Whoever works with it takes it once, and finishes with it. */
export interface ProgramSource {
  readonly current: Program
  /** Looks whether rules were changed elsewhere, where that is due; `undefined` if there is nothing to wait for. */
  refresh(): Promise<void> | undefined
}

/** Compiles a config. Every fault in it is reported, each with its path. */
export function compileProgram(
  config: Config,
  engines: CodecEngines = {},
): { readonly program: Program } | { readonly faults: readonly ConfigFault[] } {
  const { faults, guard, channelFault } = gatherFaults(config)

  const types: { fits: (deviceId: string) => boolean; type: ProgramDeviceType }[] = []
  const byPattern = Object.entries(config.deviceTypes).toSorted(
    ([, a], [, b]) => lettersIn(b.devices) - lettersIn(a.devices),
  )
  for (const [name, typeConfig] of byPattern) {
    const path = ['deviceTypes', name]
    const derived = Object.entries(typeConfig.derived).map(([metric, { value, precision }]) =>
      guard([...path, 'derived', metric, 'value'], () => compileDerived(metric, value, precision)),
    )
    const metrics = Object.entries(typeConfig.schema).map(
      ([metric, schema]) =>
        [metric, guard([...path, 'schema', metric], () => compileMetric(schema))] as const,
    )
    const meaning = compileMeaning(
      typeConfig,
      new Map(metrics.flatMap(([metric, plan]) => (plan === undefined ? [] : [[metric, plan]]))),
      derived.filter((plan) => plan !== undefined),
    )
    const type = guard([...path, 'codec'], () =>
      compileDeviceType(name, typeConfig, config, engines, meaning),
    )
    const fits = globTest(typeConfig.devices)
    const covered = (deviceId: string | undefined, at: readonly (string | number)[]): void => {
      if (deviceId === undefined || fits(deviceId)) return
      const message = `expected a device that the type covers (${typeConfig.devices}), found ${JSON.stringify(deviceId)}`
      faults.push({ path: [...path, ...at], message })
    }
    for (const deviceId of Object.keys(typeConfig.calibration))
      covered(deviceId, ['calibration', deviceId])
    for (const [at, { device }] of typeConfig.examples.entries())
      covered(device, ['examples', at, 'device'])
    if (type !== undefined) types.push({ fits, type })
  }

  const networks = new Map<string, ProgramNetwork>()
  for (const [name, networkConfig] of Object.entries(config.networks)) {
    const codec = guard(['networks', name, 'codec'], () =>
      networkConfig.codec === undefined ? undefined : openCodec(networkConfig.codec, engines),
    )
    const network = guard(['networks', name], () => compileNetwork(name, networkConfig, codec))
    if (network !== undefined) networks.set(name, network)
  }

  const rules: ProgramRule[] = []
  for (const [ruleId, ruleConfig] of Object.entries(config.rules)) {
    const rule = compileOneRule(ruleId, ruleConfig, config, { guard, channelFault })
    if (rule !== undefined && ruleConfig.enabled) rules.push(rule)
  }

  const routes: ProgramRoute[] = []
  for (const [routeId, routeConfig] of Object.entries(config.routes)) {
    const path = ['routes', routeId]
    const { source, fallback, output, errorAction } = routeConfig
    if (fallback && routeConfig.condition !== undefined)
      faults.push({ path: [...path, 'condition'], message: 'expected none beside fallback' })
    const condition = guard([...path, 'condition'], () =>
      fallback ? undefined : compileCondition(routeConfig.condition ?? 'true', source),
    )
    const enrichments = routeConfig.enrichments.map(({ key, value }, index) =>
      guard([...path, 'enrichments', index, 'value'], () => compileEnrichment(key, value)),
    )
    const compile = (
      action: ActionConfig,
      actionPath: readonly (string | number)[],
    ): RunAction | undefined => {
      for (const channel of channelsOf(action))
        channelFault(channel.id, [...actionPath, ...channel.path])
      return guard(actionPath, () => {
        const asking: Asking[] = []
        const run = compileAction(action, { asking })
        if (asking.length === 0) return run
        throw new CoreError(
          'rule.unsupported',
          'expected a template that asks no store: in routes nobody answers',
        )
      })
    }
    const actions = routeConfig.actions.map((action, index) =>
      compile(action, [...path, 'actions', index]),
    )
    const onFailure =
      errorAction === undefined ? undefined : compile(errorAction, [...path, 'errorAction'])
    if (!routeConfig.enabled || (condition === undefined && !fallback)) continue
    routes.push({
      routeId,
      ruleId: `route:${routeId}`,
      source,
      condition,
      enrichments: enrichments.filter((one) => one !== undefined),
      output,
      actions: actions.filter((action) => action !== undefined),
      errorAction: onFailure,
    })
  }

  const alarms: ProgramAlarm[] = []
  for (const [alarmId, alarmConfig] of Object.entries(config.alarms)) {
    const path = ['alarms', alarmId]
    for (const [at, id] of alarmConfig.notify.entries()) channelFault(id, [...path, 'notify', at])
    const rule = guard([...path, 'from'], () => {
      checkTopicFilter(alarmConfig.from)
      return compileRule(`SELECT * FROM '${alarmConfig.from.replaceAll("'", "''")}'`)
    })
    const condition = (text: string) => {
      if (alarmConfig.rate === undefined && readsName(text, '_rate'))
        throw new CoreError('config.invalid', 'expected rate: beside it, which gives _rate')
      return compileExpression(text)
    }
    const when = guard([...path, 'when'], () => condition(alarmConfig.when ?? 'false'))
    const rateOf = alarmConfig.rate?.of
    const rate =
      rateOf === undefined
        ? undefined
        : guard([...path, 'rate', 'of'], () => compileExpression(rateOf))
    const ladder = alarmConfig.severities.map(({ when: rung, severity }, at) => {
      const compiled = guard([...path, 'severities', at, 'when'], () => condition(rung))
      return compiled === undefined ? undefined : { when: compiled, severity }
    })
    const clear = guard([...path, 'clear'], () =>
      alarmConfig.clear === undefined ? undefined : condition(alarmConfig.clear),
    )
    const text = guard([...path, 'text'], () =>
      compileTemplate(alarmConfig.text ?? defaultText(alarmId, alarmConfig)),
    )
    if (rule === undefined || when === undefined || text === undefined) continue
    alarms.push({
      alarmId,
      rule,
      when,
      clear,
      missingMs: alarmConfig.missing,
      rate:
        rate === undefined ? undefined : { of: rate, perMs: alarmConfig.rate?.per ?? MINUTE_MS },
      ladder: ladder.filter((rung) => rung !== undefined),
      asking: [when, clear, text, rate, ...ladder.map((rung) => rung?.when)]
        .filter((one) => one?.asks === true)
        .filter((one) => one !== undefined),
      text,
      forMs: alarmConfig.for,
      clearForMs: alarmConfig.clearFor,
      times: alarmConfig.times,
      withinMs: alarmConfig.within === 0 ? undefined : alarmConfig.within,
      severity: alarmConfig.severity,
      channelIds: alarmConfig.notify,
      notifyCleared: alarmConfig.notifyCleared,
    })
  }

  const words = new Map<string, ProgramWords>()
  for (const [channelId, { words: own }] of Object.entries(config.channels)) {
    if (own === undefined) continue
    const compile = (key: 'subject' | 'text'): NotificationTemplate | undefined => {
      const given = own[key]
      return given === undefined
        ? undefined
        : guard(['channels', channelId, 'words', key], () =>
            compileNotificationTemplate(given, own),
          )
    }
    words.set(channelId, { subject: compile('subject'), text: compile('text') })
  }

  const addressFaults = (
    path: readonly (string | number)[],
    addresses: readonly Address[],
  ): void => {
    for (const [at, { channelId, to }] of addresses.entries()) {
      channelFault(channelId, [...path, at])
      const channel = Object.hasOwn(config.channels, channelId)
        ? config.channels[channelId]
        : undefined
      if (channel !== undefined) guard([...path, at, 'to'], () => addressed(channel, to))
    }
  }
  for (const [personId, { addresses }] of Object.entries(config.people))
    addressFaults(['people', personId, 'addresses'], addresses)
  for (const [id, { to, words: own, escalation }] of Object.entries(config.subscriptions)) {
    const path = ['subscriptions', id]
    for (const [at, channel] of to.channels.entries())
      channelFault(channel, [...path, 'to', 'channels', at])
    for (const [at, step] of (escalation ?? []).entries())
      for (const [index, channel] of step.to.channels.entries())
        channelFault(channel, [...path, 'escalation', at, 'to', 'channels', index])
    addressFaults([...path, 'to', 'addresses'], to.addresses)
    guard([...path, 'words'], () => checkWords(own))
  }

  if (faults.length > 0) return { faults }
  return {
    program: {
      config,
      words,
      audience: compileAudience({ ...config, stored: config.storedSubscriptions }),
      networks: networksOf(networks),
      rules: createRuleSet(rules),
      rulesById: new Map(rules.map((rule) => [rule.ruleId, rule])),
      routes: createRouteSet(routes),
      routesById: new Map(routes.map((route) => [route.ruleId, route])),
      alarms: createRuleSet(alarms),
      alarmsById: new Map(alarms.map((alarm) => [alarm.alarmId, alarm])),
      hearsNotices: hearsNotices([...rules, ...alarms]),
      deviceType: (deviceId, name) =>
        (name === undefined ? undefined : types.find(({ type }) => type.name === name)?.type) ??
        types.find((candidate) => candidate.fits(deviceId))?.type,
    },
  }
}

/** Where faults of a config are gathered, each with its path. */
interface Guarding {
  /** Runs a part of the compilation; `undefined` if it has a fault. */
  readonly guard: <T>(path: readonly (string | number)[], compile: () => T) => T | undefined
  readonly channelFault: (id: string, path: readonly (string | number)[]) => void
}

function gatherFaults({
  channels,
}: Pick<Config, 'channels'>): Guarding & { readonly faults: ConfigFault[] } {
  const faults: ConfigFault[] = []
  return {
    faults,
    guard(path, compile) {
      try {
        return compile()
      } catch (error) {
        if (!(error instanceof CoreError)) throw error
        const { key } = error.details
        faults.push({
          path: typeof key === 'string' ? [...path, key] : path,
          message: error.message,
          ...(error.position === undefined ? {} : { position: error.position }),
        })
        return undefined
      }
    },
    channelFault(id, path) {
      if (Object.hasOwn(channels, id)) return
      const known = Object.keys(channels)
      faults.push({
        path,
        message: `expected the name of a channel (${known.length === 0 ? 'none is declared' : known.join(', ')}), found ${JSON.stringify(id)}`,
      })
    },
  }
}

/** Compiles one rule beside those of a config, switched on or off. Every fault in it is reported, each with its path. */
export function compileProgramRule(
  ruleId: string,
  ruleConfig: RuleConfig,
  config: Pick<Config, 'channels' | 'limits'>,
): { readonly rule: ProgramRule } | { readonly faults: readonly ConfigFault[] } {
  const { faults, ...guarding } = gatherFaults(config)
  try {
    const rule = compileOneRule(ruleId, ruleConfig, config, guarding)
    return rule === undefined || faults.length > 0 ? { faults } : { rule }
  } catch (error) {
    // A part of the language that this function was packaged without.
    const message = error instanceof Error ? error.message : String(error)
    return { faults: [...faults, { path: ['rules', ruleId, 'sql'], message }] }
  }
}

/** The same program with other rules. `configs` are those that run and those that are switched off. */
export function withRules(
  program: Program,
  rules: readonly ProgramRule[],
  configs: Config['rules'],
): Program {
  return {
    ...program,
    config: { ...program.config, rules: configs },
    rules: createRuleSet(rules),
    rulesById: new Map(rules.map((rule) => [rule.ruleId, rule])),
    hearsNotices: hearsNotices([...rules, ...program.alarmsById.values()]),
  }
}

/** The one program there is, for whoever needs no other. */
export function onlyProgram(program: Program): ProgramSource {
  return { current: program, refresh: () => undefined }
}

function hearsNotices(all: readonly { readonly rule: CompiledRule }[]): boolean {
  return all.some(({ rule }) => rule.filter.startsWith('$aws/'))
}

function compileOneRule(
  ruleId: string,
  ruleConfig: RuleConfig,
  config: Pick<Config, 'limits'>,
  { guard, channelFault }: Guarding,
): ProgramRule | undefined {
  const window = guard(['rules', ruleId, 'sql'], () => compileWindow(ruleConfig, config))
  const rule =
    window?.rule.input ??
    guard(['rules', ruleId, 'sql'], () =>
      compileRule(ruleConfig.sql, { sqlVersion: ruleConfig.sqlVersion }),
    )
  const asking: Asking[] = [rule, ...(window === undefined ? [] : partsOf(window))]
    .filter((one) => one?.asks === true)
    .filter((one) => one !== undefined)
  // Templates see what a window came to: no message is left of which SET could name values.
  const scope = window === undefined || rule === undefined ? rule : { ...rule, sql: '' }
  const compile = (
    action: ActionConfig,
    path: readonly (string | number)[],
  ): RunAction | undefined => {
    for (const channel of channelsOf(action)) channelFault(channel.id, [...path, ...channel.path])
    return guard(path, () =>
      compileAction(action, { asking, ...(scope === undefined ? {} : { rule: scope }) }),
    )
  }
  const actions = ruleConfig.actions.map((action, index) =>
    compile(action, ['rules', ruleId, 'actions', index]),
  )
  const { errorAction } = ruleConfig
  const onFailure =
    errorAction === undefined ? undefined : compile(errorAction, ['rules', ruleId, 'errorAction'])
  if (rule === undefined) return undefined
  return {
    ruleId,
    rule,
    window,
    actions: actions.filter((action) => action !== undefined),
    errorAction: onFailure,
    asking,
  }
}

/** What of each message is kept in windows. */
function partsOf({ rule }: ProgramWindow): (CompiledExpression | undefined)[] {
  return [...rule.groups, ...rule.aggregates.map(({ argument }) => argument)]
}

/** The windows of a rule; `undefined` if its SQL has no GROUP BY. */
function compileWindow(
  ruleConfig: RuleConfig,
  config: Pick<Config, 'limits'>,
): ProgramWindow | undefined {
  if (!isWindowed(ruleConfig.sql)) return undefined
  const rule = compileWindowedRule(ruleConfig.sql, { sqlVersion: ruleConfig.sqlVersion })
  const { kind, sizeMs, secondMs } = rule.window
  const shape: WindowShape =
    kind === 'hopping'
      ? { kind, sizeMs, hopMs: secondMs ?? sizeMs }
      : kind === 'session'
        ? { kind, gapMs: sizeMs, maxMs: secondMs ?? LONGEST_SESSION_MS }
        : { kind, sizeMs }
  const aggregates = rule.aggregates.map(({ name, share }): Aggregate => {
    return share === undefined ? { name } : { name, share }
  })
  const { windows: maxPanes, windowMessages: maxSamples } = config.limits
  const parts = [
    [shape, ruleConfig.group],
    rule.groups.map(textOf),
    rule.aggregates.map(({ name, share, argument }) => [name, share, argument && textOf(argument)]),
  ]
  const plan = {
    shape,
    aggregates,
    latenessMs: ruleConfig.lateness,
    maxPanes,
    maxSamples,
    of: messageFingerprint(JSON.stringify(parts), NO_BYTES),
  }
  return { rule, plan, fleet: ruleConfig.group === 'fleet' }
}

const NO_BYTES = new Uint8Array()

/** The text of an expression without the white space around and in it. */
function textOf({ text }: CompiledExpression): string {
  return text.replace(/\s+/g, '')
}

function compileDeviceType(
  name: string,
  type: DeviceTypeConfig,
  config: Config,
  engines: CodecEngines,
  meaning: Meaning | undefined,
): ProgramDeviceType {
  const codec = openCodec(type.codec, engines)
  return {
    name,
    report: type.report,
    presence: { expectMs: type.expectEvery, offlineAfterMs: type.offlineAfter },
    decode: {
      codec,
      time: type.time.map(parsePointer),
      timeUnit: type.timeUnit,
      metrics: parsePointer(type.metrics),
      maxBytes: config.limits.bodyBytes,
      maxDepth: config.limits.bodyDepth,
      maxMetrics: config.limits.metrics,
      maxFutureMs: config.limits.future,
      meaning,
    },
  }
}

/** A value that follows from others. What is drawn by chance, or asked of a store, follows from nothing. */
function compileDerived(name: string, value: string, precision: number | undefined): DerivedPlan {
  const expression = compileExpression(value)
  if (expression.asks)
    throw new CoreError('rule.unsupported', 'expected an expression that asks no store')
  return {
    name,
    precision,
    evaluate: (body, { topic, receivedAt, bytes }) =>
      expression.evaluate({
        body,
        bytes,
        facts: { topic, nowMs: receivedAt, newId: noChance, random: noChance },
      }),
  }
}

function noChance(): never {
  throw new CoreError('rule.unsupported', 'expected a derived value without chance')
}

function compileNetwork(
  name: string,
  given: NetworkConfig,
  codec: Codec | undefined,
): ProgramNetwork {
  const kind = NETWORK_KINDS.find((one) => one.name === given.type)
  if (kind === undefined)
    throw new CoreError('config.invalid', `expected a type of network, found ${given.type}`)
  return {
    name,
    network: kind.open(given),
    codec,
    usesBytes: given.use === 'bytes',
    prefix: given.prefix,
    covers: globTest(given.devices),
    secret: given.secret,
    secretIn: given.secretIn,
    allowPrivate: option(given, 'downlink', 'allowPrivate') === true,
  }
}

function networksOf(byName: ReadonlyMap<string, ProgramNetwork>): ProgramNetworks {
  const topics = createTopicMap(
    [...byName.values()].flatMap((one) =>
      one.network.filters.map((filter) => [filter, one] as const),
    ),
  )
  return {
    size: byName.size,
    all: [...byName.values()],
    get: (name) => byName.get(name),
    ofTopic: topics.find,
    codecOf: (name) => (name === undefined ? undefined : byName.get(name)?.codec),
  }
}

/** How much a pattern says: `truck-7` more than `truck-*`. */
function lettersIn(pattern: string): number {
  return pattern.replaceAll('*', '').length
}

function defaultText(alarmId: string, alarm: AlarmConfig): string {
  if (alarm.when === undefined) return `${alarmId}: not heard of for ${alarm.missing / 1_000} s`
  return `${alarmId}: ${alarm.when.replaceAll('${', '$ {')}`
}
