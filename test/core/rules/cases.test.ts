import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { evalSql } from '../../../cli/eval/sql.ts'
import { evalTemplate } from '../../../cli/eval/template.ts'
import { evalTopic } from '../../../cli/eval/topic.ts'
import type { Json, JsonObject } from '../../../core/model/json.ts'
import { type CompiledRule, compileRule, createRuleSet } from '../../../core/rules/index.ts'

function readCases<T>(name: string): readonly T[] {
  return JSON.parse(readFileSync(resolve(import.meta.dirname, '../../cases/rules', name), 'utf8'))
}

/** A statement and what becomes of it, or `errorCode` with its place and words. */
type StatementCase = JsonObject & {
  readonly sql: string
  readonly output?: Json
  readonly outputBase64?: string
  readonly noMatch?: string
  readonly errorCode?: string
  readonly line?: number
  readonly column?: number
  readonly says?: string
  /** The output has a key `__proto__` of its own, and nothing is polluted. */
  readonly ownProto?: boolean
}

/** An expression and its value; without `value` it is Undefined. */
type ExpressionCase = JsonObject & {
  readonly expr: string
  readonly value?: Json
  readonly exact?: boolean
}

const STATEMENTS: readonly (readonly [name: string, count: number])[] = [
  ['select.json', 47],
  ['where.json', 66],
  ['nested.json', 37],
  ['versions.json', 20],
  ['errors.json', 48],
]

describe.each(STATEMENTS)('statements of %s', (name, count) => {
  const cases = readCases<StatementCase>(name)

  it('are all here', () => expect(cases).toHaveLength(count))

  it.each(cases)('$sql', (entry) => {
    const result = evalSql({ topic: 't', ...entry })
    if (entry.errorCode !== undefined) {
      const { errorCode: code, line = 1, column = 1, says = '' } = entry
      expect(result).toMatchObject({ error: { code, line, column } })
      expect(JSON.stringify(result)).toContain(JSON.stringify(says).slice(1, -1))
    } else if (entry.ownProto === true) {
      const text = JSON.stringify(result)
      expect(text).toContain('"__proto__":')
      expect('polluted' in {}).toBe(false)
    } else if (entry.noMatch !== undefined) {
      expect(result).toEqual({ noMatch: entry.noMatch })
    } else if (entry.outputBase64 !== undefined) {
      expect(result).toEqual({ outputBase64: entry.outputBase64 })
    } else {
      expect(result).toEqual({ output: entry.output })
    }
  })
})

const EXPRESSIONS: readonly (readonly [name: string, count: number])[] = [
  ['arithmetic.json', 74],
  ['functions.json', 153],
  ['time.json', 51],
]

describe.each(EXPRESSIONS)('expressions of %s', (name, count) => {
  const cases = readCases<ExpressionCase>(name)

  it('are all here', () => expect(cases).toHaveLength(count))

  it.each(cases)('$expr', (entry) => {
    const topic = entry['topic'] ?? 't'
    const result = evalSql({
      payload: {},
      ...entry,
      topic,
      sql: `SELECT ${entry.expr} AS x FROM '${topic}'`,
    })
    if (entry.exact === false)
      expect(result).toMatchObject({ output: { x: expect.closeTo(Number(entry.value), 9) } })
    else expect(result).toEqual({ output: 'value' in entry ? { x: entry.value } : {} })
  })
})

describe('templates', () => {
  const cases = readCases<
    JsonObject & { template: string; text?: string; errorCode?: string; column?: number }
  >('templates.json')

  it('are all here', () => expect(cases).toHaveLength(19))

  it.each(cases)('$template', (entry) => {
    const result = evalTemplate({ topic: 't', ...entry })
    if (entry.errorCode === undefined) expect(result).toEqual({ text: entry.text })
    else
      expect(result).toMatchObject({ error: { code: entry.errorCode, column: entry.column ?? 0 } })
  })
})

describe('topic filters', () => {
  const cases = readCases<{ filter: string; topic: string; aws: boolean; mqtt: boolean }>(
    'topics.json',
  )

  it('are all here', () => expect(cases).toHaveLength(24))

  it.each(cases)('"$filter" on "$topic"', ({ filter, topic, aws, mqtt }) => {
    expect(evalTopic({ filter, topic, dialect: 'aws' })).toEqual({ match: aws })
    expect(evalTopic({ filter, topic, dialect: 'mqtt' })).toEqual({ match: mqtt })
  })

  it('match in a rule set as they match alone', () => {
    const valid = cases.filter(({ filter }) => !/[^/]\+|\+[^/]|#.|^$/.test(filter))
    expect(valid.length).toBe(21)
    const entries = valid.map(({ filter }): { filter: string; rule: CompiledRule } => ({
      filter,
      rule: compileRule(`SELECT * FROM '${filter}'`),
    }))
    const set = createRuleSet(entries)
    for (const { topic } of cases) {
      const alone = entries.filter(({ filter }) => evalTopicMatch(filter, topic))
      if (topic === '' || topic.includes('+')) continue
      expect(set.match(topic)).toEqual(alone)
      expect(set.match(topic)).toEqual(alone)
    }
  })
})

function evalTopicMatch(filter: string, topic: string): boolean {
  return JSON.stringify(evalTopic({ filter, topic })) === '{"match":true}'
}
