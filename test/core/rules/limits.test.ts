import { describe, expect, it } from 'vitest'
import type { Json } from '../../../core/model/json.ts'
import {
  compileExpression,
  compileRule,
  compileTemplate,
  DEFAULT_LIMITS,
  type RuleLimits,
  type RuleMessage,
} from '../../../core/rules/index.ts'

function message(body: Json): RuleMessage {
  return { body, facts: { topic: 't', nowMs: 0 } }
}

function evaluate(sql: string, body: Json, limits: Partial<RuleLimits> = {}): unknown {
  return compileRule(sql, { limits }).evaluate(message(body))
}

const limitError = expect.objectContaining({ code: 'rule.limit' })

/** Each limit: what stands exactly at it, and the same one step past it. */
const LIMITS: readonly (readonly [
  name: keyof RuleLimits,
  at: () => unknown,
  past: () => unknown,
])[] = [
  [
    'sqlBytes',
    () => compileRule(`SELECT '${'x'.repeat(DEFAULT_LIMITS.sqlBytes - 18)}' FROM 't'`),
    () => compileRule(`SELECT '${'x'.repeat(DEFAULT_LIMITS.sqlBytes - 17)}' FROM 't'`),
  ],
  [
    'sqlBytes',
    () => compileRule(`SELECT '${'é'.repeat(10)}' FROM 't'`, { limits: { sqlBytes: 38 } }),
    () => compileRule(`SELECT '${'é'.repeat(10)}' FROM 't'`, { limits: { sqlBytes: 37 } }),
  ],
  [
    'tokens',
    () => compileRule("SELECT a, b FROM 't'", { limits: { tokens: 6 } }),
    () => compileRule("SELECT a, b, c FROM 't'", { limits: { tokens: 6 } }),
  ],
  [
    'tokens',
    () => compileExpression(`a${' OR a'.repeat(DEFAULT_LIMITS.tokens / 2 - 1)}`),
    () => compileExpression(`a${' OR a'.repeat(DEFAULT_LIMITS.tokens / 2)}`),
  ],
  [
    'depth',
    () =>
      compileExpression(
        `${'('.repeat(DEFAULT_LIMITS.depth - 1)}1${')'.repeat(DEFAULT_LIMITS.depth - 1)}`,
      ),
    () =>
      compileExpression(`${'('.repeat(DEFAULT_LIMITS.depth)}1${')'.repeat(DEFAULT_LIMITS.depth)}`),
  ],
  [
    'depth',
    () => compileExpression(`1${' + 1'.repeat(DEFAULT_LIMITS.depth - 1)}`),
    () => compileExpression(`1${' + 1'.repeat(DEFAULT_LIMITS.depth)}`),
  ],
  [
    'depth',
    () => compileExpression(`${'NOT '.repeat(DEFAULT_LIMITS.depth - 1)}a`),
    () => compileExpression(`${'NOT '.repeat(DEFAULT_LIMITS.depth)}a`),
  ],
  [
    'depth',
    () => compileExpression('[[[1]]]', { limits: { depth: 4 } }),
    () => compileExpression('[[[[1]]]]', { limits: { depth: 4 } }),
  ],
  [
    'depth',
    () => compileExpression('- - -a', { limits: { depth: 4 } }),
    () => compileExpression('- - - -a', { limits: { depth: 4 } }),
  ],
  [
    'variables',
    () => compileRule("SET @a = 1, @b = 2 SELECT @a FROM 't'", { limits: { variables: 2 } }),
    () =>
      compileRule("SET @a = 1, @b = 2, @c = 3 SELECT @a FROM 't'", { limits: { variables: 2 } }),
  ],
  [
    'variableNameLength',
    () => compileRule(`SET @${'a'.repeat(64)} = 1 SELECT 1 AS x FROM 't'`),
    () => compileRule(`SET @${'a'.repeat(65)} = 1 SELECT 1 AS x FROM 't'`),
  ],
  [
    'outputBytes',
    () => evaluate("SELECT [a] AS x FROM 't'", { a: 'é' }, { outputBytes: 12 }),
    () => evaluate("SELECT [a] AS x FROM 't'", { a: 'éé' }, { outputBytes: 12 }),
  ],
  [
    'outputBytes',
    () => compileExpression('[a, a]', { limits: { outputBytes: 9 } }).evaluate(message({ a: 'x' })),
    () =>
      compileExpression('[a, a]', { limits: { outputBytes: 9 } }).evaluate(message({ a: 'xy' })),
  ],
  [
    'stringLength',
    () => evaluate("SELECT a + a AS x FROM 't'", { a: 'xx' }, { stringLength: 4 }),
    () => evaluate("SELECT a + a AS x FROM 't'", { a: 'xxx' }, { stringLength: 4 }),
  ],
  [
    'stringLength',
    () => evaluate("SELECT replace(a, 'x', 'yy') AS x FROM 't'", { a: 'xx' }, { stringLength: 4 }),
    () => evaluate("SELECT replace(a, 'x', 'yy') AS x FROM 't'", { a: 'xxx' }, { stringLength: 4 }),
  ],
  [
    'stringLength',
    () =>
      evaluate(
        "SELECT regexp_replace(a, 'x', 'yy') AS x FROM 't'",
        { a: 'xx' },
        { stringLength: 4 },
      ),
    () =>
      evaluate(
        "SELECT regexp_replace(a, 'x', 'yy') AS x FROM 't'",
        { a: 'xxx' },
        { stringLength: 4 },
      ),
  ],
  [
    'stringLength',
    () => evaluate("SELECT concat(a, a) AS x FROM 't'", { a: 'xx' }, { stringLength: 4 }),
    () => evaluate("SELECT concat(a, a, a) AS x FROM 't'", { a: 'xx' }, { stringLength: 4 }),
  ],
  [
    'stringLength',
    () => evaluate("SELECT upper(a) AS x FROM 't'", { a: ['x'] }, { stringLength: 5 }),
    () => evaluate("SELECT upper(a) AS x FROM 't'", { a: ['xx'] }, { stringLength: 5 }),
  ],
  [
    'stringLength',
    () => compileTemplate('${a}${a}', { limits: { stringLength: 4 } }).render(message({ a: 'xx' })),
    () =>
      compileTemplate('${a}${a}', { limits: { stringLength: 4 } }).render(message({ a: 'xxx' })),
  ],
  [
    'patternLength',
    () => compileExpression("regexp_matches(a, 'abc')", { limits: { patternLength: 3 } }),
    () => compileExpression("regexp_matches(a, 'abcd')", { limits: { patternLength: 3 } }),
  ],
  [
    'patternLength',
    () =>
      evaluate(
        "SELECT regexp_matches(a, b) AS x FROM 't'",
        { a: 'x', b: 'abc' },
        { patternLength: 3 },
      ),
    () =>
      evaluate(
        "SELECT regexp_matches(a, b) AS x FROM 't'",
        { a: 'x', b: 'abcd' },
        { patternLength: 3 },
      ),
  ],
  [
    'patternLength',
    () => evaluate("SELECT a LIKE b AS x FROM 't'", { a: 'x', b: 'abc' }, { patternLength: 3 }),
    () => evaluate("SELECT a LIKE b AS x FROM 't'", { a: 'x', b: 'abcd' }, { patternLength: 3 }),
  ],
  [
    'arrayLength',
    () => evaluate("SELECT concat(a, a) AS x FROM 't'", { a: [1, 2] }, { arrayLength: 4 }),
    () => evaluate("SELECT concat(a, a, 5) AS x FROM 't'", { a: [1, 2] }, { arrayLength: 4 }),
  ],
  [
    'rows',
    () =>
      evaluate(
        "SELECT (SELECT VALUE (SELECT VALUE 1 FROM x.b) FROM a AS x) AS y FROM 't'",
        { a: [{ b: [1, 2] }] },
        { rows: 3 },
      ),
    () =>
      evaluate(
        "SELECT (SELECT VALUE (SELECT VALUE 1 FROM x.b) FROM a AS x) AS y FROM 't'",
        { a: [{ b: [1, 2, 3] }] },
        { rows: 3 },
      ),
  ],
  [
    'transformBytes',
    () =>
      evaluate(
        "SELECT transform('enrichArray', {'a': 1}, [{}]) AS x FROM 't'",
        {},
        { transformBytes: 9 },
      ),
    () =>
      evaluate(
        "SELECT transform('enrichArray', {'a': 11}, [{}]) AS x FROM 't'",
        {},
        { transformBytes: 9 },
      ),
  ],
]

