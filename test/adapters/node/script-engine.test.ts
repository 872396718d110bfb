import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { meterModule } from '../../../adapters/node/script/meter.ts'
import { EXPORTS, METER_TARGET, QUICKJS_PACKAGE } from '../../../adapters/node/script/quickjs.ts'
import { createScriptEngine } from '../../../adapters/node/script-engine.ts'
import { CoreError, type Json } from '../../../core/index.ts'

const LIMITS = { timeMs: 1_000, memoryBytes: 8_388_608, outputBytes: 65_536 }
const NAMES = ['run', 'other']

const engine = createScriptEngine()

/** What a function body returns inside. */
function evaluate(body: string, args: readonly Json[] = [], now = 0): Json | undefined {
  return engine.open(`function run(a) { ${body} }`, NAMES, LIMITS).call('run', args, now).value
}

function faultOf(run: () => unknown): CoreError {
  try {
    run()
  } catch (error) {
    if (error instanceof CoreError) return error
    throw error
  }
  throw new Error('expected an error')
}

describe('createScriptEngine', () => {
  it.each([
    ['a function', 'function run() { return 1 }'],
    [
      'a function in strict mode',
      '"use strict"\nfunction run() { return this === undefined ? 1 : 2 }',
    ],
    ['var', 'var run = function () { return 1 }'],
    ['let', 'let run = function run() { return 1 }'],
    ['const and an arrow', 'const run = () => 1'],
    ['an async looking name', 'const async = 1; function run() { return async }'],
    ['a property of the global object', 'globalThis.run = () => 1'],
    ['this', 'this.run = function () { return 1 }'],
    ['a function in an IIFE', '(function (root) { root.run = function () { return 1 } })(this)'],
    ['exports', 'exports.run = function () { return 1 }'],
    ['module.exports', 'module.exports = { run: () => 1 }'],
    ['module.exports of a method', 'module.exports = { one: 1, run() { return this.one } }'],
    ['module.exports as one function', 'module.exports = function run() { return 1 }'],
    [
      'a guard for Node',
      'function run() { return 1 }\nif (typeof module !== "undefined") module.exports = { run }',
    ],
    [
      'a bundle',
      '(function (e, t) { typeof exports === "object" && typeof module !== "undefined" ? t(exports) : t(e.x = {}) })(this, function (e) { e.run = function () { return 1 } })',
    ],
    ['export function', 'export function run() { return 1 }'],
    ['export const', 'const one = 1\nexport const run = () => one'],
    ['export of a list', 'function f() { return 1 }\nexport { f as run }'],
    ['export default of an object', 'export default { run() { return 1 } }'],
    ['export default of a function', 'export default function run() { return 1 }'],
    ['a byte order mark', '\uFEFFfunction run() { return 1 }'],
    ['carriage returns', 'function run() {\r\n  return 1\r\n}\r\n'],
    [
      'comments for linters',
      '/* jshint esversion: 6 */ /* eslint-disable */ // @ts-check\nfunction run() { return 1 }',
    ],
    ['HTML comments', '<!-- old\nfunction run() { return 1 }\n--> older'],
    ['sloppy code', 'x = 010; function run(a, a) { with ({ y: x }) { return y - 7 } }'],
    [
      'a function that is declared twice',
      'function run() { return 2 }\nfunction run() { return 1 }',
    ],
    [
      'names of ours',
      'var Buffer, console, module, exports; const require = 1; function run() { return 1 }',
    ],
    [
      'a frozen language',
      'Object.freeze(Object.prototype); Object.freeze(Array.prototype); function run() { return 1 }',
    ],
    [
      'a changed language',
      'JSON.stringify = JSON.parse = () => 3; Object.keys = null; Array.isArray = null; function run() { return 1 }',
    ],
  ])('%s', (_name, source) => {
    const script = engine.open(source, NAMES, LIMITS)
    expect(script.names).toEqual(['run'])
    expect(script.call('run', [], 0)).toEqual({ value: 1, warnings: [] })
  })

  it('tells which names are declared, in the order asked for', () => {
    expect(
      engine.open('function other() {} var run = () => {}; var x', NAMES, LIMITS).names,
    ).toEqual(NAMES)
    expect(engine.open('var run = 1; const other = {}', NAMES, LIMITS).names).toEqual([])
  })

  it.each([
    ['function run( {', 'the script: SyntaxError', 1],
    ['\n\nlet a = 1;\nlet a = 2', 'the script: SyntaxError', 4],
    ['\nthrow new TypeError("not today")', 'the script: TypeError: not today, at line 2', 2],
    ['\n\nfunction f() { throw "text" }\nf()', 'the script: text', undefined],
    ['var a\na.b.c()', "the script: TypeError: cannot read property 'b' of undefined", undefined],
    ['export const run = ;', 'the script: SyntaxError', 1],
    [
      'const lib = require("lodash"); function run() {}',
      "the script: Cannot find module 'lodash'",
      undefined,
    ],
  ])('%j is refused', (source, message, line) => {
    const error = faultOf(() => engine.open(source, NAMES, LIMITS))
    expect(error).toMatchObject({
      code: 'codec.script_failed',
      message: expect.stringContaining(message),
    })
    if (line !== undefined) expect(error.position?.line).toBe(line)
  })

  it.each([
    ['throw new Error("bad length")', 'run: bad length, at line 1'],
    ['throw new RangeError("bad length")', 'run: RangeError: bad length, at line 1'],
    ['throw "bad length"', 'run: bad length'],
    ['throw { name: "Mine", message: "bad length" }', 'run: Mine: bad length'],
    ['throw { code: 5 }', 'run: {"code":5}'],
    ['throw null', 'run: null'],
    ['throw undefined', 'run: undefined'],
    ['throw 5n', 'run: 5'],
    ['throw Symbol("s")', 'run: Symbol(s)'],
    ['nothing()', 'run: ReferenceError: nothing is not defined, at line 1'],
    ['return nothing', 'run: ReferenceError: nothing is not defined, in the function at line 1'],
    ['return Promise.resolve({})', 'run: expected run to return a value, found a promise'],
    ['const o = []; o[0] = o; return o', 'run: the result contains itself at [0]'],
  ])('%s', (body, message) => {
    expect(faultOf(() => evaluate(body))).toMatchObject({ code: 'codec.script_failed', message })
  })

  it('cuts what a script says', () => {
    expect(
      faultOf(() => evaluate('throw new Error("x".repeat(5000))')).message.length,
    ).toBeLessThan(1_100)
  })
})

