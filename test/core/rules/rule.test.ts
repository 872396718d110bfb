import { describe, expect, it } from 'vitest'
import type { Json } from '../../../core/model/json.ts'
import {
  checkTopicFilter,
  compileExpression,
  compileRule,
  compileTemplate,
  createRuleSet,
  FUNCTIONS,
  type LookupAnswer,
  type LookupRequest,
  type MessageFacts,
  type RuleMessage,
  runRule,
} from '../../../core/rules/index.ts'

function message(body: Json, facts: Partial<MessageFacts> = {}): RuleMessage {
  return { body, facts: { topic: 't', nowMs: 0, ...facts } }
}

describe('compileRule', () => {
  it('gives what stands in the message itself, not copies of it', () => {
    const body = { deep: { a: [1, 2] } }
    const result = compileRule("SELECT deep.a AS x FROM 't'").evaluate(message(body))
    expect(result).toEqual({ status: 'output', value: { x: [1, 2] } })
    expect(compileRule("SELECT * FROM 't'").evaluate(message(body))).toHaveProperty('value', body)
  })

  it('never changes the message', () => {
    const body = Object.freeze({
      o: Object.freeze({ p: 1 }),
      list: Object.freeze([Object.freeze({ q: 1 })]),
    })
    const rule = compileRule(
      "SELECT *, 2 AS o.p, transform('enrichArray', o, list) AS t, concat(list, 1) AS c FROM 't'",
    )
    expect(rule.evaluate(message(body))).toHaveProperty('value', {
      o: { p: 2 },
      list: [{ q: 1 }],
      t: [{ q: 1, p: 1 }],
      c: [{ q: 1 }, 1],
    })
    expect(body).toEqual({ o: { p: 1 }, list: [{ q: 1 }] })
  })

  it('honours the topic only in runRule', () => {
    const rule = compileRule("SELECT * FROM 'a/+'")
    expect(rule.evaluate(message({}, { topic: 'b' }))).toHaveProperty('status', 'output')
    expect(runRule(rule, message({}, { topic: 'b' }))).toEqual({
      status: 'no_match',
      reason: 'topic',
    })
    expect(runRule(rule, message({}, { topic: 'a/b' }))).toHaveProperty('status', 'output')
  })

  it('warns of what AWS would not run or would read differently', () => {
    const warnings = (sql: string): readonly string[] => compileRule(sql).warnings
    expect(warnings("SELECT a FROM 't' WHERE a = 1")).toEqual([])
    expect(warnings("SELECT a FROM 't' WHERE a IN (1)")).toEqual([
      expect.stringContaining('IN is not in the AWS'),
    ])
    expect(warnings("SELECT lookup('t', a) AS x FROM 't'")).toEqual([
      expect.stringContaining('lookup is not in the AWS'),
    ])
    expect(warnings('SELECT a FROM t/#')).toEqual([expect.stringContaining('without quotes')])
    expect(warnings('SELECT a')).toEqual([expect.stringContaining('Basic Ingest')])
    expect(warnings("SELECT abs() AS x FROM 't'")).toEqual([expect.stringContaining('0 arguments')])
    expect(warnings("SELECT (SELECT a + 1 FROM b) AS x FROM 't'")).toEqual([
      expect.stringContaining('name its key with AS'),
    ])
    expect(warnings("SELECT a FROM '1/2/3/4/5/6/7/8/9'")).toEqual([
      expect.stringContaining('at most 7 slashes'),
    ])
  })

  it('reports a fault of its surroundings as rule.failed', () => {
    const rule = compileRule("SELECT newuuid() AS id FROM 't'")
    const broken = (): string => {
      throw new TypeError('no entropy')
    }
    expect(() => rule.evaluate(message({}, { newId: broken }))).toThrow(
      expect.objectContaining({ code: 'rule.failed', cause: expect.any(TypeError) }),
    )
  })

  it('prints the place of a fault with a caret, also in a long line', () => {
    const caretOf = (sql: string): string => {
      try {
        compileRule(sql)
      } catch (error) {
        if (error instanceof Error) return error.message
      }
      return ''
    }
    expect(caretOf("SELECT a,\n  b c\nFROM 't'")).toBe(
      'expected ",", FROM, WHERE or the end of the statement, found "c" (line 2, column 5)\n2 |   b c\n  |     ^',
    )
    const long = caretOf(`SELECT ${'a, '.repeat(100)}? FROM 't'`)
    const [, line = '', marker = ''] = long.split('\n')
    expect(line[marker.indexOf('^')]).toBe('?')
    expect(line.length).toBeLessThan(110)
  })

  it('keeps random numbers and ids out of reach without a source', () => {
    const rule = compileRule("SELECT rand() AS r, newuuid() AS u FROM 't'")
    expect(rule.evaluate(message({}))).toHaveProperty('value', {})
    expect(rule.evaluate(message({}, { random: () => 0.5, newId: () => 'id-1' }))).toHaveProperty(
      'value',
      { r: 0.5, u: 'id-1' },
    )
  })
})

