import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../../core/index.ts'
import { faultOf, fuzz, openWith, SEEDED } from './vendor-kit.ts'

const FACTS = { receivedAt: 0 }

function decode(codec: string, text: string, options: object = {}): Json {
  return openWith(codec, options).decode(new TextEncoder().encode(text), FACTS).value
}

function encode(codec: string, value: Json, options: object = {}): string {
  return Buffer.from(openWith(codec, options).encode!(value, FACTS).bytes).toString()
}

interface Read {
  readonly text: string
  readonly value: Json
  readonly options?: object
}

interface Bad {
  readonly text: string
  readonly code: string
  readonly offset: number
  readonly options?: object
}

/** Whole numbers beyond 2^53 are not among them: their digits stay a text. */
const SCALAR = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true, max: 2 ** 53 - 1, min: 1 - 2 ** 53 }),
  fc.boolean(),
  fc.string(),
  fc.constantFrom('', ' x', 'a,b', 'a;b', 'a"b', '12', 'true', '007', '1,5', 'a\nb', 'a=b'),
)

/** Cells have no word for null, and none for the sign of zero. */
function asJson(value: object): Json {
  return JSON.parse(JSON.stringify(value))
}

describe('csv', () => {
  const read: readonly Read[] = [
    { text: '21.5,40,on', value: { c1: 21.5, c2: 40, c3: 'on' } },
    { text: '21.5,40\n', value: { c1: 21.5, c2: 40 } },
    {
      text: 't,h\r\n1,2\r\n3,4\r\n',
      value: [
        { t: 1, h: 2 },
        { t: 3, h: 4 },
      ],
      options: { header: true },
    },
    {
      text: '1;2,5',
      value: { a: 1, b: 2.5 },
      options: { separator: ';', decimal: ',', columns: ['a', 'b'] },
    },
    { text: '1,x,3', value: { a: 1, c: 3 }, options: { columns: ['a', '', 'c'] } },
    { text: 'a,b\n1,2', value: { x: 1, y: 2 }, options: { header: true, columns: ['x', 'y'] } },
    { text: '# log\n1', value: { c1: 1 }, options: { skipLines: 1 } },
    { text: '"a,b","1","say ""hi"""', value: { c1: 'a,b', c2: '1', c3: 'say "hi"' } },
    { text: ' "a" , 5 ', value: { c1: 'a', c2: 5 } },
    { text: '"two\nlines",1', value: { c1: 'two\nlines', c2: 1 } },
    { text: '\ufeff1,2', value: { c1: 1, c2: 2 } },
    {
      text: '007,true,FALSE,,-,1e3,12345678901234567890',
      value: {
        c1: '007',
        c2: true,
        c3: false,
        c4: null,
        c5: '-',
        c6: 1_000,
        c7: '12345678901234567890',
      },
    },
    {
      text: '007,nan,yes,0',
      value: { c1: 7, c2: null, c3: true, c4: false },
      options: { types: { c1: 'number', c2: 'number', c3: 'boolean', c4: 'boolean' } },
    },
    { text: '5,"6"', value: { c1: '5', c2: 6 }, options: { types: { c1: 'text', c2: 'number' } } },
    { text: '1\t2', value: { c1: 1, c2: 2 }, options: { separator: '\t' } },
    { text: 'it\'s,5"', value: { c1: "it's", c2: '5"' }, options: { quote: '' } },
    { text: '__proto__\n1', value: JSON.parse('{"__proto__":1}'), options: { header: true } },
  ]

  it.each(read)('reads $text as $value', ({ text, value, options }) => {
    expect(decode('csv', text, options)).toEqual(value)
  })

  it('makes a message of each line', () => {
    const codec = openWith('csv')
    expect(codec.split!(decode('csv', '1\n2'))).toEqual([{ body: { c1: 1 } }, { body: { c1: 2 } }])
    expect(codec.split!(decode('csv', '1'))).toEqual([{ body: { c1: 1 } }])
  })

  const bad: readonly Bad[] = [
    { text: '', code: 'codec.truncated', offset: 0 },
    { text: 'a,b\n', code: 'codec.truncated', offset: 4, options: { header: true } },
    { text: '1,2\n3', code: 'codec.malformed', offset: 4, options: { columns: ['a', 'b'] } },
    { text: '1,2,3', code: 'codec.malformed', offset: 0, options: { columns: ['a', 'b'] } },
    { text: 'ü,"b', code: 'codec.malformed', offset: 3 },
    { text: '"a"b', code: 'codec.malformed', offset: 3 },
    { text: 'a,a\n1,2', code: 'codec.duplicate_key', offset: 0, options: { header: true } },
    { text: '1,x', code: 'codec.wrong_type', offset: 2, options: { types: { c2: 'number' } } },
    { text: 'maybe', code: 'codec.wrong_type', offset: 0, options: { types: { c1: 'boolean' } } },
  ]

  it.each(bad)('refuses $text: $code at byte $offset', ({ text, code, offset, options }) => {
    expect(faultOf(() => decode('csv', text, options))).toMatchObject({ code, offset })
  })

  it('refuses lines of more values than an object is quick to hold', () => {
    const wide = (count: number): string => Array.from({ length: count }, () => '1').join(',')
    expect(Object.keys(decode('csv', wide(65_536)) ?? {})).toHaveLength(65_536)
    expect(faultOf(() => decode('csv', wide(65_537)))).toMatchObject({
      code: 'codec.too_large',
      offset: 131_072,
    })
  })

  it.each([1, [1], { a: [] }, []])('refuses to encode %j', (value) => {
    expect(faultOf(() => encode('csv', value)).code).toBe('codec.wrong_type')
  })

  it('refuses marks that hold each other', () => {
    for (const options of [{ decimal: ',' }, { separator: '"' }, { separator: '.' }])
      expect(faultOf(() => openWith('csv', options)).code).toBe('codec.bad_options')
    for (const options of [{ separator: '=' }, { equals: ';;' }, { separator: ',', decimal: ',' }])
      expect(faultOf(() => openWith('key-value', options)).code).toBe('codec.bad_options')
  })

  it('writes rows under a header', () => {
    const rows = [
      { t: 1.5, s: 'a;b' },
      { t: 2, s: 'say "hi"' },
    ]
    const options = { header: true, separator: ';', decimal: ',' }
    expect(encode('csv', rows, options)).toBe('t;s\n1,5;"a;b"\n2;"say ""hi"""')
  })

  it('gives back what was encoded', () => {
    const row = fc.record({ a: SCALAR, b: SCALAR })
    const separator = fc.constantFrom(',', ';', '\t', '||')
    const options = fc
      .record({ separator, decimal: fc.constantFrom('.', ','), header: fc.boolean() })
      .filter((given) => given.separator !== given.decimal)
    fc.assert(
      fc.property(fc.array(row, { minLength: 2, maxLength: 4 }), options, (rows, given) => {
        const all = given.header ? given : { ...given, columns: ['a', 'b'] }
        expect(decode('csv', encode('csv', asJson(rows), all), all)).toEqual(asJson(rows))
      }),
      SEEDED,
    )
  })

  it('withstands 100,000 inputs', () => {
    const seeds = read.map(({ text }) => new TextEncoder().encode(text))
    const { decoded, refused } = fuzz(openWith('csv'), seeds)
    expect(decoded + refused).toBe(100_000)
    expect(Math.min(decoded, refused)).toBeGreaterThan(2_000)
  })
})