describe('limits of rules', () => {
  it.each(LIMITS)('%s holds at the limit and stops one past it', (_name, at, past) => {
    expect(at).not.toThrow()
    expect(past).toThrow(limitError)
  })

  it('are all tested', () => {
    expect(new Set(LIMITS.map(([name]) => name))).toEqual(new Set(Object.keys(DEFAULT_LIMITS)))
  })

  it('stop parts that multiply: doubling strings, arrays and shared structures', () => {
    const doubling = (first: string, next: (name: string) => string): string => {
      const steps = Array.from({ length: 60 }, (_, at) => `@v${at + 1} = ${next(`@v${at}`)}`)
      return `SET @v0 = ${first}, ${steps.join(', ')} SELECT @v60 AS x, @v60 = @v59 AS y FROM 't'`
    }
    expect(() =>
      evaluate(
        doubling("'x'", (name) => `${name} + ${name}`),
        {},
      ),
    ).toThrow(limitError)
    expect(() =>
      evaluate(
        doubling('[1]', (name) => `concat(${name}, ${name})`),
        {},
      ),
    ).toThrow(limitError)
    expect(() =>
      evaluate(
        doubling('[1]', (name) => `[${name}, ${name}]`),
        {},
      ),
    ).toThrow(limitError)
    const twins = Array.from({ length: 30 }, (_, at) =>
      ['p', 'q'].map((name) => `@${name}${at + 1} = [@${name}${at}, @${name}${at}]`).join(', '),
    )
    expect(() =>
      evaluate(
        `SET @p0 = [1], @q0 = [1], ${twins.join(', ')} SELECT @p30 = @q30 AS x FROM 't'`,
        {},
      ),
    ).toThrow(limitError)
    expect(() =>
      evaluate(
        "SELECT (SELECT VALUE (SELECT VALUE (SELECT VALUE 1 FROM x) FROM x) FROM x) AS y FROM 't'"
          .replaceAll('FROM x', 'FROM @v')
          .replace('SELECT', 'SET @v = v SELECT'),
        { v: Array.from({ length: 300 }, () => 0) },
      ),
    ).toThrow(limitError)
  })

  it('stop outputs that are made of many copies', () => {
    const copies = Array.from({ length: 20 }, (_, at) => `* AS c${at}`).join(', ')
    expect(() => evaluate(`SELECT ${copies} FROM 't'`, { a: 'x'.repeat(10_000) })).toThrow(
      limitError,
    )
    expect(evaluate(`SELECT ${copies} FROM 't'`, { a: 'x' })).toMatchObject({ status: 'output' })
  })

  it('stop replacements that look at the rest of the text for every character', () => {
    const replace = (length: number): unknown =>
      evaluate("SELECT regexp_replace(a, 'x*y|x', 'z') AS x FROM 't'", { a: 'x'.repeat(length) })
    expect(replace(1_000)).toMatchObject({ status: 'output' })
    expect(() => replace(100_000)).toThrow(limitError)
    expect(
      evaluate("SELECT length(regexp_replace(a, 'x', 'z')) AS x FROM 't'", {
        a: 'x'.repeat(100_000),
      }),
    ).toMatchObject({ value: { x: 100_000 } })
  })

  it('stop a message that nests beyond the stack', () => {
    let body: Json = 1
    for (let depth = 0; depth < 100_000; depth += 1) body = [body]
    expect(() => evaluate("SELECT a + '' AS x, a AS y FROM 't'", { a: body })).toThrow(limitError)
    expect(evaluate("SELECT a AS y FROM 't'", { a: body })).toMatchObject({ status: 'output' })
  })
})