describe('what comes out', () => {
  it.each([
    ['undefined', undefined],
    ['null', null],
    ['1.5', 1.5],
    ['-0', 0],
    ['"é€😀\\0\\ud800"', 'é€😀\0\ud800'],
    ['[1, [], {}]', [1, [], {}]],
    ['[undefined, () => 1, Symbol()]', [null, null, null]],
    ['[1, , 3]', [1, null, 3]],
    ['{ a: undefined, b: () => 1, c: Symbol(), d: null }', { d: null }],
    ['() => 1', undefined],
    ['new Date(0)', '1970-01-01T00:00:00.000Z'],
    ['12345678901234567890n', '12345678901234567890'],
    ['{ big: 2n ** 64n }', { big: '18446744073709551616' }],
    ['new Uint8Array([1, 2])', [1, 2]],
    ['{ a: new Float32Array([1.5]), b: new BigInt64Array([5n]) }', { a: [1.5], b: ['5'] }],
    ['Buffer.from([1, 2])', [1, 2]],
    ['{ b: Buffer.from("AQI=", "base64") }', { b: [1, 2] }],
    ['new Uint8Array([1, 2]).buffer', [1, 2]],
    ['new Map([[1, 2]])', {}],
    ['new Number(5)', 5],
    ['{ n: new Number(5), s: new String("x"), z: null }', { n: 5, s: 'x', z: null }],
    ['{ toJSON() { return { a: 1 } } }', { a: 1 }],
    ['{ x: null, toJSON() { return { a: 1, n: null } } }', { a: 1, n: null }],
    [
      'Object.create({ inherited: 1 }, { own: { value: 2, enumerable: true }, hidden: { value: 3 } })',
      { own: 2 },
    ],
    ['{ get a() { return 1 } }', { a: 1 }],
    ['new (class A { b = 1 })()', { b: 1 }],
    ['{ "0": 1, "1": 2 }', { 0: 1, 1: 2 }],
    ['{ type: "Buffer", data: "x" }', { type: 'Buffer', data: 'x' }],
    ['new Proxy({ a: 1 }, {})', { a: 1 }],
    ['1e21', 1e21],
    ['5e-324', 5e-324],
    ['0.1 + 0.2', 0.1 + 0.2],
  ])('%s', (expression, value) => {
    expect(evaluate(`return (${expression})`)).toEqual(value)
  })

  it('numbers that are none become null, and are told of', () => {
    const script = engine.open(
      'function run() { return { a: NaN, b: [1, Infinity], c: { d: -1 / 0 }, e: null, f: new Date(NaN) } }',
      NAMES,
      LIMITS,
    )
    expect(script.call('run', [], 0)).toEqual({
      value: { a: null, b: [1, null], c: { d: null }, e: null, f: null },
      warnings: [
        'a is NaN: JSON has no such value, it is null',
        'b[1] is Infinity: JSON has no such value, it is null',
        'c.d is -Infinity: JSON has no such value, it is null',
        'f is an invalid date: JSON has no such value, it is null',
      ],
    })
  })

  it('any JSON goes in and comes out as it was', () => {
    const script = engine.open('const run = (a) => a', NAMES, LIMITS)
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const plain: Json = JSON.parse(JSON.stringify(value))
        expect(script.call('run', [plain], 0)).toEqual({ value: plain, warnings: [] })
      }),
      { numRuns: 500, seed: 8 },
    )
  })

  it('is limited in length', () => {
    const script = engine.open('const run = (n) => "x".repeat(n)', NAMES, {
      ...LIMITS,
      outputBytes: 100,
    })
    expect(script.call('run', [80], 0).value).toHaveLength(80)
    expect(faultOf(() => script.call('run', [100], 0))).toMatchObject({
      code: 'codec.script_limit',
      message: 'run: a result of at most 100 characters, found 112',
    })
  })
})