describe('key-value', () => {
  const read: readonly Read[] = [
    { text: 't=21.5;h=40;state=on', value: { t: 21.5, h: 40, state: 'on' } },
    { text: ' t = 1 ; h = 2 ;\n', value: { t: 1, h: 2 } },
    { text: 'a=1\nb=2\r\n\r\nc=3', value: [{ a: 1 }, { b: 2 }, { c: 3 }] },
    { text: 'a:1&b:2', value: { a: 1, b: 2 }, options: { separator: '&', equals: ':' } },
    { text: 'a=1\nb=2', value: { a: 1, b: 2 }, options: { separator: '\n' } },
    { text: 'a=1,5', value: { a: 1.5 }, options: { decimal: ',' } },
    { text: 'a="x;y";b="1";c="say ""hi"""', value: { a: 'x;y', b: '1', c: 'say "hi"' } },
    { text: 'a=b=c;d=', value: { a: 'b=c', d: null } },
    { text: 'a=007;b=7', value: { a: 7, b: '7' }, options: { types: { a: 'number', b: 'text' } } },
    { text: '__proto__=1', value: JSON.parse('{"__proto__":1}') },
  ]

  it.each(read)('reads $text as $value', ({ text, value, options }) => {
    expect(decode('key-value', text, options)).toEqual(value)
  })

  const bad: readonly Bad[] = [
    { text: '', code: 'codec.truncated', offset: 0 },
    { text: ' ; ;\n', code: 'codec.truncated', offset: 5 },
    { text: 'a=1;b', code: 'codec.malformed', offset: 4 },
    { text: 'ü=1;=2', code: 'codec.malformed', offset: 5 },
    { text: 'a="x;b=1', code: 'codec.malformed', offset: 2 },
    { text: 'a=1;a=2', code: 'codec.duplicate_key', offset: 4 },
    { text: 'a=x', code: 'codec.wrong_type', offset: 2, options: { types: { a: 'number' } } },
  ]

  it.each(bad)('refuses $text: $code at byte $offset', ({ text, code, offset, options }) => {
    expect(faultOf(() => decode('key-value', text, options))).toMatchObject({ code, offset })
  })

  it('refuses lines of more values than an object is quick to hold', () => {
    const wide = (count: number): string =>
      Array.from({ length: count }, (_, index) => `${index}=1`).join(';')
    expect(Object.keys(decode('key-value', wide(65_536)) ?? {})).toHaveLength(65_536)
    expect(faultOf(() => decode('key-value', wide(65_537))).code).toBe('codec.too_large')
    expect(decode('key-value', `${wide(40_000)}\n${wide(40_000)}`)).toHaveLength(2)
  })

  it.each([1, {}, { a: {} }, { 'a;b': 1 }, { 'a=b': 1 }])('refuses to encode %j', (value) => {
    expect(faultOf(() => encode('key-value', value)).code).toBe('codec.wrong_type')
  })

  it('gives back what was encoded', () => {
    const options = fc.constantFrom({}, { decimal: ',' }, { separator: '\n' })
    fc.assert(
      fc.property(fc.record({ a: SCALAR, b: SCALAR }), options, (value, given) => {
        const text = encode('key-value', asJson(value), given)
        expect(decode('key-value', text, given)).toEqual(asJson(value))
      }),
      SEEDED,
    )
  })

  it('withstands 100,000 inputs', () => {
    const seeds = read.map(({ text }) => new TextEncoder().encode(text))
    const { decoded, refused } = fuzz(openWith('key-value'), seeds)
    expect(decoded + refused).toBe(100_000)
    expect(Math.min(decoded, refused)).toBeGreaterThan(2_000)
  })
})