describe('compileExpression', () => {
  it('gives any value, or undefined', () => {
    const evaluate = (text: string, body: Json): Json | undefined =>
      compileExpression(text).evaluate(message(body))
    expect(evaluate('temperature > 80', { temperature: 81 })).toBe(true)
    expect(evaluate('temperature > 80', {})).toBeUndefined()
    expect(evaluate('(SELECT VALUE v FROM list)', { list: [{ v: 1 }] })).toEqual([1])
    expect(evaluate('0.1 + 0.2', {})).toBe(0.3)
    expect(evaluate("'1' / 3", {})).toBe(1 / 3)
    expect(evaluate('*', { a: 1 })).toEqual({ a: 1 })
  })

  it('refuses statements and what stands after the expression', () => {
    expect(() => compileExpression("SELECT * FROM 't'")).toThrow(
      expect.objectContaining({ code: 'rule.syntax' }),
    )
    expect(() => compileExpression('a > 1 b')).toThrow(
      expect.objectContaining({ code: 'rule.syntax', position: { line: 1, column: 7 } }),
    )
  })
})

describe('lookups', () => {
  const rule = compileRule(
    "SELECT get_thing_shadow(owner, 'role').state.reported.site AS site, lookup('sites', get_thing_shadow(owner, 'role').state.reported.site).name AS name FROM 't' WHERE lookup('active', owner).on",
  )
  const store: Readonly<Record<string, Json>> = {
    '["lookup",["active","d1"]]': { on: true },
    '["get_thing_shadow",["d1","role"]]': { state: { reported: { site: 7 } } },
    '["lookup",["sites",7]]': { name: 'North' },
  }

  it('are asked until all answers are there, each once', () => {
    const answers = new Map<string, LookupAnswer>()
    const find = (request: LookupRequest): LookupAnswer | undefined =>
      answers.get(JSON.stringify([request.function, request.args]))
    const asked: string[][] = []
    for (let round = 0; round < 10; round += 1) {
      const requests = rule.lookups(message({ owner: 'd1' }, { lookups: { find } }))
      if (requests.length === 0) break
      const keys = requests.map((request) => JSON.stringify([request.function, request.args]))
      for (const key of keys) answers.set(key, { value: store[key] })
      asked.push(keys)
    }
    expect(asked).toEqual(Object.keys(store).map((key) => [key]))
    expect(rule.evaluate(message({ owner: 'd1' }, { lookups: { find } }))).toHaveProperty('value', {
      site: 7,
      name: 'North',
    })
  })

  it('are not asked by rules without them, nor with Undefined arguments', () => {
    expect(compileRule("SELECT * FROM 't'").asks).toBe(false)
    expect(compileRule("SELECT * FROM 't'").lookups(message({}))).toEqual([])
    expect(rule.asks).toBe(true)
    expect(rule.lookups(message({}))).toEqual([])
  })
})

describe('lookups of expressions and templates', () => {
  it('are told as those of rules', () => {
    const request = { function: 'lookup', args: ['limits', 'd1'] }
    const find = (): LookupAnswer => ({ value: { max: 5 } })
    const condition = compileExpression("temp > lookup('limits', id).max")
    expect(condition.asks).toBe(true)
    expect(condition.lookups(message({ id: 'd1' }))).toEqual([request])
    expect(condition.lookups(message({ id: 'd1' }, { lookups: { find } }))).toEqual([])
    expect(condition.evaluate(message({ id: 'd1', temp: 6 }, { lookups: { find } }))).toBe(true)
    expect(compileExpression('temp > 5').lookups(message({}))).toEqual([])

    const rule = compileRule("SET @max = lookup('limits', id).max SELECT * FROM 't'")
    const template = compileTemplate('over ${@max}', { rule })
    expect(template.asks).toBe(true)
    expect(template.lookups(message({ id: 'd1' }))).toEqual([request])
    expect(template.render(message({ id: 'd1' }, { lookups: { find } }))).toBe('over 5')
    expect(compileTemplate('${a}').asks).toBe(false)
    expect(compileTemplate('a').lookups(message({}))).toEqual([])
  })
})

