import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../../core/model/json.ts'
import {
  type CompiledRule,
  compileRule,
  createRuleSet,
  type RuleMessage,
  runRule,
} from '../../../core/rules/index.ts'

interface Entry {
  readonly id: number
  readonly rule: CompiledRule
}

function message(body: Json | undefined, topic = 'a/b'): RuleMessage {
  return { body, facts: { topic, nowMs: 7 } }
}

function entriesOf(statements: readonly string[]): readonly Entry[] {
  return statements.map((sql, id) => ({ id, rule: compileRule(sql) }))
}

const literal = fc.constantFrom(
  '1',
  '2',
  '2.5',
  '-1',
  '0',
  '1E2',
  "'1'",
  "'on'",
  "'off'",
  'true',
  'null',
  '12345678901234567890',
)
const path = fc.constantFrom('a', 'b', 'o.p', 'o.q.r', 'constructor', '__proto__', 'list[0]')
const sign = fc.constantFrom('=', '<>', '<', '<=', '>', '>=')
const comparison = fc.oneof(
  fc.tuple(path, sign, literal).map((parts) => parts.join(' ')),
  fc.tuple(literal, sign, path).map((parts) => parts.join(' ')),
)
const condition = fc.oneof(
  { weight: 4, arbitrary: comparison },
  { weight: 3, arbitrary: fc.tuple(comparison, comparison).map((parts) => parts.join(' AND ')) },
  { weight: 1, arbitrary: fc.tuple(comparison, comparison).map((parts) => parts.join(' OR ')) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(comparison, comparison, comparison)
      .map(([x, y, z]) => `(${x} AND ${y}) AND NOT ${z}`),
  },
)
const statement = fc
  .tuple(
    fc.constantFrom(
      'SELECT a',
      'SELECT a',
      'SELECT * ',
      'SELECT b AS x, timestamp() AS t',
      'SELECT newuuid() AS id',
      'SET @v = a SELECT @v AS v',
    ),
    fc.constantFrom('a/b', 'a/+', '#', 'a/#', 'c'),
    fc.option(condition, { freq: 8 }),
  )
  .map(
    ([select, filter, where]) =>
      `${select} FROM '${filter}'${where === null ? '' : ` WHERE ${where}`}`,
  )

/** Statements as they come, or so many thresholds of one SELECT that they are kept as a group. */
const statements = fc.oneof(
  fc.array(statement, { minLength: 1, maxLength: 60 }),
  fc.array(
    fc
      .tuple(sign, fc.integer({ min: -2, max: 4 }))
      .map(([order, limit]) => `SELECT a FROM 'a/b' WHERE a ${order} ${limit}`),
    { minLength: 80, maxLength: 300 },
  ),
)

const leaf = fc.constantFrom<Json>(
  0,
  1,
  2,
  2.5,
  -1,
  3,
  100,
  '1',
  '2.5',
  'on',
  'x',
  '',
  true,
  false,
  null,
  '12345678901234567891',
)
const body: fc.Arbitrary<Json | undefined> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record(
      {
        a: leaf,
        b: leaf,
        o: fc.oneof(leaf, fc.record({ p: leaf, q: fc.oneof(leaf, fc.record({ r: leaf })) })),
        list: fc.array(leaf, { maxLength: 2 }),
      },
      { requiredKeys: [] },
    ),
  },
  { weight: 1, arbitrary: leaf },
  { weight: 1, arbitrary: fc.constant(undefined) },
)

/** What each rule gives when it is run by itself, by id. */
function oneByOne(entries: readonly Entry[], each: RuleMessage): Map<number, unknown> {
  const results = new Map<number, unknown>()
  for (const { id, rule } of entries) {
    const result = runRule(rule, each)
    if (result.status === 'output') results.set(id, result.value)
  }
  return results
}

describe('a rule set agrees with its rules run one by one', () => {
  it('in run, and in match with a body', () => {
    let outputs = 0
    fc.assert(
      fc.property(statements, fc.array(body, { minLength: 1, maxLength: 5 }), (texts, bodies) => {
        const entries = entriesOf(texts)
        const set = createRuleSet(entries)
        for (const json of bodies) {
          const each: RuleMessage = {
            ...message(json),
            facts: { topic: 'a/b', nowMs: 7, newId: () => 'id' },
          }
          const wanted = oneByOne(entries, each)
          const found = new Map<number, unknown>()
          for (const output of set.run(each)) {
            expect(output.status).toBe('output')
            for (const { id } of output.entries) {
              expect(found.has(id)).toBe(false)
              if (output.status === 'output') found.set(id, output.value)
            }
          }
          expect(new Map([...found].sort(([x], [y]) => x - y))).toEqual(wanted)
          outputs += found.size
          if (json === undefined) continue
          const candidates = set.match('a/b', json).map(({ id }) => id)
          expect(candidates).toEqual(candidates.toSorted((x, y) => x - y))
          expect(candidates).toEqual(expect.arrayContaining([...wanted.keys()]))
          expect(new Set(candidates).size).toBe(candidates.length)
        }
      }),
      { numRuns: 500 },
    )
    expect(outputs).toBeGreaterThan(1_000)
  }, 60_000)

  it('with all digits of the numbers where the text is given', () => {
    const entries = entriesOf([
      "SELECT a FROM '#' WHERE a > 12345678901234567890",
      "SELECT a FROM '#' WHERE a > 12345678901234567000",
      "SELECT a FROM '#' WHERE a = 5",
    ])
    const rawText = '{"a":12345678901234567891}'
    const outputs = createRuleSet(entries).run({ ...message(JSON.parse(rawText)), rawText })
    expect(outputs.flatMap((output) => output.entries.map(({ id }) => id))).toEqual([0, 1])
  })
})

