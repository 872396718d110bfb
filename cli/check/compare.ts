import { isJsonObject, type Json } from '../../core/index.ts'
import type { RenderedAction } from './rendered-action.ts'
import type {
  AlarmExpectation,
  Expectation,
  RuleExpectation,
  RuleTestCase,
} from './rule-test-schema.ts'
import { type Found, type FoundRule, type FoundTransition, together } from './run-case.ts'

/** One thing that is not as expected. `undefined` is nothing at all. */
export interface Difference {
  /** Below the expectation: `rules`, the id of the rule, …. */
  readonly path: readonly (string | number)[]
  readonly expected: Json | undefined
  readonly found: Json | undefined
}

const NO_RULE: FoundRule = { outputs: [], actions: [], errorActions: [], failures: [] }

/** Everything in a case that is not as expected. The paths begin at the case. */
export function judgeCase(test: RuleTestCase, steps: readonly Found[]): Difference[] {
  const { messages, expect } = test
  const outcomes = steps.flatMap((found, index) =>
    messages === undefined
      ? under(['expect'], compareOutcome(expect, found))
      : under(['messages', index, 'expect'], compareOutcome(messages[index]?.expect, found)),
  )
  // What a message would have done, had it been taken in, is no news.
  if (outcomes.length > 0) return outcomes
  const all = together(steps)
  const expectations = [expect, ...(messages ?? []).map((step) => step.expect)]
  return [
    ...steps.flatMap((found, index) =>
      under(['messages', index, 'expect'], compare(messages?.[index]?.expect ?? {}, found)),
    ),
    ...under(['expect'], compare(expect ?? {}, all)),
    ...under(['expect'], unexpectedFailures(expectations, all)),
  ]
}

function compareOutcome(expect: Expectation | undefined, found: Found): Difference[] {
  const expected = expect?.outcome ?? 'accepted'
  if (found.outcome === expected) return []
  const reason = found.reason === '' ? '' : `: ${found.reason}`
  return [{ path: ['outcome'], expected, found: `${found.outcome}${reason}` }]
}

function compare(expect: Expectation, found: Found): Difference[] {
  return [
    ...Object.entries(expect.rules ?? {}).flatMap(([ruleId, rule]) =>
      under(['rules', ruleId], compareRule(rule, found.rules.get(ruleId) ?? NO_RULE)),
    ),
    ...(expect.otherRules === undefined ? [] : others(expect, found)),
    ...Object.entries(expect.alarms ?? {}).flatMap(([alarmId, alarm]) =>
      under(['alarms', alarmId], compareAlarm(alarm, found.alarms.get(alarmId) ?? [])),
    ),
  ]
}

/** Rules and alarms that failed although the case does not look at them. */
function unexpectedFailures(
  expectations: readonly (Expectation | undefined)[],
  found: Found,
): Difference[] {
  const named = new Set(expectations.flatMap((expect) => Object.keys(expect?.rules ?? {})))
  return [...found.rules].flatMap(([ruleId, { failures }]) =>
    named.has(ruleId) ? [] : under(['rules', ruleId], compareFailures(undefined, failures)),
  )
}

function compareRule(expected: RuleExpectation, found: FoundRule): Difference[] {
  if (typeof expected === 'string') {
    const is = found.outputs.length > 0 ? 'match' : 'no match'
    const verdict = is === expected ? [] : [{ path: [], expected, found: is }]
    return [...compareFailures(undefined, found.failures), ...verdict]
  }
  const { failed, actions, errorAction } = expected
  return [
    ...compareFailures(failed, found.failures),
    ...compareOutputs(expected, found.outputs),
    ...(actions === undefined ? [] : under(['actions'], compareActions(actions, found.actions))),
    ...(errorAction === undefined
      ? []
      : under(['errorAction'], compareActions(errorAction, found.errorActions))),
  ]
}

function compareFailures(expected: string | undefined, found: readonly string[]): Difference[] {
  const met =
    expected === undefined ? found.length === 0 : found.some((reason) => reason.includes(expected))
  const is = found.length === 0 ? undefined : found.join('; ')
  return met ? [] : [{ path: ['failed'], expected, found: is }]
}