describe('createRuleSet', () => {
  it('gives the rules of a topic in their order, again and again', () => {
    const filters = ['a/+', 'a/b', '#', 'a/#', 'b/c', '+/b']
    const entries = filters.map((filter) => ({
      filter,
      rule: compileRule(`SELECT * FROM '${filter}'`),
    }))
    const set = createRuleSet(entries)
    expect(set.size).toBe(6)
    for (let round = 0; round < 2; round += 1) {
      expect(set.match('a/b').map(({ filter }) => filter)).toEqual([
        'a/+',
        'a/b',
        '#',
        'a/#',
        '+/b',
      ])
      expect(set.match('b/c').map(({ filter }) => filter)).toEqual(['#', 'b/c'])
      expect(set.match('$aws/things/x')).toEqual([])
    }
  })

  it('stays right when more topics come than it keeps', () => {
    const set = createRuleSet([{ rule: compileRule("SELECT * FROM 'a/+/x'") }])
    for (let round = 0; round < 2; round += 1) {
      for (let device = 0; device < 12_000; device += 1) {
        if (set.match(`a/${device}/x`).length !== 1 || set.match(`a/${device}/y`).length !== 0) {
          expect.fail(`a/${device}`)
        }
      }
    }
    expect(set.match('a/0/x')).toHaveLength(1)
  })

  it('leaves out rules without FROM', () => {
    expect(createRuleSet([{ rule: compileRule('SELECT a') }]).match('t')).toEqual([])
  })
})

describe('checkTopicFilter', () => {
  it('accepts filters and names what is wrong with others', () => {
    for (const filter of ['#', '+', 'a/+/b/#', '/', '$aws/+/x'])
      expect(() => checkTopicFilter(filter)).not.toThrow()
    for (const filter of ['', 'a#', '#/a', 'a/b+', 'a\0b', 'x'.repeat(70_000)]) {
      expect(() => checkTopicFilter(filter)).toThrow(
        expect.objectContaining({ code: 'rule.topic_filter' }),
      )
    }
  })
})

describe('the function table', () => {
  it('has every function of the AWS reference but the one that was closed', () => {
    const missing = ['cast', 'machinelearning_predict']
    const reference =
      'abs accountid acos asin atan atan2 aws_lambda bitand bitor bitxor bitnot cast ceil chr clientid concat cos cosh decode encode endswith exp floor get get_dynamodb get_mqtt_property get_or_default get_registry_data get_secret get_thing_shadow get_user_properties md2 md5 sha1 sha224 sha256 sha384 sha512 indexof isNull isUndefined length ln log lower lpad ltrim machinelearning_predict mod nanvl newuuid numbytes parse_time power principal rand regexp_matches regexp_replace regexp_substr remainder replace rpad round rtrim sign sin sinh sourceip substring sql_version sqrt startswith tan tanh time_to_epoch timestamp topic traceid transform trim trunc upper'.split(
        ' ',
      )
    expect(reference).toHaveLength(82)
    expect(reference.filter((name) => !FUNCTIONS.has(name.toLowerCase()))).toEqual(missing)
  })

  it('documents each with a signature, a sentence, an example and a source', () => {
    for (const { name, signature, doc, example, source } of FUNCTIONS.values()) {
      expect(signature.toLowerCase()).toContain(`${name}(`)
      expect(doc).toMatch(/^.+\.$/)
      expect(example.toLowerCase()).toContain(`${name}(`)
      expect(source).not.toBe('')
    }
  })

  it('gives what its examples say', () => {
    const checked: string[] = []
    for (const { name, example } of FUNCTIONS.values()) {
      const [call = '', result] = example.split(' = ')
      if (
        result === undefined ||
        /…|\.\.\.| on |rand|newuuid|traceid|accountid|clientid|principal|sourceip|timestamp|get_mqtt|get_user/.test(
          example,
        )
      )
        continue
      const value = compileExpression(call).evaluate(message({}))
      expect({ call, value }).toEqual({
        call,
        value: compileExpression(result).evaluate(message({})),
      })
      checked.push(name)
    }
    expect(checked.length).toBeGreaterThan(60)
  })
})
