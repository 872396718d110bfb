import {
  compileByteFilter,
  compileRule,
  createRuleSet,
  type RuleMessage,
  type RuleSet,
} from '../../core/index.ts'
import {
  type Body,
  bodiesOf,
  exceeded,
  POOL,
  siteOf,
  TOPIC,
  textsOf,
  thresholdsOf,
} from './messages.ts'
import { expectCount, type Task } from './task.ts'

type Entry = { readonly rule: ReturnType<typeof compileRule> }

/** SQL of rules with a threshold each. With `own` each selects something else, so that no output can be shared. */
export function thresholdRules(count: number, own = false): string[] {
  return thresholdsOf(count).map((threshold, index) => {
    const select = own ? `temp, site, ${index} AS rule` : 'temp, site'
    return `SELECT ${select} FROM 'devices/+/telemetry' WHERE temp > ${threshold}`
  })
}

/** SQL of rules for one site each. */
export function equalityRules(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    return `SELECT temp, site FROM 'devices/+/telemetry' WHERE site = '${siteOf(index)}'`
  })
}

/** Compiles rules and puts them into a set. */
export function ruleSetOf(rules: readonly string[]): RuleSet<Entry> {
  return createRuleSet(rules.map((sql) => ({ rule: compileRule(sql) })))
}

/** The tasks of this project. WHERE, and the projection of every rule that matches, on a parsed message. */
export function ourTasks(counts: readonly number[], equalities: readonly number[]): Task[] {
  const warm = bodiesOf(textsOf(1))
  return [
    one(
      '1 rule, matches each time',
      "SELECT temp, site FROM 'devices/+/telemetry' WHERE temp > -20",
      warm,
      POOL,
    ),
    one(
      '1 rule, never matches',
      "SELECT temp, site FROM 'devices/+/telemetry' WHERE temp > 0",
      warm,
      0,
    ),
    fromBytes('from raw bytes, 1 rule, never matches', 'temp > 0'),
    fromBytes('from raw bytes, 1 rule whose key is not there', 'humidity > 0'),
    ...counts.map((count) =>
      set(name(count), ruleSetOf(thresholdRules(count)), warm, exceeded(warm, thresholdsOf(count))),
    ),
    ...counts
      .filter((count) => count > 1)
      .map((count) =>
        set(
          `${name(count)}, each selects something else`,
          ruleSetOf(thresholdRules(count, true)),
          warm,
          exceeded(warm, thresholdsOf(count)),
        ),
      ),
    ...equalities.flatMap((count) => {
      const label = `${count.toLocaleString('en-US')} equality rules, 1 matches`
      const rules = ruleSetOf(equalityRules(count))
      const bodies = bodiesOf(textsOf(count))
      return [set(label, rules, bodies, POOL), found(`${label}, found only`, rules, bodies, POOL)]
    }),
  ]
}

/** What the row of so many thresholds is called, for us and for every peer. */
export function name(count: number): string {
  return count === 1
    ? '1 rule, 1 % matches'
    : `${count.toLocaleString('en-US')} thresholds, 1 % match`
}

function messagesOf(bodies: readonly Body[]): RuleMessage[] {
  return bodies.map((body) => ({ body, facts: { topic: TOPIC, nowMs: 1_700_000_000_000 } }))
}

function set(
  label: string,
  rules: RuleSet<Entry>,
  bodies: readonly Body[],
  expected: number,
): Task {
  const messages = messagesOf(bodies)
  return {
    name: label,
    messages: messages.length,
    run() {
      let found = 0
      for (const message of messages) {
        for (const output of rules.run(message))
          if (output.status === 'output') found += output.entries.length
      }
      expectCount(label, found, expected)
    },
  }
}

/** Which rules match, without what they select: as the peers do it. */
function found(
  label: string,
  rules: RuleSet<Entry>,
  bodies: readonly Body[],
  expected: number,
): Task {
  return {
    name: label,
    messages: bodies.length,
    run() {
      let matches = 0
      for (const body of bodies) matches += rules.match(TOPIC, body).length
      expectCount(label, matches, expected)
    },
  }
}

/** A rule by itself, without a set. */
function one(label: string, sql: string, bodies: readonly Body[], expected: number): Task {
  const rule = compileRule(sql)
  const messages = messagesOf(bodies)
  return {
    name: label,
    messages: messages.length,
    run() {
      let found = 0
      for (const message of messages) if (rule.evaluate(message).status === 'output') found++
      expectCount(label, found, expected)
    },
  }
}

/** What drops a message without parsing it. */
function fromBytes(label: string, condition: string): Task {
  const filter = compileByteFilter(compileRule(`SELECT * FROM '${TOPIC}' WHERE ${condition}`))
  if (filter === undefined) throw new Error(`expected a filter for ${condition}`)
  const messages = textsOf(1).map((text) => new TextEncoder().encode(text))
  return {
    name: label,
    messages: messages.length,
    run() {
      let dropped = 0
      for (const bytes of messages) if (filter(bytes)) dropped++
      expectCount(label, dropped, POOL)
    },
  }
}