describe('number', () => {
  const read: readonly Read[] = [
    { text: '21.5', value: { value: 21.5 } },
    { text: ' -3\r\n', value: { value: -3 } },
    { text: '+1.5e3', value: { value: 1_500 } },
    { text: '21,5', value: { temp: 21.5 }, options: { decimal: ',', name: 'temp' } },
    { text: 'on', value: { value: 'on' } },
    { text: 'on', value: { value: true }, options: { words: { on: true, off: false } } },
    { text: 'NaN', value: { value: 'NaN' } },
    { text: '1e999', value: { value: '1e999' } },
    { text: '0x10', value: { value: '0x10' } },
  ]

  it.each(read)('reads $text as $value', ({ text, value, options }) => {
    expect(decode('number', text, options)).toEqual(value)
    expect(decode('number', encode('number', value, options), options)).toEqual(value)
  })

  it.each([
    { text: ' ', code: 'codec.truncated' },
    { text: '21.5 Cel', code: 'codec.malformed' },
    { text: 'x'.repeat(65), code: 'codec.malformed' },
  ])('refuses $text: $code', ({ text, code }) => {
    expect(faultOf(() => decode('number', text))).toMatchObject({ code, offset: 0 })
  })

  it.each([null, {}, { other: 1 }, { value: {} }])('refuses to encode %j', (value) => {
    expect(faultOf(() => encode('number', value)).code).toBe('codec.wrong_type')
  })

  it('withstands 100,000 inputs', () => {
    const seeds = read.map(({ text }) => new TextEncoder().encode(text))
    const { decoded, refused } = fuzz(openWith('number'), seeds)
    expect(decoded + refused).toBe(100_000)
    expect(Math.min(decoded, refused)).toBeGreaterThan(2_000)
  })
})