describe('time and chance inside', () => {
  it('Date is the moment that the host says', () => {
    const now = Date.UTC(2026, 0, 2, 3, 4, 5, 678)
    expect(
      evaluate(
        'return [Date.now(), +new Date(), Date().slice(0, 24), performance.now() >= 0]',
        [],
        now,
      ),
    ).toEqual([now, now, 'Fri Jan 02 2026 03:04:05', true])
  })

  it('is the same throughout a call', () => {
    expect(
      evaluate('const t = Date.now(); for (let i = 0; i < 1e5; i++); return Date.now() - t', [], 5),
    ).toBe(0)
  })

  it('recvTime of an argument is a Date', () => {
    expect(
      evaluate('return [a.recvTime instanceof Date, a.recvTime.toISOString()]', [{ recvTime: 0 }]),
    ).toEqual([true, '1970-01-01T00:00:00.000Z'])
  })

  it.each(['en-US', 'en-GB', 'de-DE', 'sv-SE'])(
    'dates in the words of %s are those of Node',
    (locale) => {
      const times = [0, 1, 1e12, 1_617_580_800_000, 1_617_624_369_000, 4_102_444_799_999]
      const methods = ['toLocaleString', 'toLocaleDateString', 'toLocaleTimeString'] as const
      const zone = { timeZone: 'UTC' }
      expect(
        evaluate(
          `return a.times.map((t) => a.methods.map((m) => [new Date(t)[m](a.locale), a.locale === 'en-US' ? new Date(t)[m]() : '']))`,
          [{ times, methods, locale }],
        ),
      ).toEqual(
        times.map((time) =>
          methods.map((method) => {
            const text = new Date(time)[method](locale, zone)
            return [text, locale === 'en-US' ? text : '']
          }),
        ),
      )
      expect(evaluate('return new Date(NaN).toLocaleString()')).toBe('Invalid Date')
    },
  )

  it('numbers in the words of American English are those of Node', () => {
    const numbers = [
      0, -0, 0.5, 1, 12, 999, 1_000, -1_234.5, 1_234_567.8915, 1.0005, 2.5e-7, 0.0005, 1e21, 1e20,
      99.9995, 1.5e300,
    ]
    const digits = [
      undefined,
      { minimumFractionDigits: 2 },
      { maximumFractionDigits: 0 },
      { maximumFractionDigits: 1 },
    ]
    for (const options of digits)
      expect(
        evaluate('return a.numbers.map((n) => n.toLocaleString("en-US", a.options))', [
          { numbers: numbers.slice(2), ...(options === undefined ? {} : { options }) },
        ]),
      ).toEqual(numbers.slice(2).map((number) => number.toLocaleString('en-US', options)))
    expect(
      evaluate(
        'return [0, -0, NaN, 1 / 0, -1 / 0, 12345678901234567890n].map((n) => n.toLocaleString())',
      ),
    ).toEqual(
      [0, -0, Number.NaN, 1 / 0, -1 / 0, 12345678901234567890n].map((n) =>
        n.toLocaleString('en-US'),
      ),
    )
  })

  it.each([
    'new Date(2026, 0, 1).toISOString()',
    'new Date("2026-07-01T00:00").toISOString()',
    'new Date(0).getTimezoneOffset()',
    'new Date(1e12).getHours()',
    'String(new Date(0))',
  ])('local time is UTC: %s', (expression) => {
    expect(evaluate(`return ${expression}`)).toEqual(
      {
        'new Date(2026, 0, 1).toISOString()': '2026-01-01T00:00:00.000Z',
        'new Date("2026-07-01T00:00").toISOString()': '2026-07-01T00:00:00.000Z',
        'new Date(0).getTimezoneOffset()': 0,
        'new Date(1e12).getHours()': 1,
        'String(new Date(0))': 'Thu Jan 01 1970 00:00:00 GMT+0000',
      }[expression],
    )
  })

  it('Math.random gives the same numbers in each call, and in each engine', () => {
    const source = 'function run() { return [Math.random(), Math.random()] }'
    const script = engine.open(source, NAMES, LIMITS)
    const first = script.call('run', [], 0).value
    expect(script.call('run', [], 99).value).toEqual(first)
    expect(createScriptEngine().open(source, NAMES, LIMITS).call('run', [], 5).value).toEqual(first)
    expect(new Set(Array.isArray(first) ? first : []).size).toBe(2)
  })
})

