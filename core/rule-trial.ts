import { decodePack } from './codecs/decode-uplink.ts'
import { CoreError } from './errors.ts'
import type { Json } from './model/json.ts'
import type { Telemetry } from './model/telemetry.ts'
import type { WindowMessage, WindowState } from './model/window.ts'
import type { Ports } from './ports.ts'
import { compileProgramRule, type ProgramRule, type ProgramSource } from './program.ts'
import type { RuleConfig } from './rule-config.ts'
import {
  compileRule,
  compileWindowedRule,
  explainRule,
  isWindowed,
  type RuleExplanation,
  type RuleMessage,
} from './rules/index.ts'
import { toRuleMessage } from './steps/telemetry.ts'
import { addToWindows, closeDueWindows, type WindowResult } from './windows/window.ts'

/** One message to try a rule on: decoded already, or bytes for the codec of its device. */
export interface TrialMessage {
  readonly topic: string
  readonly deviceId: string
  readonly content:
    | { readonly body: Json }
    | { readonly bytes: Uint8Array; readonly contentType: string }
  /** Event time, epoch ms; that of now unless given. */
  readonly at?: number | undefined
}

/** What a fault of a rule is. Line and column are 1-based. */
export interface TrialFault {
  readonly code: string
  readonly message: string
  readonly line?: number
  readonly column?: number
}

/** What the rule made of one message. One of `output`, `outputBase64`, `noMatch` and `error` says it. */
export interface TrialResult {
  readonly topic: string
  /** Event time, epoch ms. */
  readonly at?: number
  /** The message as the rule saw it. */
  readonly payload?: Json
  /** Absent where it is Undefined, and of rules with windows: then `windows` of the report has it. */
  readonly output?: Json
  readonly outputBase64?: string
  readonly noMatch?: 'topic' | 'where'
  readonly error?: TrialFault
  /** How it came to that. */
  readonly explain?: RuleExplanation
}

/** What a window came to, were these all messages there are. Times are epoch ms. */
export interface TrialWindow {
  readonly start: number
  readonly end: number
  readonly group: readonly Json[]
  /** Whether HAVING lets it out. */
  readonly matched: boolean
  readonly output?: Json
  readonly error?: TrialFault
}

export interface TrialReport {
  readonly results: readonly TrialResult[]
  readonly windows?: readonly TrialWindow[]
  /** What runs here and would fail or differ on AWS. */
  readonly warnings: readonly string[]
  /** The rule cannot run: where it is wrong. */
  readonly error?: TrialFault
}

/** Tries a rule on messages. Nothing is stored, nothing is sent, and nobody is asked: what a rule asks stores is Undefined. */
export type RuleTrial = (
  rule: Pick<RuleConfig, 'sql' | 'sqlVersion' | 'group' | 'lateness'>,
  messages: readonly TrialMessage[],
) => TrialReport

/** All messages of one trial together may take so long: meanwhile nobody else is served. Unit: ms. */
const MAX_MS = 1_000

/** So much may be told of them. Unit: characters of JSON. */
const MAX_CHARS = 4_194_304

const OVER: TrialFault = {
  code: 'rule.limit',
  message: `expected at most ${MAX_MS} ms and ${MAX_CHARS} characters for all messages of a trial, found more`,
}

