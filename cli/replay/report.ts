import type { JsonObject } from '../../core/index.ts'
import type { FaultyLine } from './read-message.ts'
import type { Received } from './sink.ts'

/** Faulty lines are all counted; so many are told. */
const FAULTS_TOLD = 20

/** What a replay did. */
export interface ReplayResult extends Received {
  /** How many messages went to the cloud. */
  readonly messages: number
  readonly seconds: number
  /** Lines that are no message, or one that could not be sent. */
  readonly faulty: number
  /** The first of them. */
  readonly faults: readonly FaultyLine[]
}

/** Counts faulty lines and keeps the first. */
export interface FaultLog {
  add(fault: FaultyLine): void
  readonly count: number
  readonly first: readonly FaultyLine[]
}

export function createFaultLog(): FaultLog {
  const first: FaultyLine[] = []
  let count = 0
  return {
    add(fault) {
      count++
      if (first.length < FAULTS_TOLD) first.push(fault)
    },
    get count() {
      return count
    },
    first,
  }
}

/** The result as programs read it. */
export function resultAsJson(result: ReplayResult): JsonObject {
  const { faults, matched, ...rest } = result
  return {
    ...rest,
    matched: matched === null ? null : { ...matched },
    faults: faults.map((fault) => ({ ...fault })),
  }
}

/** The result as people read it. */
export function formatResult(result: ReplayResult): string {
  const { messages, seconds, stored, duplicates, deadLetters, matched, alarms, notifications } =
    result
  const rate = Math.round(messages / Math.max(seconds, 0.001))
  const lines = [
    `${number(messages)} messages in ${seconds.toFixed(1)} s (${number(rate)}/s)`,
    `  stored        ${number(stored)}`,
    `  duplicates    ${number(duplicates)}`,
    `  dead letters  ${number(deadLetters)}`,
    `  matches       ${matched === null ? '?' : formatMatches(matched)}`,
    `  alarms        ${number(alarms)} raised`,
    `  notifications ${number(notifications)}`,
  ]
  if (stored === null) lines.push('  (? : the cloud there does not tell its counters)')
  return `${lines.join('\n')}\n`
}

/** Faulty lines for people, the first ones by number. */
export function formatFaults({ count, first }: Pick<FaultLog, 'count' | 'first'>): string {
  if (count === 0) return ''
  const lines = first.map(({ line, reason }) => `  line ${line}: ${reason}`)
  if (count > first.length) lines.push(`  and ${number(count - first.length)} more`)
  return `${number(count)} faulty line${count === 1 ? '' : 's'}\n${lines.join('\n')}\n`
}

function formatMatches(matched: Readonly<Record<string, number>>): string {
  const parts = Object.entries(matched).map(([ruleId, times]) => `${ruleId} ${number(times)}`)
  return parts.length === 0 ? 'no rules' : parts.join(', ')
}

function number(value: number | null): string {
  return value === null ? '?' : value.toLocaleString('en')
}
