import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CoreError } from '../../../core/errors.ts'
import type { Json } from '../../../core/model/json.ts'
import {
  type CompiledRule,
  compileExpression,
  compileRule,
  compileTemplate,
  compileWindowedRule,
  explainRule,
  FUNCTIONS,
  formatExplanation,
  isWindowed,
  type RuleMessage,
  runRule,
  type SqlVersion,
  type WindowedRule,
} from '../../../core/rules/index.ts'

const KEYS = [
  'a',
  'b',
  'c',
  'list',
  'o',
  'value',
  'constructor',
  '__proto__',
  'toString',
  'length',
  'end',
]
const STRINGS = [
  "'a'",
  '"x y"',
  "''",
  "'12.5'",
  "'-1E3'",
  "'true'",
  "'FALSE'",
  "'base64'",
  "'it''s'",
  "'[a-z]+'",
  "'$1'",
  "'('",
  "'yyyy-MM-dd HH:mm'",
  "'UTC'",
  "'enrichArray'",
]
const NUMBERS = [
  '0',
  '1',
  '2',
  '-1',
  '0.1',
  '22.5',
  '1E3',
  '1E-7',
  '9007199254740993',
  '12345678901234567890.5',
  '1E300',
  '1E-300',
  '1E999',
]
const NAMES = [...FUNCTIONS.keys()].filter((name) => name !== 'get_dynamodb')

const pick = (items: readonly string[]): fc.Arbitrary<string> => fc.constantFrom(...items)

/** Texts of expressions, made by the grammar. */
const { expression, subquery } = fc.letrec<{
  expression: string
  path: string
  subquery: string
  literal: string
}>((tie) => ({
  literal: fc.oneof(pick(STRINGS), pick(NUMBERS), pick(['true', 'false', 'NULL'])),
  path: fc.oneof(
    pick(KEYS.slice(0, -1)),
    fc.tuple(pick(KEYS.slice(0, -1)), pick(KEYS)).map(([root, key]) => `${root}.${key}`),
    fc.tuple(pick(KEYS.slice(0, -1)), fc.nat(3)).map(([root, index]) => `${root}[${index}]`),
  ),
  subquery: fc
    .tuple(
      fc.boolean(),
      tie('expression'),
      pick(['list', 'o', '*', 'a', '[a, b]', 'missing']),
      fc.option(tie('expression')),
    )
    .map(
      ([value, item, from, where]) =>
        `(SELECT ${value ? 'VALUE ' : ''}${item}${value ? '' : ' AS k'} FROM ${from}${where === null ? '' : ` WHERE ${where}`})`,
    ),
  expression: fc.oneof(
    { maxDepth: 4, depthSize: 'small', withCrossShrink: true },
    { arbitrary: tie('path'), weight: 4 },
    { arbitrary: tie('literal'), weight: 4 },
    {
      arbitrary: fc
        .tuple(tie('expression'), pick(['+', '-', '*', '/', '%']), tie('expression'))
        .map(([l, s, r]) => `(${l} ${s} ${r})`),
      weight: 4,
    },
    {
      arbitrary: fc
        .tuple(
          tie('expression'),
          pick(['<', '<=', '>', '>=', '=', '<>', '!=', '==']),
          tie('expression'),
        )
        .map(([l, s, r]) => `(${l} ${s} ${r})`),
      weight: 4,
    },
    {
      arbitrary: fc
        .tuple(tie('expression'), pick(['AND', 'OR']), tie('expression'))
        .map(([l, s, r]) => `(${l} ${s} ${r})`),
      weight: 3,
    },
    { arbitrary: tie('expression').map((operand) => `(NOT ${operand})`), weight: 1 },
    { arbitrary: tie('expression').map((operand) => `(-${operand})`), weight: 1 },
    {
      arbitrary: fc
        .tuple(pick(NAMES), fc.array(tie('expression'), { maxLength: 3 }))
        .map(([name, args]) => `${name}(${args.join(', ')})`),
      weight: 6,
    },
    {
      arbitrary: fc
        .tuple(tie('expression'), pick(['String', 'Int', 'Double', 'Decimal', 'Boolean']))
        .map(([operand, type]) => `cast(${operand} AS ${type})`),
      weight: 1,
    },
    {
      arbitrary: fc
        .tuple(tie('expression'), tie('expression'), tie('expression'))
        .map(([v, w, r]) => `CASE ${v} WHEN ${w} THEN ${r} ELSE 0 END`),
      weight: 1,
    },
    {
      arbitrary: fc
        .array(tie('expression'), { maxLength: 3 })
        .map((items) => `[${items.join(', ')}]`),
      weight: 1,
    },
    {
      arbitrary: fc
        .tuple(pick(KEYS), tie('expression'))
        .map(([key, value]) => `{'${key}': ${value}}`),
      weight: 1,
    },
    { arbitrary: tie('subquery'), weight: 1 },
    { arbitrary: tie('subquery').map((query) => `EXISTS ${query}`), weight: 1 },
    {
      arbitrary: fc
        .tuple(tie('expression'), pick(['IN', 'NOT IN']), tie('expression'))
        .map(([l, word, r]) => `(${l} ${word} (${r}, 1))`),
      weight: 1,
    },
    {
      arbitrary: fc
        .tuple(tie('expression'), pick(['LIKE', 'NOT LIKE']), pick(["'%a%'", "'_'", "'%'"]))
        .map(([l, word, r]) => `(${l} ${word} ${r})`),
      weight: 1,
    },
    {
      arbitrary: fc
        .tuple(tie('expression'), tie('expression'), tie('expression'))
        .map(([v, l, h]) => `(${v} BETWEEN ${l} AND ${h})`),
      weight: 1,
    },
    { arbitrary: tie('expression').map((operand) => `(${operand} IS NOT NULL)`), weight: 1 },
  ),
}))

