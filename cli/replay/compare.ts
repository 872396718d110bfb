import type { Program, Uplink } from '../../core/index.ts'
import { createConfigSide, type Fired, type FiredRule } from './config-side.ts'
import type { RecordedMessage } from './read-message.ts'
import type { Recording } from './recording.ts'
import type { FaultLog } from './report.ts'

/** So many messages are shown of each kind of difference. */
const EXAMPLES = 3

const WAYS = ['raised', 'cleared'] as const

/** A message on which the two configs differ. */
export interface DifferenceExample {
  readonly difference: 'lost' | 'gained' | 'changed'
  readonly line: number
  readonly deviceId: string
  /** Event time, epoch ms. */
  readonly at: number
  readonly topic: string
  readonly payload: string
}

/** How often something happened under each config, and on how many messages only under one. */
export interface Difference {
  before: number
  after: number
  /** Under the first config only. */
  lost: number
  /** Under the second config only. */
  gained: number
  /** Under both, but what the rule asked for differs. */
  changed: number
  readonly examples: DifferenceExample[]
}

/** What a second config does differently on a recording. */
export interface Comparison {
  readonly messages: number
  /** By rule id; also the rules without a difference. */
  readonly rules: Readonly<Record<string, Difference>>
  readonly alarms: Readonly<Record<string, { raised: Difference; cleared: Difference }>>
  /** Messages that go to the dead letters. */
  readonly deadLetters: Difference
  /** Rules that ask stores outside the message: here nobody answers, and what they ask for is Undefined. */
  readonly unanswered: readonly string[]
}

export interface CompareOptions {
  readonly recording: Recording
  readonly before: Program
  readonly after: Program
  readonly faults: FaultLog
}

/**
 * Runs a recording through two configs. The clock is that of the recording, so that alarms wait as long as they would
 * have waited then.
 */
export async function compareConfigs(options: CompareOptions): Promise<Comparison> {
  const { recording, before, after, faults } = options
  const left = createConfigSide(before)
  const right = createConfigSide(after)
  const rules: Record<string, Difference> = {}
  const alarms: Record<string, { raised: Difference; cleared: Difference }> = {}
  const deadLetters = newDifference()
  const latest = Date.now()
  let clock = 0
  let messages = 0

  const ruleOf = (ruleId: string): Difference => {
    rules[ruleId] ??= newDifference()
    return rules[ruleId]
  }
  const alarmOf = (alarmId: string): { raised: Difference; cleared: Difference } => {
    alarms[alarmId] ??= { raised: newDifference(), cleared: newDifference() }
    return alarms[alarmId]
  }
  for (const { config } of [before, after]) {
    for (const [ruleId, { enabled }] of Object.entries(config.rules)) if (enabled) ruleOf(ruleId)
    for (const alarmId of Object.keys(config.alarms)) alarmOf(alarmId)
  }

  function note(message: RecordedMessage, one: Fired, other: Fired): void {
    if (one.refused !== undefined || other.refused !== undefined)
      count(deadLetters, message, happened(one.refused), happened(other.refused))
    for (const ruleId of new Set([...one.rules.keys(), ...other.rules.keys()])) {
      count(ruleOf(ruleId), message, one.rules.get(ruleId), other.rules.get(ruleId))
    }
    for (const way of WAYS) {
      const was = one.alarms[way]
      const is = other.alarms[way]
      for (const alarmId of new Set([...was, ...is])) {
        const before = was.has(alarmId) ? ONCE : undefined
        count(alarmOf(alarmId)[way], message, before, is.has(alarmId) ? ONCE : undefined)
      }
    }
  }

  for await (const message of recording.messages) {
    if ('reason' in message) {
      faults.add(message)
      continue
    }
    messages++
    clock = Math.min(Math.max(clock, message.at), latest)
    const uplink = toUplink(message, clock)
    note(message, left.take(uplink), right.take(uplink))
  }
  for (const [side, key] of [
    [left, 'before'],
    [right, 'after'],
  ] as const) {
    for (const { rules: ended, alarms: changed } of side.end(clock)) {
      for (const [ruleId, { times }] of ended) ruleOf(ruleId)[key] += times
      for (const way of WAYS) for (const alarmId of changed[way]) alarmOf(alarmId)[way][key]++
    }
  }
  const unanswered = [before, after].flatMap(({ rulesById }) =>
    [...rulesById.values()].filter(({ rule }) => rule.asks).map(({ ruleId }) => ruleId),
  )
  return { messages, rules, alarms, deadLetters, unanswered: [...new Set(unanswered)] }
}

function newDifference(): Difference {
  return { before: 0, after: 0, lost: 0, gained: 0, changed: 0, examples: [] }
}

/** Something that happens once, and asks for nothing. */
const ONCE: FiredRule = { times: 1, effects: [] }

function happened(code: string | undefined): FiredRule | undefined {
  return code === undefined ? undefined : { times: 1, effects: [code] }
}

function count(
  into: Difference,
  message: RecordedMessage,
  before: FiredRule | undefined,
  after: FiredRule | undefined,
): void {
  const was = before?.times ?? 0
  const is = after?.times ?? 0
  into.before += was
  into.after += is
  if (was === is && JSON.stringify(before?.effects) === JSON.stringify(after?.effects)) return
  const difference = is > was ? 'gained' : is < was ? 'lost' : 'changed'
  into[difference] += Math.max(1, Math.abs(is - was))
  if (into.examples.filter((example) => example.difference === difference).length >= EXAMPLES)
    return
  const { line, deviceId, at, topic } = message
  const payload = new TextDecoder().decode(message.payload)
  into.examples.push({ difference, line, deviceId, at, topic, payload })
}

function toUplink({ deviceId, topic, payload, at }: RecordedMessage, clock: number): Uplink {
  return {
    deviceId,
    topic,
    payload,
    contentType: '',
    receivedAt: clock,
    source: 'replay',
    sentAt: at,
  }
}
