import type { JsonObject } from '../../core/index.ts'
import type { Comparison, Difference, DifferenceExample } from './compare.ts'
import type { FaultLog } from './report.ts'

/** Longest payload that people are shown in full. */
const SHOWN_LENGTH = 100

const SIGNS = { gained: '+', lost: '-', changed: '~' } as const

/** A comparison as programs read it. */
export function comparisonAsJson(comparison: Comparison, faults: FaultLog): JsonObject {
  const { messages, rules, alarms, deadLetters, unanswered } = comparison
  const mapped = <T>(from: Readonly<Record<string, T>>, to: (value: T) => JsonObject): JsonObject =>
    Object.fromEntries(Object.entries(from).map(([key, value]) => [key, to(value)]))
  return {
    messages,
    rules: mapped(rules, differenceAsJson),
    alarms: mapped(alarms, ({ raised, cleared }) => ({
      raised: differenceAsJson(raised),
      cleared: differenceAsJson(cleared),
    })),
    deadLetters: differenceAsJson(deadLetters),
    unanswered,
    faulty: faults.count,
    faults: faults.first.map((fault) => ({ ...fault })),
  }
}

function differenceAsJson({ examples, ...counts }: Difference): JsonObject {
  return { ...counts, examples: examples.map((example) => ({ ...example })) }
}

/** A comparison as people read it: what differs, with examples, then what does not. */
export function formatComparison(comparison: Comparison): string {
  const { messages, rules, alarms, deadLetters } = comparison
  const rows: [string, Difference][] = Object.entries(rules).map(([ruleId, one]) => [
    `rule ${ruleId}`,
    one,
  ])
  for (const [alarmId, { raised, cleared }] of Object.entries(alarms)) {
    rows.push([`alarm ${alarmId} raised`, raised], [`alarm ${alarmId} cleared`, cleared])
  }
  if (deadLetters.before + deadLetters.after > 0) rows.push(['dead letters', deadLetters])
  const differs = rows.filter(([, one]) => isDifferent(one))
  const same = rows.filter(([, one]) => !isDifferent(one))
  const lines = [`${messages.toLocaleString('en')} messages through both configs`, '']
  if (differs.length === 0) lines.push('nothing would be different')
  for (const [name, one] of differs) lines.push(...formatRow(name, one))
  if (same.length > 0) {
    lines.push('', 'without a difference:')
    for (const [name, { before }] of same) lines.push(`  ${name}  ${before.toLocaleString('en')}`)
  }
  for (const ruleId of comparison.unanswered)
    lines.push('', `rule ${ruleId} asks stores outside the message, which do not answer here`)
  return `${lines.join('\n')}\n`
}

function isDifferent({ before, after, lost, gained, changed }: Difference): boolean {
  return before !== after || lost + gained + changed > 0
}

function formatRow(name: string, one: Difference): string[] {
  const parts = [`+${one.gained}`, `-${one.lost}`]
  if (one.changed > 0) parts.push(`~${one.changed}`)
  const total = `${one.before.toLocaleString('en')} → ${one.after.toLocaleString('en')}`
  return [`${name}  ${total}  (${parts.join(' ')})`, ...one.examples.map(formatExample)]
}

function formatExample({ difference, line, deviceId, at, payload }: DifferenceExample): string {
  const shown = payload.length > SHOWN_LENGTH ? `${payload.slice(0, SHOWN_LENGTH)}…` : payload
  return `  ${SIGNS[difference]} line ${line}  ${deviceId}  ${new Date(at).toISOString()}  ${shown}`
}