describe('numbers inside', () => {
  const script = engine.open(
    'function run(list) { return list.map((one) => String(Math.pow(one[0], one[1]))) }',
    NAMES,
    LIMITS,
  )

  it('powers of ten are the numbers that they are written as', () => {
    const powers = Array.from({ length: 61 }, (_, index) => index - 30)
    expect(script.call('run', [powers.map((power) => [10, power])], 0).value).toEqual(
      powers.map((power) => String(Number(`1e${power}`))),
    )
  })

  it.each([
    [0, 0],
    [0, -1],
    [-2, 3],
    [-2, -3],
    [2, 1_023],
    [2, -1_074],
    [10, 308],
    [10, -308],
    [5, 1],
    [-8, 1 / 3],
    [-1, 1e9],
    [1e-200, 2],
    [1e200, 2],
  ])('Math.pow(%d, %d)', (base, power) => {
    expect(script.call('run', [[[base, power]]], 0).value).toEqual([String(base ** power)])
  })

  it('whole powers are those of this host, but for one in a thousand', () => {
    const pairs: [number, number][] = []
    let state = 7
    const next = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state / 2 ** 32
    }
    for (let count = 0; count < 2_000; count++)
      pairs.push([(next() - 0.3) * 300, Math.floor(next() * 24) - 12])
    const { value } = script.call('run', [pairs], 0)
    const inside = Array.isArray(value) ? value : []
    const different = pairs.filter(
      ([base, power], index) => inside[index] !== String(base ** power),
    )
    expect(inside).toHaveLength(2_000)
    expect(different.length).toBeLessThanOrEqual(2)
  })
})