const comparison = fc
  .tuple(
    pick(KEYS.slice(0, 4)),
    pick(['<', '<=', '>', '>=', '=', '<>']),
    pick([...NUMBERS.slice(0, 6), "'a'", 'true', 'null']),
  )
  .map(([left, sign, right]) => `${left} ${sign} ${right}`)

/** Conditions as people write them, mostly. */
const condition = fc.oneof(
  expression,
  subquery,
  comparison,
  fc
    .tuple(comparison, pick(['AND', 'OR', 'AND NOT', 'OR NOT']), comparison)
    .map((parts) => parts.join(' ')),
  fc
    .tuple(comparison, comparison, comparison)
    .map(([one, two, three]) => `NOT (${one} OR ${two}) AND ${three}`),
)

const statement = fc
  .tuple(
    fc.option(expression),
    fc.array(
      fc.tuple(
        fc.oneof(expression, fc.constant('*')),
        fc.option(pick(['x', 'x.y', '__proto__', 'o.a'])),
      ),
      { minLength: 1, maxLength: 3 },
    ),
    fc.option(expression),
  )
  .map(([set, items, where]) => {
    const list = items
      .map(([item, alias]) => (alias === null ? item : `${item} AS ${alias}`))
      .join(', ')
    return `${set === null ? '' : `SET @v = ${set} `}SELECT ${list}${set === null ? '' : ', @v AS v'} FROM 't'${where === null ? '' : ` WHERE ${where}`}`
  })

/** A text with a few characters dropped, doubled, exchanged or put in. */
function mutated(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const change = fc.tuple(
    fc.nat(),
    fc.constantFrom('drop', 'double', 'swap', 'put'),
    fc.constantFrom(...'()[]{}\'"*,.@=<>-+/% \n\0éSELECTfrom123$`;#'),
  )
  return fc.tuple(text, fc.array(change, { minLength: 1, maxLength: 4 })).map(([start, changes]) =>
    changes.reduce((current, [place, kind, char]) => {
      const at = place % (current.length + 1)
      const [before, here, after] = [
        current.slice(0, at),
        current.slice(at, at + 1),
        current.slice(at + 1),
      ]
      if (kind === 'drop') return before + after
      if (kind === 'double') return before + here + here + after
      if (kind === 'swap') return before + after.slice(0, 1) + here + after.slice(1)
      return before + char + here + after
    }, start),
  )
}

const leaf = fc.oneof(
  fc.constantFrom<Json>(
    null,
    true,
    false,
    0,
    -1,
    5,
    0.1,
    22.5,
    1e21,
    1e-7,
    'a',
    '',
    '12.5',
    'TRUE',
    'cmVk',
    '__proto__',
  ),
  fc.string({ maxLength: 5 }),
)