/** Entries whose rules count how often they are evaluated or make an output. */
function counted(statements: readonly string[]): {
  entries: readonly Entry[]
  evaluations: () => number
} {
  let evaluations = 0
  const entries = entriesOf(statements).map(({ id, rule }) => ({
    id,
    rule: {
      ...rule,
      evaluate: (each: RuleMessage) => {
        evaluations += 1
        return rule.evaluate(each)
      },
      project: (each: RuleMessage) => {
        evaluations += 1
        return rule.project(each)
      },
    },
  }))
  return { entries, evaluations: () => evaluations }
}

describe('the cost of a rule set grows with the rules that match', () => {
  const many = Array.from({ length: 10_000 }, (_, index) => index)

  it('thresholds with one SELECT are evaluated once, whatever their number', () => {
    const { entries, evaluations } = counted(
      many.map((limit) => `SELECT t FROM 'a/+' WHERE t > ${limit}`),
    )
    const outputs = createRuleSet(entries).run(message({ t: 100 }))
    expect(outputs).toHaveLength(1)
    expect(outputs[0]?.entries).toHaveLength(100)
    expect(outputs[0]).toMatchObject({ status: 'output', value: { t: 100 } })
    expect(evaluations()).toBe(1)
  })

  it('thresholds with different SELECTs are evaluated where they hold', () => {
    const { entries, evaluations } = counted(
      many.map((limit) => `SELECT t AS x${limit} FROM 'a/+' WHERE ${limit} >= t`),
    )
    expect(createRuleSet(entries).run(message({ t: 9_990 }))).toHaveLength(10)
    expect(evaluations()).toBe(10)
  })

  it('equalities, and conjunctions that contain one, are evaluated where it holds', () => {
    const { entries, evaluations } = counted(
      many.map((id) => `SELECT * FROM 'a/+' WHERE t > 5 AND id = 'd-${id}'`),
    )
    const set = createRuleSet(entries)
    expect(set.run(message({ t: 6, id: 'd-77' })).map(({ entries: [entry] }) => entry?.id)).toEqual(
      [77],
    )
    expect(set.run(message({ t: 4, id: 'd-77' }))).toEqual([])
    expect(evaluations()).toBe(2)
    expect(set.match('a/b', { id: 'd-5' }).map(({ id }) => id)).toEqual([5])
  })

  it('rules with chance in them are never shared', () => {
    const { entries, evaluations } = counted([
      "SELECT newuuid() AS id FROM 'a/+'",
      "SELECT newuuid() AS id FROM 'a/+'",
    ])
    expect(createRuleSet(entries).run(message({}))).toHaveLength(2)
    expect(evaluations()).toBe(2)
  })

  it('a rule that fails does not keep the others from running', () => {
    const entries = entriesOf(["SELECT a + a AS x FROM '#'", "SELECT b AS x FROM '#'"])
    const outputs = createRuleSet(entries).run(message({ a: 'x'.repeat(100_000), b: 1 }))
    expect(outputs).toMatchObject([
      { status: 'failed', error: { code: 'rule.limit' }, entries: [{ id: 0 }] },
      { status: 'output', value: { x: 1 }, entries: [{ id: 1 }] },
    ])
  })
})

describe('topics that were heard before', () => {
  it('reach the same rules however many others came between', () => {
    const entries = entriesOf([
      "SELECT * FROM 'plant/+/state'",
      "SELECT * FROM 'plant/#'",
      "SELECT * FROM 'plant/7/state'",
    ])
    const set = createRuleSet(entries)
    const topics = ['plant/7/state', 'plant/8/state', 'plant/7/other', 'else']
    const wanted = [[0, 1, 2], [0, 1], [1], []]
    const reached = () =>
      topics.map((topic) =>
        set
          .run(message({ a: 1 }, topic))
          .flatMap((o) => o.entries.map((e) => e.id))
          .toSorted(),
      )
    for (let round = 0; round < 3; round++) {
      expect(reached()).toEqual(wanted)
      expect(topics.map((topic) => set.match(topic).map(({ id }) => id))).toEqual(wanted)
      for (let other = 0; other < 15_000; other++) {
        expect(set.match(`plant/${round}-${other}/state`)).toHaveLength(2)
      }
    }
  })
})

describe('a SELECT list of keys', () => {
  const keys = ['a', 'b', 'constructor', 'c', 'd']

  it.each([1, 2, 3, 4, 5])(
    'of %i items gives what is there, in order, later names first',
    (count) => {
      for (const bodyOf of [{ a: 1, b: null, c: [2], d: 'x' }, { c: 1 }, {}, [1], 7, null]) {
        for (const alias of ['', ' AS x', ' AS __proto__']) {
          const list = keys
            .slice(0, count)
            .map((key, index) => `${key}${index % 2 === 0 ? alias : ''}`)
          const rule = compileRule(`SELECT ${list.join(', ')} FROM '#'`)
          const wanted = new Map<string, unknown>()
          for (const [index, key] of keys.slice(0, count).entries()) {
            const isObject = typeof bodyOf === 'object' && bodyOf !== null && !Array.isArray(bodyOf)
            const value = isObject ? new Map(Object.entries(bodyOf)).get(key) : undefined
            const name = index % 2 === 0 && alias !== '' ? alias.slice(4) : key
            if (value !== undefined) wanted.set(name, value)
          }
          const result = rule.evaluate(message(bodyOf))
          expect(result.status).toBe('output')
          if (result.status === 'output')
            expect(Object.entries(result.value ?? {})).toEqual([...wanted])
          expect(Object.entries(rule.project(message(bodyOf)) ?? {})).toEqual([...wanted])
        }
      }
    },
  )
})