/** Builds the use case. */
export function createRuleTrial(
  { clock, ids }: Pick<Ports, 'clock' | 'ids'>,
  programs: ProgramSource,
): RuleTrial {
  function telemetryOf(message: TrialMessage, now: number): readonly Telemetry[] {
    const { topic, deviceId, content, at } = message
    const id = ids.next(now)
    if ('body' in content) {
      const { body } = content
      const bytes = new TextEncoder().encode(JSON.stringify(body))
      return [
        {
          messageId: id,
          topic,
          at: at ?? now,
          timed: at !== undefined,
          identity: 'none',
          body,
          metrics: {},
          receivedAt: now,
          redelivered: false,
          bytes,
        },
      ]
    }
    const type = programs.current.deviceType(deviceId)
    if (type === undefined)
      throw new CoreError(
        'uplink.bad_device_id',
        'expected a device id that a device type covers, found one that none does',
      )
    const { bytes: payload, contentType } = content
    const sentAt = at === undefined ? {} : { sentAt: at }
    const uplink = {
      deviceId,
      topic,
      payload,
      contentType,
      receivedAt: at ?? now,
      source: 'test',
      ...sentAt,
    }
    return decodePack(uplink, type.decode, id)
  }

  return (given, messages) => {
    const config: RuleConfig = { ...given, enabled: true, actions: [] }
    const compiled = compileProgramRule('test', config, programs.current.config)
    if ('faults' in compiled) {
      const [first] = compiled.faults
      const again = attempt(() => compileSql(given))
      const error =
        'error' in again ? again.error : { code: 'rule.failed', message: first?.message ?? '' }
      return { results: [], warnings: [], error }
    }
    const { rule } = compiled
    const now = clock.now()
    const windows = rule.window === undefined ? undefined : createTrialWindows(rule, now)
    let charsLeft = MAX_CHARS
    const results = messages.flatMap((message): TrialResult[] => {
      if (charsLeft <= 0 || clock.now() - now > MAX_MS)
        return [{ topic: message.topic, error: OVER }]
      const decoded = attempt(() => telemetryOf(message, now))
      if ('error' in decoded) return [{ topic: message.topic, error: decoded.error }]
      return decoded.value.map((telemetry) => {
        const seen = toRuleMessage(telemetry, {
          newId: () => ids.next(now),
          random: ids.random,
          lookups: undefined,
        })
        const result = tryOne(rule, seen, given.sql)
        if (result.noMatch === undefined && result.error === undefined)
          windows?.take(seen, telemetry)
        charsLeft -= JSON.stringify([telemetry.body, result]).length
        if (charsLeft < 0) return { topic: telemetry.topic, at: telemetry.at, error: OVER }
        return { topic: telemetry.topic, at: telemetry.at, payload: telemetry.body, ...result }
      })
    })
    return {
      results,
      ...(windows === undefined ? {} : { windows: windows.close() }),
      warnings: rule.rule.warnings,
    }
  }
}

function compileSql({ sql, sqlVersion }: Pick<RuleConfig, 'sql' | 'sqlVersion'>): void {
  if (isWindowed(sql)) compileWindowedRule(sql, { sqlVersion })
  else compileRule(sql, { sqlVersion })
}

function tryOne(
  { rule, window }: ProgramRule,
  message: RuleMessage,
  sql: string,
): Omit<TrialResult, 'topic' | 'at' | 'payload'> {
  const explained = attempt(() => explainRule(rule, message))
  if ('error' in explained) return explained
  const { value } = explained
  // What goes into windows is not what comes out of them.
  const explain = window === undefined ? value : { ...value, sql, select: [] }
  const { result } = value
  if (!explain.topic.matched) return { noMatch: 'topic', explain }
  if (result.status === 'no_match') return { noMatch: result.reason, explain }
  if (window !== undefined) return { explain }
  if (result.bytesBase64 !== undefined) return { outputBase64: String(result.bytesBase64), explain }
  return result.value === undefined ? { explain } : { output: result.value, explain }
}

/** The windows of one trial. */
interface TrialWindows {
  take(message: RuleMessage, telemetry: Telemetry): void
  close(): readonly TrialWindow[]
}

function createTrialWindows({ window }: ProgramRule, now: number): TrialWindows {
  const closed: TrialWindow[] = []
  let state: WindowState | undefined
  let topic = ''

  function tell(results: readonly WindowResult[]): void {
    if (window === undefined) return
    for (const one of results) {
      const { start, end, group } = one
      const facts = { topic, nowMs: now, newId: () => '', random: () => 0 }
      const made = attempt(() => window.rule.output(one, { body: undefined, facts }))
      if ('error' in made) closed.push({ start, end, group, matched: false, ...made })
      else if (made.value.status === 'no_match') closed.push({ start, end, group, matched: false })
      else {
        const { value } = made.value
        const output = value === undefined || value instanceof Uint8Array ? {} : { output: value }
        closed.push({ start, end, group, matched: true, ...output })
      }
    }
  }

  return {
    take(message, { at, receivedAt, topic: from }) {
      if (window === undefined) return
      topic = from
      const { groups, aggregates } = window.rule
      const entering: WindowMessage = {
        at,
        receivedAt,
        topic,
        group: groups.map((key) => key.evaluate(message) ?? null),
        values: aggregates.map(({ argument }) =>
          argument === undefined ? true : (argument.evaluate(message) ?? null),
        ),
      }
      const change = addToWindows(state, window.plan, entering)
      state = change.state
      tell(change.closed)
    },
    close() {
      if (window !== undefined && state !== undefined)
        tell(closeDueWindows(state, window.plan, Number.POSITIVE_INFINITY).closed)
      return closed
    },
  }
}

function attempt<T>(run: () => T): { readonly value: T } | { readonly error: TrialFault } {
  try {
    return { value: run() }
  } catch (error) {
    if (error instanceof CoreError) {
      const { code, message, position } = error
      return { error: { code, message, ...position } }
    }
    // A part of the language that this function was packaged without.
    const message = error instanceof Error ? error.message : String(error)
    return { error: { code: 'rule.unsupported', message } }
  }
}