describe('Buffer inside', () => {
  /** The same expression of `b`, inside and in Node. */
  const both = (expression: string, bytes: readonly number[]): readonly [unknown, unknown] => {
    const node = new Function('Buffer', 'b', `return ${expression}`)
    const plain = (value: unknown): Json =>
      JSON.parse(
        JSON.stringify(
          value instanceof Uint8Array
            ? [...value]
            : typeof value === 'bigint'
              ? String(value)
              : value,
        ),
      )
    return [
      evaluate(`const b = Buffer.from(a); return ${expression}`, [[...bytes]]),
      plain(node(Buffer, Buffer.from(bytes))),
    ]
  }

  it.each([
    'b.readUInt8(0)',
    'b.readInt8(3)',
    'b.readUInt16LE(1)',
    'b.readUInt16BE(1)',
    'b.readInt16LE(2)',
    'b.readInt16BE(2)',
    'b.readUInt32LE(0)',
    'b.readUInt32BE(4)',
    'b.readInt32LE(4)',
    'b.readInt32BE(0)',
    'b.readFloatLE(0)',
    'b.readFloatBE(4)',
    'b.readDoubleLE(0)',
    'b.readDoubleBE(0)',
    'b.readBigUInt64LE(0)',
    'b.readBigInt64BE(0)',
    'b.readUIntBE(1, 3)',
    'b.readUIntLE(1, 3)',
    'b.readIntBE(0, 6)',
    'b.readIntLE(0, 6)',
    'b.readUint16LE()',
    'b.toString("hex")',
    'b.toString("base64")',
    'b.toString("base64url")',
    'b.toString("ascii")',
    'b.toString("latin1")',
    'b.toString("utf8")',
    'b.toString()',
    'b.toString("hex", 2, 4)',
    'b.toString("utf16le")',
    'b.slice(2)',
    'b.slice(-3)',
    'b.slice(1, -1)',
    'b.slice(5, 2)',
    'b.subarray(2, 4)',
    'b.slice(0, 2).length',
    'b.length',
    'b.equals(Buffer.from(b))',
    'Buffer.concat([b, Buffer.from([1]), b]).length',
    'Buffer.concat([b, b], 3)',
    'Buffer.from("c0ffee", "hex")',
    'Buffer.from("c0ffe", "hex")',
    'Buffer.from("zz", "hex")',
    'Buffer.from("3q2+7w==", "base64")',
    'Buffer.from("3q2-7w", "base64")',
    'Buffer.from("grüße €😀")',
    'Buffer.from("grüße", "latin1")',
    'Buffer.from("é", "utf16le")',
    'Buffer.from([256, -1, 3.7])',
    'Buffer.from(new Uint8Array([1, 2]))',
    'Buffer.from(new Uint8Array([1, 2, 3]).buffer, 1)',
    'Buffer.alloc(3, 7)',
    'Buffer.alloc(5, "ab")',
    'Buffer.byteLength("€")',
    'Buffer.isBuffer(b)',
    'Buffer.isBuffer([])',
    'Buffer.compare(b, Buffer.from([0]))',
    'b.indexOf(3)',
    'b.indexOf(Buffer.from([2, 3]))',
    'b.includes(99)',
    'b.fill(1)',
    'b.fill("xyz")',
    'b.fill(9, 2, 4)',
    'b.writeUInt16BE(513, 2)',
    '(b.writeUInt16BE(513, 2), b)',
    '(b.writeInt32LE(-2, 0), b)',
    '(b.writeFloatBE(1.5, 0), b)',
    '(b.writeDoubleLE(1.5), b)',
    '(b.writeUIntBE(0x010203, 1, 3), b)',
    '(b.writeIntLE(-5, 1, 3), b)',
    '(b.writeInt8(-1, 7), b)',
    '(b.writeBigInt64LE(-5n, 0), b)',
    '(b.write("hi", 1), b)',
    'b.write("c0ff", "hex")',
    '(b.swap16(), b)',
    '(b.swap32(), b)',
    'b.copy(Buffer.alloc(3))',
    '[...b.entries()].length',
    'b.map((x) => x * 2)',
    'Array.from(b.values())',
    'b.reverse()',
    'new Buffer([1, 2])',
    'Buffer("ab").length',
    'b.toJSON()',
    'JSON.stringify(b)',
    'typeof b.readUint32BE',
    'b instanceof Uint8Array',
    'b.join("-")',
    'b.reduce((s, x) => s + x, 0)',
    'b.map((x) => x) instanceof Buffer',
    'Buffer.from({ type: "Buffer", data: [1, 2] })',
    'Buffer.of(1, 2)',
    'b.readUInt8(0) | (b.readUInt8(1) << 8)',
    'b.buffer.byteLength >= 8',
    'Buffer.isEncoding("HEX")',
    'b.lastIndexOf(2)',
  ])('%s is as in Node', (expression) => {
    const [inside, node] = both(expression, [0x01, 0x02, 0x03, 0xf4, 0xc2, 0xa9, 0xff, 0x80])
    expect(inside).toEqual(node)
  })

  it.each([
    'b.readUInt16LE(1)',
    'b.readUInt8(2)',
    'b.readUInt8(-1)',
    'b.readUInt8(0.5)',
    'b.readUIntBE(0, 3)',
    'b.writeUInt8(1, 5)',
    'b.writeUInt32LE(1)',
    'Buffer.from(5)',
    'Buffer.from(null)',
    'b.toString("nonsense")',
    'b.swap32()',
  ])('%s throws, as in Node', (expression) => {
    expect(
      faultOf(() => evaluate(`const b = Buffer.from([1, 2]); return ${expression}`)).code,
    ).toBe('codec.script_failed')
  })

  it('texts of any bytes are those of Node', () => {
    const script = engine.open(
      'function run(bytes) { const b = Buffer.from(bytes); return ["utf8", "hex", "base64", "latin1", "ascii"].map((e) => b.toString(e)).concat(new TextDecoder().decode(b)) }',
      NAMES,
      LIMITS,
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), (bytes) => {
        const b = Buffer.from(bytes)
        expect(script.call('run', [[...bytes]], 0).value).toEqual([
          b.toString('utf8'),
          b.toString('hex'),
          b.toString('base64'),
          b.toString('latin1'),
          b.toString('ascii'),
          new TextDecoder().decode(bytes),
        ])
      }),
      { numRuns: 2_000, seed: 8 },
    )
  })

  it('bytes of any text are those of Node', () => {
    const script = engine.open(
      'function run(text) { return [[...Buffer.from(text)], [...new TextEncoder().encode(text)], [...Buffer.from(text, "latin1")], [...Buffer.from(text.replace(/[^ -~]/g, ""), "hex")], [...Buffer.from(text.replace(/[^ -~]/g, ""), "base64")]] }',
      NAMES,
      LIMITS,
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 20 }),
          fc.base64String(),
          fc.stringMatching(/^[0-9a-f]{0,12}$/),
        ),
        (text) => {
          expect(script.call('run', [text], 0).value).toEqual([
            [...Buffer.from(text)],
            [...new TextEncoder().encode(text)],
            [...Buffer.from(text, 'latin1')],
            [...Buffer.from(text.replace(/[^ -~]/g, ''), 'hex')],
            [...Buffer.from(text.replace(/[^ -~]/g, ''), 'base64')],
          ])
        },
      ),
      { numRuns: 2_000, seed: 8 },
    )
  })

  it('atob and btoa', () => {
    expect(evaluate('return [btoa("hi\\xff"), atob("aGn/"), atob(" aGk "), atob("")]')).toEqual([
      'aGn/',
      'hi\xff',
      'hi',
      '',
    ])
    expect(faultOf(() => evaluate('return btoa("€")')).code).toBe('codec.script_failed')
    expect(faultOf(() => evaluate('return atob("a")')).code).toBe('codec.script_failed')
  })

  it('require knows buffer alone, and the console says nothing', () => {
    expect(
      evaluate(
        'console.log(1); console.error(2); return require("buffer").Buffer === Buffer && new TextDecoder("ascii").decode(new Uint8Array([65]))',
      ),
    ).toBe('A')
  })
})