/** A result that is Undefined as a whole counts as `null`. */
function compareOutputs(
  { output, outputs, times, failed }: Exclude<RuleExpectation, string>,
  given: readonly (Json | undefined)[],
): Difference[] {
  const found = given.map((value) => value ?? null)
  if (times !== undefined && times !== found.length)
    return [{ path: ['times'], expected: times, found: found.length }]
  if (outputs !== undefined) return under(['outputs'], diff(outputs, found))
  if (output !== undefined) {
    if (times !== undefined || found.length === 1)
      return under(
        ['output'],
        found.flatMap((one) => diff(output, one)),
      )
    const many = `${found.length} matches: ${JSON.stringify(found)}`
    return [{ path: ['output'], expected: output, found: found.length === 0 ? 'no match' : many }]
  }
  const fires = failed === undefined && times === undefined
  return fires && found.length === 0 ? [{ path: [], expected: 'match', found: 'no match' }] : []
}

/** Of an action only the keys that are expected are compared. */
function compareActions(
  expected: readonly Readonly<Record<string, unknown>>[],
  found: readonly RenderedAction[],
): Difference[] {
  return Array.from({ length: Math.max(expected.length, found.length) }).flatMap((_, index) => {
    const wanted = expected[index]
    const is = found[index]
    if (wanted === undefined || is === undefined)
      return [{ path: [index], expected: toJson(wanted), found: is }]
    const [name = '', fields] = Object.entries(wanted)[0] ?? []
    const isFields = is[name]
    if (isFields === undefined) return [{ path: [index], expected: toJson(wanted), found: is }]
    return under([index, name], compareFields(toJson(fields), isFields))
  })
}

function compareFields(
  expected: Json | undefined,
  found: Readonly<Record<string, Json>>,
): Difference[] {
  if (!isJsonObject(expected)) return []
  if (expected['failed'] === undefined && found['failed'] !== undefined)
    return [{ path: ['failed'], expected: undefined, found: found['failed'] }]
  return Object.entries(expected).flatMap(([key, value]) => {
    const is = found[key]
    const contains =
      key === 'failed' && typeof value === 'string' && typeof is === 'string' && is.includes(value)
    return contains ? [] : under([key], diff(value, is))
  })
}

function compareAlarm(expected: AlarmExpectation, found: readonly FoundTransition[]): Difference[] {
  const ways = found.map(({ is }) => is)
  const [only] = found
  if (typeof expected === 'string' || Array.isArray(expected)) {
    const wanted =
      expected === 'unchanged' ? [] : typeof expected === 'string' ? [expected] : expected
    if (wanted.join() === ways.join()) return []
    return [{ path: [], expected: toJson(expected), found: wordOf(ways) }]
  }
  if (only === undefined || found.length > 1 || only.is !== expected.is)
    return [{ path: ['is'], expected: expected.is, found: wordOf(ways) }]
  return Object.entries(expected).flatMap(([key, value]) =>
    under([key], diff(value, Object.entries(only).find(([name]) => name === key)?.[1])),
  )
}

function wordOf(ways: readonly string[]): Json {
  return ways.length === 0 ? 'unchanged' : ways.length === 1 ? (ways[0] ?? '') : ways
}

function others(expect: Expectation, found: Found): Difference[] {
  const matching = [...found.rules]
    .filter(
      ([ruleId, { outputs }]) => outputs.length > 0 && !Object.hasOwn(expect.rules ?? {}, ruleId),
    )
    .map(([ruleId]) => ruleId)
  if (matching.length === 0) return []
  const is = `${matching.join(', ')} ${matching.length === 1 ? 'matches' : 'match'}`
  return [{ path: ['otherRules'], expected: 'no match', found: is }]
}

/** The places at which two values differ, each as deep as it goes. */
export function diff(expected: Json | undefined, found: Json | undefined): Difference[] {
  if (expected === found) return []
  if (Array.isArray(expected) && Array.isArray(found)) {
    const length = Math.max(expected.length, found.length)
    return Array.from({ length }).flatMap((_, index) =>
      under([index], diff(expected[index], found[index])),
    )
  }
  if (isJsonObject(expected) && isJsonObject(found)) {
    const keys = new Set([...Object.keys(expected), ...Object.keys(found)])
    return [...keys].flatMap((key) => under([key], diff(own(expected, key), own(found, key))))
  }
  return [{ path: [], expected, found }]
}

function own(object: Readonly<Record<string, Json>>, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

function under(
  path: readonly (string | number)[],
  differences: readonly Difference[],
): Difference[] {
  return differences.map((one) => ({ ...one, path: [...path, ...one.path] }))
}

/** What a schema has let through, as JSON: keys without a value are gone. */
function toJson(value: unknown): Json | undefined {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value))
}