/** Messages with the keys that expressions ask for, `__proto__` as an own key among them. */
const body: fc.Arbitrary<Json | undefined> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.letrec<{ value: Json }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.array(tie('value'), { maxLength: 3 }),
        fc
          .array(fc.tuple(pick(KEYS), tie('value')), { maxLength: 5 })
          .map((entries) => parseEntries(entries)),
      ),
    })).value,
  },
  { weight: 1, arbitrary: fc.constant(undefined) },
)

/** A message that has what conditions compare. */
const flat: fc.Arbitrary<Json> = fc.record({ a: leaf, b: leaf, c: leaf, list: fc.array(leaf) })

function parseEntries(entries: readonly (readonly [string, Json])[]): Json {
  const members = entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
  return JSON.parse(`{${members.join(',')}}`)
}

function freeze(value: Json | undefined): void {
  if (typeof value !== 'object' || value === null) return
  Object.freeze(value)
  for (const part of Object.values(value)) freeze(part)
}

function messageOf(json: Json | undefined): RuleMessage {
  freeze(json)
  const rawText = json === undefined ? undefined : JSON.stringify(json)
  return {
    body: json,
    bytes: new TextEncoder().encode(rawText ?? '\u{1f600}not json'),
    ...(rawText === undefined ? {} : { rawText }),
    facts: {
      topic: 't',
      nowMs: 1_700_000_000_000,
      random: () => 0.25,
      newId: () => 'id',
      clientId: 'c',
    },
  }
}

/** Runs what may fail with a rule error and with nothing else. */
function attempt<T>(run: () => T, codes: RegExp): T | undefined {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof CoreError)) throw error
    expect(error.code).toMatch(codes)
    return undefined
  }
}

const COMPILE_ERRORS = /^rule\.(syntax|type|unknown_function|unsupported|limit|topic_filter)$/
const LIMIT = /^rule\.limit$/
const versions: fc.Arbitrary<SqlVersion> = fc.constantFrom('2016-03-23', '2015-10-08', 'beta')

function compiled(sql: string, sqlVersion: SqlVersion): CompiledRule | undefined {
  return attempt(() => compileRule(sql, { sqlVersion }), COMPILE_ERRORS)
}

/** Statements with windows, by the grammar: keys that SELECT repeats, aggregates of anything. */
const windowed = fc
  .tuple(
    fc.option(expression),
    fc.array(expression, { maxLength: 2 }),
    fc.array(
      fc.tuple(
        pick(['count', 'sum', 'avg', 'min', 'max', 'stddev', 'first', 'last', 'collect']),
        fc.oneof(expression, fc.constant('@v')),
      ),
      { minLength: 1, maxLength: 3 },
    ),
    fc.option(expression),
    pick([
      'TUMBLINGWINDOW(second, 10)',
      'HOPPINGWINDOW(second, 10, 5)',
      'SLIDINGWINDOW(minute, 1)',
      'SESSIONWINDOW(second, 1)',
      'WINDOW(second, 1)',
      'TUMBLINGWINDOW(second)',
    ]),
    fc.option(pick(['count(*) > 0', 'avg(a) >= 1', 'windowend() > windowstart()', 'a > 1'])),
  )
  .map(([set, keys, aggregates, where, window, having]) => {
    const list = [...keys, ...aggregates.map(([name, argument]) => `${name}(${argument})`)]
    const items = list.map((item, index) => `${item} AS x${index}`).join(', ')
    return `${set === null ? '' : `SET @v = ${set}\n`}SELECT ${items}\nFROM 't'${where === null ? '' : ` WHERE ${where}`}\nGROUP BY ${[...keys, window].join(', ')}${having === null ? '' : ` HAVING ${having}`}`
  })