describe('the interpreter that is installed', () => {
  const require = createRequire(import.meta.url)
  const folder = require.resolve(`${QUICKJS_PACKAGE}/package.json`).replace(/package\.json$/, '')

  it('is the version that the names were taken from', () => {
    const own: { version: string } = JSON.parse(readFileSync(`${folder}package.json`, 'utf8'))
    const ours: { dependencies: Record<string, string> } = JSON.parse(
      readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
    )
    expect(ours.dependencies[QUICKJS_PACKAGE]).toBe(own.version)
  })

  it('has the short names that are called', () => {
    const glue = readFileSync(`${folder}dist/emscripten-module.mjs`, 'utf8')
    const found = Object.fromEntries(
      [...glue.matchAll(/d\.(_\w+)=\s*b\.([\w$]+)/g)].map(([, name, short]) => [name, short]),
    )
    for (const [name, short] of Object.entries(EXPORTS)) expect(found[name]).toBe(short)
    expect(glue).toContain('Z.v()')
    expect(glue).toMatch(/xa=b\.Ma;va=b\.Na;Y=b\.Oa;ua=b\.Pa/)
    expect(glue).toContain('r:()=>N("")')
  })

  it('can be metered, and a module that nobody knows cannot', () => {
    const wasm = readFileSync(require.resolve(`${QUICKJS_PACKAGE}/wasm`))
    const metered = meterModule(wasm, METER_TARGET)
    expect(metered.length).toBeGreaterThan(wasm.length)
    expect(metered.length).toBeLessThan(wasm.length * 1.1)
    expect(() => meterModule(wasm, { module: 'a', name: 'nothing' })).toThrow(
      'expected an import a.nothing',
    )
    expect(() => meterModule(wasm.subarray(0, 100), METER_TARGET)).toThrow('expected')
    expect(() => meterModule(new Uint8Array(8), METER_TARGET)).toThrow(
      'expected a module with imports',
    )
  })
})
