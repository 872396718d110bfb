import { describe, expect, it } from 'vitest'
import type { Json } from '../../../core/model/json.ts'
import {
  compileRule,
  explainRule,
  formatExplanation,
  type RuleMessage,
} from '../../../core/rules/index.ts'

function message(body: Json | undefined, topic = 'devices/d1/telemetry'): RuleMessage {
  return { body, facts: { topic, nowMs: 5, random: Math.random } }
}

const rule = compileRule(
  "SET @f = temp * 1.8 + 32 SELECT @f AS fahrenheit, state.debug AS debug, upper(name) AS name FROM 'devices/+/telemetry' WHERE temp > 20 AND NOT state.muted",
)

describe('explainRule', () => {
  it('shows each clause, its value and its verdict', () => {
    const explanation = explainRule(rule, message({ temp: 25, state: { muted: false }, name: 'x' }))
    expect(explanation).toEqual({
      sql: rule.sql,
      topic: { filter: 'devices/+/telemetry', topic: 'devices/d1/telemetry', matched: true },
      set: [
        {
          name: 'f',
          text: 'temp * 1.8 + 32',
          value: 77,
          parts: [{ text: 'temp * 1.8', value: 45, parts: [{ text: 'temp', value: 25 }] }],
        },
      ],
      where: {
        verdict: 'true',
        text: 'temp > 20 AND NOT state.muted',
        value: true,
        parts: [
          { text: 'temp > 20', value: true, parts: [{ text: 'temp', value: 25 }] },
          { text: 'NOT state.muted', value: true, parts: [{ text: 'state.muted', value: false }] },
        ],
      },
      select: [
        { key: 'fahrenheit', text: '@f', value: 77 },
        { key: 'debug', text: 'state.debug', undefined: 'state has no key "debug"' },
        { key: 'name', text: 'upper(name)', value: 'X', parts: [{ text: 'name', value: 'x' }] },
      ],
      result: { status: 'output', value: { fahrenheit: 77, name: 'X' } },
    })
    expect(JSON.parse(JSON.stringify(explanation))).toEqual(explanation)
  })

  it('marks where Undefined entered, and what it made Undefined', () => {
    const explanation = explainRule(rule, message({ temp: 'hot', state: 'none', name: null }))
    expect(explanation.where).toEqual({
      verdict: 'undefined',
      text: 'temp > 20 AND NOT state.muted',
      undefined: 'because temp > 20 is Undefined',
      parts: [
        {
          text: 'temp > 20',
          undefined: '> has no value for String and Int',
          parts: [{ text: 'temp', value: 'hot' }],
        },
        {
          text: 'NOT state.muted',
          undefined: 'because state.muted is Undefined',
          parts: [{ text: 'state.muted', undefined: 'state is String' }],
        },
      ],
    })
    expect(explanation.select[2]).toMatchObject({ undefined: 'upper has no value for Null' })
    expect(explanation.result).toEqual({ status: 'no_match', reason: 'where' })
  })

  it.each([
    ["CASE a WHEN 2 THEN 'x' END", 'no branch matches and there is no ELSE'],
    ['cast(list AS Int)', 'Array cannot be cast to int'],
    ['(SELECT b FROM a)', 'FROM needs an array or an object, found Int'],
    ['a OR true', 'OR needs true or false, found Int and Boolean'],
    ['NOT a', 'NOT needs true or false, found Int'],
    ['list[5]', 'list has no element 5'],
    ['a.b.c', 'a is Int'],
    ['constructor', 'the message has no key "constructor"'],
    ['a / 0', '/ has no value for Int and Int'],
    ['a IN b', 'because b is Undefined'],
    ["'x' BETWEEN 1 AND 2", 'no value for String and Int and Int'],
    ['concat()', 'concat has no value for this message'],
  ])('says why %s is Undefined', (expression, reason) => {
    const explained = explainRule(
      compileRule(`SELECT ${expression} AS x FROM '#'`),
      message({ a: 1, list: [1] }),
    )
    expect(explained.select[0]?.undefined).toBe(reason)
  })

  it('tells that a division of Ints drops the fraction', () => {
    const explained = explainRule(compileRule("SELECT a / 2 AS x FROM '#'"), message({ a: 7 }))
    expect(explained.select[0]).toMatchObject({
      value: 3,
      note: expect.stringContaining('fraction is cut off'),
    })
  })

  it('evaluates chance once', () => {
    const explained = explainRule(
      compileRule("SELECT rand() AS a, rand() + 0 AS b FROM '#'"),
      message({}),
    )
    expect(explained.select[0]?.value).toBe(explained.select[1]?.parts?.[0]?.value)
    expect(explained.select[0]?.value).toEqual(expect.any(Number))
  })

  it('shows payloads that are not JSON, and topics that do not match', () => {
    const bytes = { ...message(undefined), bytes: Uint8Array.of(0, 255) }
    expect(explainRule(compileRule("SELECT * FROM '#'"), bytes).result).toEqual({
      status: 'output',
      bytesBase64: 'AP8=',
    })
    expect(explainRule(rule, bytes).set[0]?.undefined).toBe('because temp * 1.8 is Undefined')
    expect(explainRule(rule, message({}, 'x')).result).toEqual({
      status: 'no_match',
      reason: 'topic',
    })
  })
})

describe('formatExplanation', () => {
  it('prints an indented tree', () => {
    const text = formatExplanation(
      explainRule(rule, message({ temp: 25, state: { muted: false } })),
    )
    expect(text).toBe(`FROM 'devices/+/telemetry' matches devices/d1/telemetry
SET @f temp * 1.8 + 32 → 77
  temp * 1.8 → 45
    temp → 25
WHERE is true: temp > 20 AND NOT state.muted → true
  temp > 20 → true
    temp → 25
  NOT state.muted → true
    state.muted → false
SELECT as fahrenheit @f → 77
SELECT as debug state.debug → Undefined (state has no key "debug")
SELECT as name upper(name) → Undefined (because name is Undefined)
  name → Undefined (the message has no key "name")
output: {"fahrenheit":77}`)
  })

  it('prints what has no output', () => {
    const print = (sql: string, body: Json): string =>
      formatExplanation(explainRule(compileRule(sql), message(body)))
    expect(print("SELECT VALUE a FROM 'x'", {})).toContain('no output: the topic does not match')
    expect(print("SELECT VALUE a FROM '#'", {})).toContain('output: nothing (Undefined)')
    expect(print("SELECT * FROM '#' WHERE a > 1", { a: 'x'.repeat(500) })).toMatch(/a → "x{119}…/)
  })
})