describe('no statement with windows does harm', () => {
  const tryOut = (sql: string, json: Json | undefined): boolean => {
    let rule: WindowedRule | undefined
    try {
      if (!isWindowed(sql)) return false
      rule = compileWindowedRule(sql)
    } catch (error) {
      if (!(error instanceof CoreError)) throw error
      expect(error.code).toMatch(COMPILE_ERRORS)
      const { position } = error
      if (position === undefined) return false
      const line = sql.split('\n')[position.line - 1]
      expect(line).toBeDefined()
      expect(position.column).toBeLessThanOrEqual((line?.length ?? 0) + 1)
      return false
    }
    const message = messageOf(json)
    const { input, groups, aggregates } = rule
    attempt(() => input.evaluate(message), LIMIT)
    const group = groups.map((key) => attempt(() => key.evaluate(message), LIMIT) ?? null)
    const results = aggregates.map(({ argument }) =>
      argument === undefined ? 1 : attempt(() => argument.evaluate(message), LIMIT),
    )
    attempt(() => rule.output({ start: 0, end: 10_000, group, results }, message), LIMIT)
    return true
  }

  it('made by the grammar, or nearly so', { timeout: 60_000 }, () => {
    let ran = 0
    fc.assert(
      fc.property(fc.oneof(windowed, mutated(windowed)), body, (sql, json) => {
        if (tryOut(sql, json)) ran += 1
      }),
      { numRuns: 1_500 },
    )
    expect(ran).toBeGreaterThan(50)
  })
})

describe('no statement and no message does harm', () => {
  it('statements made by the grammar run, and say the same when explained', {
    timeout: 60_000,
  }, () => {
    let ran = 0
    fc.assert(
      fc.property(statement, versions, body, (sql, version, json) => {
        const rule = compiled(sql, version)
        if (rule === undefined) return
        const message = messageOf(json)
        const before = JSON.stringify(json)
        const result = attempt(() => runRule(rule, message), LIMIT)
        expect(JSON.stringify(json)).toBe(before)
        if (
          result?.status === 'output' &&
          !(result.value instanceof Uint8Array) &&
          result.value !== undefined
        ) {
          expect(JSON.parse(JSON.stringify(result.value))).toEqual(result.value)
        }
        const explained = attempt(() => explainRule(rule, message), LIMIT)
        if (explained !== undefined && result !== undefined) {
          expect(explained.result.status).toBe(result.status)
          expect(formatExplanation(explained)).toContain('FROM')
        }
        ran += 1
      }),
      { numRuns: 3_000 },
    )
    expect(ran).toBeGreaterThan(1_500)
  })

  it('statements with mistakes fail with a rule error', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(mutated(statement), versions, body, (sql, version, json) => {
        const rule = compiled(sql, version)
        if (rule !== undefined) attempt(() => runRule(rule, messageOf(json)), LIMIT)
      }),
      { numRuns: 3_000 },
    )
  })

  it('any text is a statement, an expression, a template, or a rule error', {
    timeout: 60_000,
  }, () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      mutated(expression),
      fc.string().map((inner) => `\${${inner}}`),
      mutated(expression).map((inner) => `a \${${inner}} b`),
    )
    fc.assert(
      fc.property(text, body, (any, json) => {
        const message = messageOf(json)
        compiled(any, '2016-03-23')
        const lone = attempt(() => compileExpression(any), COMPILE_ERRORS)
        if (lone !== undefined) attempt(() => lone.evaluate(message), LIMIT)
        const template = attempt(() => compileTemplate(any), COMPILE_ERRORS)
        if (template !== undefined) attempt(() => template.render(message), LIMIT)
      }),
      { numRuns: 3_000 },
    )
  })

  it('a condition fires exactly where its value is true', { timeout: 60_000 }, () => {
    let fired = 0
    fc.assert(
      fc.property(condition, fc.oneof(body, flat), (text, json) => {
        const lone = attempt(() => compileExpression(text), COMPILE_ERRORS)
        const rule = compiled(`SELECT 1 AS x FROM 't' WHERE ${text}`, '2016-03-23')
        if (lone === undefined || rule === undefined) return
        const message = messageOf(json)
        const value = attempt(() => lone.evaluate(message), LIMIT)
        const result = attempt(() => rule.evaluate(message), LIMIT)
        if (result === undefined) return
        const isTrue =
          value === true || (typeof value === 'string' && value.toLowerCase() === 'true')
        expect(result.status).toBe(isTrue ? 'output' : 'no_match')
        if (isTrue) fired += 1
      }),
      { numRuns: 4_000 },
    )
    expect(fired).toBeGreaterThan(60)
  })
})
