import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileByteFilter, compileRule, type RuleMessage } from '../../../core/rules/index.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The slow path: parses the message with all its digits, and asks the rule. */
function matches(sql: string, text: string): boolean {
  const rule = compileRule(sql)
  const facts = { topic: 'a', nowMs: 7 }
  let message: RuleMessage
  try {
    const plain = text.startsWith('\ufeff') ? text.slice(1) : text
    message = { body: JSON.parse(plain), rawText: plain, bytes: bytesOf(text), facts }
  } catch {
    message = { body: undefined, bytes: bytesOf(text), facts }
  }
  return rule.evaluate(message).status === 'output'
}

function filterOf(where: string) {
  const filter = compileByteFilter(compileRule(`SELECT * FROM 'a' WHERE ${where}`))
  if (filter === undefined) throw new Error(`no filter for ${where}`)
  return (text: string): boolean => filter(bytesOf(text))
}

const keys = ['t', 'temp', 'a', 'ü', 'temp2']
const comparison = fc.oneof(
  fc.tuple(
    fc.constantFrom('=', '<', '<=', '>', '>='),
    fc.constantFrom('0', '5', '-5', '21.5', '1E3', '100000000000000000000'),
  ),
  fc.tuple(
    fc.constant('='),
    fc.constantFrom("'on'", "'5'", "'ü'", "'a\"b'", "''", 'true', 'false'),
  ),
  fc.tuple(fc.constantFrom('<', '>='), fc.constantFrom("'on'", "'5'", 'true')),
)
const where = fc
  .tuple(
    fc.oneof(
      fc.constantFrom(...keys),
      fc.tuple(fc.constantFrom(...keys), fc.constantFrom(...keys)).map((path) => path.join('.')),
    ),
    comparison,
    fc.constantFrom(
      '',
      '',
      '',
      '',
      ' AND temp > 1',
      " AND NOT a = 'x'",
      ' AND missing = 1',
      ' OR a = 5',
    ),
    fc.boolean(),
  )
  .map(([path, [sign, literal], more, flipped]) =>
    flipped ? `${literal} ${sign} ${path}${more}` : `${path} ${sign} ${literal}${more}`,
  )

const space = fc.constantFrom('', '', '', ' ', '\n\t', '\r\n ')
const number = fc.oneof(
  fc.constantFrom(
    '0',
    '-0',
    '5',
    '5.0',
    '-5',
    '5e0',
    '5E+0',
    '0.5e1',
    '21.5',
    '21.50',
    '215e-1',
    '1000',
    '1e3',
    '4.9999999999999999',
    '5.0000000000000001',
    '100000000000000000000',
    '100000000000000000001',
    '1e-400',
    '1e400',
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.integer({ min: -10, max: 10 }).map(String),
)
const text = fc.constantFrom(
  '"on"',
  '"5"',
  '"5.0"',
  '""',
  '"ü"',
  '"\\u006fn"',
  '"a\\"b"',
  '"temp"',
  '"\\"temp\\":5"',
  '"{temp:5}"',
  '"x"',
)
const name = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom('"temp"', '"t"', '"a"', '"ü"', '"temp2"') },
  { weight: 5, arbitrary: fc.constantFrom('"\\u0074emp"', '"tem"', '"temp "', '"\\"temp"') },
  { weight: 1, arbitrary: fc.constant('"te\\mp"') },
)
const json = fc.letrec<{ value: string; object: string }>((tie) => ({
  object: fc
    .array(fc.tuple(space, name, space, space, tie('value'), space), {
      minLength: 1,
      maxLength: 5,
      size: 'medium',
    })
    .map(
      (members) =>
        `{${members.map(([a, key, b, c, value, d]) => `${a}${key}${b}:${c}${value}${d}`).join(',')}}`,
    ),
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    number,
    text,
    fc.constantFrom('true', 'false', 'null', '[]', '[5,"temp",{"temp":5}]'),
    tie('object'),
  ),
})).object
/** JSON, and what looks like it. */
const payload = fc.oneof(
  { weight: 8, arbitrary: json },
  { weight: 1, arbitrary: json.map((whole) => `\ufeff${whole}`) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(json, fc.nat(), fc.constantFrom('', '"', ':', '5', '\\', '}'))
      .map(([whole, at, put]) => {
        const cut = at % (whole.length + 1)
        return whole.slice(0, cut) + put + whole.slice(cut + 1)
      }),
  },
  { weight: 1, arbitrary: fc.string() },
)

describe('a byte filter', () => {
  it('never drops a message that the rule matches', () => {
    let dropped = 0
    let matched = 0
    fc.assert(
      fc.property(
        where,
        fc.array(payload, { minLength: 5, maxLength: 10 }),
        (condition, payloads) => {
          const sql = `SELECT * FROM 'a' WHERE ${condition}`
          const filter = compileByteFilter(compileRule(sql))
          if (filter === undefined) return
          for (const each of payloads) {
            const isMatch = matches(sql, each)
            const isDropped = filter(bytesOf(each))
            if (isMatch) matched++
            if (isDropped) dropped++
            if (isMatch && isDropped) expect.fail(`${condition} drops ${JSON.stringify(each)}`)
          }
        },
      ),
      { numRuns: 4_000 },
    )
    expect(dropped).toBeGreaterThan(1_000)
    expect(matched).toBeGreaterThan(100)
  }, 60_000)

  it.each([
    ['temp > 30', '{"temp":21.5,"site":"temp"}'],
    ['temp > 30', '{"a":{"temp":1},"temp":29.999999}'],
    ['temp > 30', '{"site":"north"}'],
    ['temp > 30', '{"temp" : true}'],
    ['temp > 30', '{"temp":{"value":40}}'],
    ['temp > 30', 'no JSON'],
    ["site = 'north'", '{"site":"northern"}'],
    ["site = 'north'", '{"site":5}'],
    ['site.door = true', '{"site":{"door":false}}'],
    ['temp = 5', '{"temp":"5"}'],
  ])('proves that %s is not true of %s', (condition, payloadText) => {
    expect(filterOf(condition)(payloadText)).toBe(true)
    expect(matches(`SELECT * FROM 'a' WHERE ${condition}`, payloadText)).toBe(false)
  })

  it.each([
    ['temp > 30', '{"temp":1,"temp":31}'],
    ['temp > 30', '{"temp":31,"temp":1}'],
    ['temp > 30', '{"a":{"temp":31}}'],
    ['temp > 30', '{"t\\u0065mp":31}'],
    ['temp > 30', '{"temp":"31"}'],
    ['temp > 30', '{"temp":3.1e1}'],
    ['temp > 30', '{"temp":30.0000000000000001}'],
    ["site = 'n'", '{"site":"\\u006e"}'],
  ])('leaves to the rule whether %s is true of %s', (condition, payloadText) => {
    expect(filterOf(condition)(payloadText)).toBe(false)
  })

  it.each([
    'temp <> 5',
    'temp > 5 OR a = 1',
    'abs(temp) > 5',
    'temp > a',
    "get(*, 'a\"b') = 5",
    "site = '\ufffd'",
  ])('is not made for %s', (condition) => {
    expect(compileByteFilter(compileRule(`SELECT * FROM 'a' WHERE ${condition}`))).toBeUndefined()
  })

  it('is not made for a rule without WHERE', () => {
    expect(compileByteFilter(compileRule("SELECT * FROM 'a'"))).toBeUndefined()
  })
})