describe('text', () => {
  it('keeps a text', () => {
    expect(decode('text', ' hällo\n')).toEqual({ text: ' hällo\n' })
    expect(decode('text', ' hi\n', { trim: true, name: 'note' })).toEqual({ note: 'hi' })
    expect(encode('text', { text: 'hi' })).toBe('hi')
    expect(encode('text', 'hi')).toBe('hi')
  })

  it('refuses bytes that are no UTF-8', () => {
    const bytes = Uint8Array.from([0x61, 0xff])
    expect(faultOf(() => openWith('text').decode(bytes, FACTS))).toMatchObject({
      code: 'codec.malformed',
      offset: 1,
    })
    expect(faultOf(() => encode('text', 5)).code).toBe('codec.wrong_type')
  })
})

describe('fields of json', () => {
  const message = {
    id: 'x',
    data: [
      { t: 21.5, at: 1 },
      { t: 22, at: 2, 'a/b': 3 },
    ],
  }
  const text = JSON.stringify(message)

  it('picks telemetry by pointers', () => {
    const fields = { temperature: '/data/0/t', device: '/id', missing: '/nowhere' }
    expect(decode('json', text, { fields })).toEqual({ temperature: 21.5, device: 'x' })
    expect(openWith('json', { fields }).split).toBeUndefined()
  })

  it('makes a message of each item of an array', () => {
    const options = {
      each: '/data',
      fields: { temp: '/t', ab: '/a~1b' },
      shared: { device: '/id' },
    }
    const value = decode('json', text, options)
    expect(value).toEqual([
      { device: 'x', temp: 21.5 },
      { device: 'x', temp: 22, ab: 3 },
    ])
    expect(openWith('json', options).split!(value)).toEqual([
      { body: { device: 'x', temp: 21.5 } },
      { body: { device: 'x', temp: 22, ab: 3 } },
    ])
    expect(decode('json', text, { each: '/data' })).toEqual(message.data)
    expect(decode('json', '[{"a":1}]', { each: '', shared: { all: '/0/a' } })).toEqual([
      { all: 1, a: 1 },
    ])
  })

  it('refuses what has no array there', () => {
    expect(faultOf(() => decode('json', text, { each: '/id' })).code).toBe('codec.wrong_type')
    expect(faultOf(() => decode('json', text, { each: '/none' })).message).toContain('at /none')
  })

  it('says at which byte a text stops to be JSON', () => {
    expect(faultOf(() => decode('json', '{"ä":nope}')).offset).toBe(6)
    expect(faultOf(() => decode('json', '{"a":')).offset).toBe(5)
    expect(faultOf(() => decode('json', '')).offset).toBe(0)
    const bytes = Uint8Array.from([0x22, 0xff, 0x22])
    expect(faultOf(() => openWith('json').decode(bytes, FACTS)).offset).toBe(1)
  })
})
