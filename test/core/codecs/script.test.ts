import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { createScriptEngine } from '../../../adapters/node/script-engine.ts'
import {
  CODEC_KINDS,
  type Codec,
  CoreError,
  inlineScripts,
  type Json,
  openCodec,
  type PayloadFacts,
} from '../../../core/index.ts'
import { runCli } from '../../cli/run-cli.ts'

const engines = { scripts: createScriptEngine() }
const AT = Date.UTC(2026, 4, 6, 7, 8, 9)

function open(script: string, options: object = {}): Codec {
  const kind = CODEC_KINDS.find(({ name }) => name === 'script')!
  return openCodec(
    { ...kind.options.parse({ type: 'script', script, ...options }), type: 'script' },
    engines,
  )
}

function decode(
  script: string,
  hex: string,
  facts: Partial<PayloadFacts> = {},
  options: object = {},
) {
  return open(script, options).decode(Buffer.from(hex, 'hex'), { receivedAt: AT, ...facts })
}

function encode(script: string, value: Json, facts: Partial<PayloadFacts> = {}) {
  const { bytes, ...rest } = open(script).encode!(value, { receivedAt: AT, ...facts })
  return { hex: Buffer.from(bytes).toString('hex'), ...rest }
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

/** A typical decoder: channels of a type, a length and a value. */
const CHANNELS = `
/* eslint no-bitwise: "off" */
function decodeUplink(input) {
  var decoded = {};
  for (var i = 0; i < input.bytes.length;) {
    var channel = input.bytes[i++], type = input.bytes[i++];
    if (channel === 0x01 && type === 0x75) { decoded.battery = input.bytes[i]; i += 1; }
    else if (channel === 0x03 && type === 0x67) { decoded.temperature = int16(input.bytes.slice(i, i + 2)) / 10; i += 2; }
    else if (channel === 0x04 && type === 0x68) { decoded.humidity = input.bytes[i] / 2; i += 1; }
    else if (channel === 0xff && type === 0x01) throw new Error('unknown channel ' + type);
    else break;
  }
  return { data: decoded };
}
function int16(bytes) {
  var value = (bytes[1] << 8) | bytes[0];
  return value > 0x7fff ? value - 0x10000 : value;
}`

describe('decode', () => {
  it.each<[string, string, Json, Partial<PayloadFacts>?]>([
    ['The Things Stack', CHANNELS, { battery: 92, temperature: -5.2, humidity: 50.5 }],
    [
      'all that is known',
      'function decodeUplink({ bytes, fPort, recvTime, variables }) { return { data: { hex: Buffer.from(bytes).toString("hex"), fPort, at: recvTime.getTime(), variables } } }',
      { hex: '01755c0367ccff046865', fPort: 85, at: AT, variables: {} },
    ],
    [
      'variables of ChirpStack v4',
      'function decodeUplink(input) { return { data: { offset: Number(input.variables.offset) + input.bytes[0] } } }',
      { offset: 11 },
      { variables: { offset: '10' } },
    ],
    [
      'ChirpStack v3',
      'function Decode(fPort, bytes, variables) { return { p: fPort, n: bytes.length, v: variables.x } }',
      { p: 85, n: 10, v: 'y' },
      { variables: { x: 'y' } },
    ],
    [
      'The Things Network v2',
      'function Decoder(bytes, port) { var decoded = {}; decoded.n = bytes.length; decoded.port = port; return decoded; }',
      { n: 10, port: 85 },
    ],
    [
      'with a converter',
      'function Decoder(b) { return { mv: b[0] } } function Converter(decoded, port) { decoded.v = decoded.mv / 1000; decoded.port = port; return decoded }',
      { mv: 1, v: 0.001, port: 85 },
    ],
    [
      'with a validator',
      'function Decoder(b) { return { mv: b[0] } } function Validator(converted, port) { return converted.mv === 1 && port === 85 }',
      { mv: 1 },
    ],
    [
      'all forms at once: the newest counts',
      'function Decoder() { return { form: 2 } } function Decode() { return { form: 3 } } function decodeUplink() { return { data: { form: 4 } } }',
      { form: 4 },
    ],
    [
      'ChirpStack before The Things Network v2',
      'function Decoder() { return { form: 2 } } function Decode() { return { form: 3 } }',
      { form: 3 },
    ],
    [
      'a decoder that calls another',
      'function Decoder(bytes, port) { return { n: bytes.length } } function decodeUplink(input) { return { data: Decoder(input.bytes, input.fPort) } }',
      { n: 10 },
    ],
    [
      'bytes that are changed',
      'function decodeUplink({ bytes }) { const out = []; while (bytes.length) out.push(bytes.shift()); return { data: { n: out.length, hex: out.map((b) => ("0" + b.toString(16)).slice(-2)).join("") } } }',
      { n: 10, hex: '01755c0367ccff046865' },
    ],
    [
      'a typed array of them',
      'function decodeUplink({ bytes }) { const view = new DataView(new Uint8Array(bytes).buffer); return { data: { v: view.getInt16(5, true), isArray: Array.isArray(bytes) } } }',
      { v: -52, isArray: true },
    ],
    [
      'a counter at the top',
      'var index = 0; function next(b) { return b[index++] } function decodeUplink({ bytes }) { return { data: { a: next(bytes), b: next(bytes) } } }',
      { a: 1, b: 0x75 },
    ],
    [
      'methods added to prototypes',
      'if (!Array.prototype.uint16) Array.prototype.uint16 = function (i) { return this[i] << 8 | this[i + 1] }; Number.prototype.round = function (n) { return +this.toFixed(n) }; function decodeUplink({ bytes }) { return { data: { v: (bytes.uint16(0) / 3).round(2) } } }',
      { v: 124.33 },
    ],
    [
      'methods added to what every object has',
      'Object.prototype.get = function (i) { return this[i] }; Object.prototype.enumerable = false; Object.prototype.readInt16BE = function (i) { return this[i] << 8 | this[i + 1] }; function decodeUplink({ bytes }) { return { data: { a: bytes.get(0), b: bytes.readInt16BE(0), c: Buffer.from(bytes).readInt16BE(0), empty: {}, none: null } } }',
      { a: 1, b: 373, c: 373, empty: {}, none: null },
    ],
    [
      'builtins that are replaced',
      'Object.keys = () => []; Object.defineProperty = () => { throw 1 }; JSON.stringify = () => "no"; function decodeUplink() { return { data: { a: 1, none: null } } }',
      { a: 1, none: null },
    ],
    [
      'a class',
      'class Reader { #at = 0; constructor(b) { this.b = b } u8() { return this.b[this.#at++] } } const decodeUplink = (input) => ({ data: { v: new Reader(input.bytes).u8() } })',
      { v: 1 },
    ],
    [
      'data that is a list',
      'function decodeUplink() { return { data: [{ a: 1 }, { a: 2 }] } }',
      [{ a: 1 }, { a: 2 }],
    ],
    ['data that is a number', 'function decodeUplink() { return { data: 5 } }', 5],
    ['no data', 'function decodeUplink() { return { warnings: [], errors: [] } }', {}],
    ['an empty result', 'function decodeUplink() { return {} }', {}],
    [
      'errors that are none',
      'function decodeUplink() { return { data: { a: 1 }, errors: [], warnings: null } }',
      { a: 1 },
    ],
    [
      'new syntax',
      'const decodeUplink = ({ bytes: [a, ...rest], fPort }) => ({ data: { a, n: rest?.length ?? 0, p: 2 ** 3, big: Number(BigInt.asIntN(8, 255n)), at: rest.at(-1), has: Object.hasOwn({ a }, "a") } })',
      { a: 1, n: 9, p: 8, big: -1, at: 0x65, has: true },
    ],
  ])('%s', (_name, script, value, facts = {}) => {
    expect(decode(script, '01755c0367ccff046865', { fPort: 85, ...facts })).toEqual({
      value,
      warnings: [],
    })
  })

  it('without a port: absent in an object, null among arguments', () => {
    expect(
      decode('function decodeUplink(input) { return { data: { has: "fPort" in input } } }', '00')
        .value,
    ).toEqual({ has: false })
    expect(decode('function Decoder(bytes, port) { return { port: port } }', '00').value).toEqual({
      port: null,
    })
  })

  it.each([
    [
      'warnings',
      '{ data: { a: 1 }, warnings: ["low battery", "old firmware"] }',
      { a: 1 },
      ['low battery', 'old firmware'],
    ],
    [
      'one warning as a text',
      '{ data: { a: 1 }, warnings: "low battery" }',
      { a: 1 },
      ['low battery'],
    ],
    [
      'warnings that are objects',
      '{ data: { a: 1 }, warnings: [{ code: 5 }] }',
      { a: 1 },
      ['{"code":5}'],
    ],
    [
      'a result without data',
      '{ temperature: 5, warnings: ["w"] }',
      { temperature: 5 },
      ['w', 'decodeUplink returned no data: its whole result is read'],
    ],
    [
      'numbers that are none',
      '{ data: { t: NaN } }',
      { t: null },
      ['data.t is NaN: JSON has no such value, it is null'],
    ],
  ])('%s', (_name, result, value, warnings) => {
    expect(decode(`function decodeUplink() { return ${result} }`, '00')).toEqual({
      value,
      warnings,
    })
  })

  it.each([
    [
      'errors',
      'return { errors: ["bad length", "bad port"] }',
      'decodeUplink: bad length, bad port',
    ],
    [
      'errors beside data',
      'return { data: { a: 1 }, errors: ["bad length"] }',
      'decodeUplink: bad length',
    ],
    ['an error as a text', 'return { errors: "bad length" }', 'decodeUplink: bad length'],
    ['errors that are objects', 'return { errors: [{ code: 5 }] }', 'decodeUplink: {"code":5}'],
    [
      'nothing',
      'return',
      'expected decodeUplink to return an object of data, warnings and errors, found nothing',
    ],
    [
      'null',
      'return null',
      'expected decodeUplink to return an object of data, warnings and errors, found null',
    ],
    [
      'a list',
      'return [1]',
      'expected decodeUplink to return an object of data, warnings and errors, found an array',
    ],
    [
      'a text',
      'return "a"',
      'expected decodeUplink to return an object of data, warnings and errors, found a string',
    ],
    ['what is thrown', 'throw new Error("bad length")', 'decodeUplink: bad length, at line 1'],
  ])('%s', (_name, body, message) => {
    expect(faultOf(() => decode(`function decodeUplink() { ${body} }`, '00'))).toMatchObject({
      code: 'codec.script_failed',
      message,
    })
  })

  it.each([
    [
      'Decode that returns nothing',
      'function Decode() {}',
      'expected Decode to return a value, found nothing',
    ],
    [
      'Decoder that returns nothing',
      'function Decoder() {}',
      'expected Decoder to return a value, found nothing',
    ],
    [
      'a validator that says no',
      'function Decoder() { return {} } function Validator() { return false }',
      'expected Validator to return true, found false',
    ],
    [
      'an encoder alone',
      'function encodeDownlink() { return { bytes: [] } }',
      'expected a script that declares decodeUplink, Decode, Decoder, found encodeDownlink',
    ],
  ])('%s', (_name, script, message) => {
    expect(faultOf(() => decode(script, '00'))).toMatchObject({
      code: 'codec.script_failed',
      message,
    })
  })

  it('64 levels of nesting, and no more', () => {
    const nested = (levels: number) =>
      `function decodeUplink() { let a = 1; for (let i = 0; i < ${levels}; i++) a = { a }; return { data: a } }`
    expect(JSON.stringify(decode(nested(63), '00').value).split('{').length - 1).toBe(63)
    expect(faultOf(() => decode(nested(64), '00'))).toMatchObject({ code: 'codec.too_deep' })
    expect(faultOf(() => decode(nested(1_000), '00'))).toMatchObject({ code: 'codec.too_deep' })
  })

  it('downlinks, by their own function', () => {
    const script =
      'function decodeDownlink(input) { return { data: { led: input.bytes[0] === 1, keys: Object.keys(input) } } } function decodeUplink() { return { data: {} } }'
    expect(decode(script, '01', { fPort: 3 }, { direction: 'downlink' }).value).toEqual({
      led: true,
      keys: ['bytes', 'recvTime', 'fPort'],
    })
    expect(
      faultOf(() => decode('function decodeUplink() {}', '01', {}, { direction: 'downlink' }))
        .message,
    ).toBe('expected a script that declares decodeDownlink, found decodeUplink')
  })
})

describe('normalizeUplink', () => {
  const script = `
    function decodeUplink({ bytes }) { return { data: { t: bytes[0], list: bytes }, warnings: ['raw'] } }
    function normalizeUplink({ data }) {
      if (data.t === 9) return { errors: ['no'] }
      return { data: data.list.map((t, i) => ({ time: new Date(i * 1000).toISOString(), air: { temperature: t } })), warnings: ['normal'] }
    }`

  it('is left alone unless asked for', () => {
    expect(decode(script, '0102')).toEqual({ value: { t: 1, list: [1, 2] }, warnings: ['raw'] })
    expect(open(script).split).toBeUndefined()
  })

  it('makes measurements of what was decoded, each with its time', () => {
    const { value, warnings } = decode(script, '0102', {}, { normalize: true })
    expect(warnings).toEqual(['raw', 'normal'])
    expect(open(script, { normalize: true }).split?.(value)).toEqual([
      { body: { time: '1970-01-01T00:00:00.000Z', air: { temperature: 1 } }, at: 0 },
      { body: { time: '1970-01-01T00:00:01.000Z', air: { temperature: 2 } }, at: 1_000 },
    ])
    expect(open(script, { normalize: true }).split?.({ air: { temperature: 2 } })).toEqual([
      { body: { air: { temperature: 2 } } },
    ])
  })

  it('may fail, and may be absent', () => {
    expect(faultOf(() => decode(script, '09', {}, { normalize: true })).message).toBe(
      'normalizeUplink: no',
    )
    expect(decode(CHANNELS, '01755c', {}, { normalize: true }).value).toEqual({ battery: 92 })
    const silent =
      'function decodeUplink() { return { data: {} } } function normalizeUplink() { return {} }'
    expect(faultOf(() => decode(silent, '09', {}, { normalize: true })).message).toBe(
      'expected normalizeUplink to return data, found nothing',
    )
  })
})

describe('encode', () => {
  it.each<[string, string, Json, object]>([
    [
      'The Things Stack',
      'function encodeDownlink(input) { return { bytes: [0xff, input.data.interval & 255, input.data.interval >> 8], fPort: 85, warnings: [], errors: [] } }',
      { interval: 600 },
      { hex: 'ff5802', fPort: 85 },
    ],
    [
      'the port that was asked for',
      'function encodeDownlink(input) { return { bytes: [input.fPort] } }',
      {},
      { hex: '07', fPort: 7 },
    ],
    [
      'ChirpStack v4',
      'function encodeDownlink(input) { return { bytes: [input.data.x, Number(input.variables.y)] } }',
      { x: 1 },
      { hex: '0102', fPort: 7 },
    ],
    [
      'ChirpStack v3',
      'function Encode(fPort, obj, variables) { return [fPort, obj.x, Number(variables.y)] }',
      { x: 1 },
      { hex: '070102', fPort: 7 },
    ],
    [
      'The Things Network v2',
      'function Encoder(object, port) { var bytes = []; bytes[0] = object.x; bytes.push(port); return bytes; }',
      { x: 1 },
      { hex: '0107', fPort: 7 },
    ],
    [
      'a Buffer',
      'function encodeDownlink({ data }) { const b = Buffer.alloc(4); b.writeInt32BE(data.x); return { bytes: b } }',
      { x: -2 },
      { hex: 'fffffffe', fPort: 7 },
    ],
    [
      'a typed array',
      'function encodeDownlink({ data }) { return { bytes: new Uint8Array([data.x, 300]) } }',
      { x: 1 },
      { hex: '012c', fPort: 7 },
    ],
    [
      'what Buffer says of itself',
      'function encodeDownlink() { return { bytes: Buffer.from("hi").toJSON() } }',
      {},
      { hex: '6869', fPort: 7 },
    ],
    ['no bytes', 'function encodeDownlink() { return { bytes: [] } }', {}, { hex: '', fPort: 7 }],
    [
      'numbers beyond a byte',
      'function encodeDownlink() { return { bytes: [-1, 256, 3.7, 1e3] } }',
      {},
      { hex: 'ff0003e8', fPort: 7 },
    ],
    ['a list alone', 'const encodeDownlink = () => [1, 2]', {}, { hex: '0102', fPort: 7 }],
    [
      'all forms at once: the newest counts',
      'function Encoder() { return [2] } function Encode() { return [3] } function encodeDownlink() { return { bytes: [4] } }',
      {},
      { hex: '04', fPort: 7 },
    ],
  ])('%s', (_name, script, value, wanted) => {
    expect(encode(script, value, { fPort: 7, variables: { y: '2' } })).toEqual({
      ...wanted,
      warnings: [],
    })
  })

  it('without a port: none comes out', () => {
    expect(
      encode(
        'function encodeDownlink() { return { bytes: [1], fPort: null, warnings: ["w"] } }',
        {},
      ),
    ).toEqual({ hex: '01', warnings: ['w'] })
  })

  it.each([
    [
      'errors',
      'return { bytes: [], errors: ["unknown command"] }',
      'encodeDownlink: unknown command',
    ],
    ['no bytes', 'return {}', 'expected encodeDownlink to return an array of bytes, found nothing'],
    [
      'a text',
      'return { bytes: "0102" }',
      'expected encodeDownlink to return an array of bytes, found a string',
    ],
    [
      'texts',
      'return { bytes: ["1"] }',
      'expected encodeDownlink to return numbers, found a string as byte 0',
    ],
    [
      'holes',
      'return { bytes: [1, undefined] }',
      'expected encodeDownlink to return numbers, found null as byte 1',
    ],
    [
      'no number',
      'return { bytes: [0 / 0] }',
      'expected encodeDownlink to return numbers, found null as byte 0',
    ],
    [
      'a port beyond',
      'return { bytes: [], fPort: 256 }',
      'expected encodeDownlink to return an fPort from 0 to 255, found 256',
    ],
    [
      'a port as a text',
      'return { bytes: [], fPort: "85" }',
      'expected encodeDownlink to return an fPort from 0 to 255, found "85"',
    ],
    [
      'nothing',
      '',
      'expected encodeDownlink to return an object of data, warnings and errors, found nothing',
    ],
  ])('%s', (_name, body, message) => {
    expect(faultOf(() => encode(`function encodeDownlink() { ${body} }`, {}))).toMatchObject({
      code: 'codec.script_failed',
      message,
    })
  })

  it('is not there where the script declares none', () => {
    expect(open(CHANNELS).encode).toBeUndefined()
  })

  it('round trip: what was encoded is decoded', () => {
    const script = `
      function decodeUplink({ bytes }) { const b = Buffer.from(bytes); return { data: { n: b.readInt32LE(0), s: b.toString('utf8', 4) } } }
      function encodeDownlink({ data }) { const b = Buffer.alloc(4); b.writeInt32LE(data.n, 0); return { bytes: Buffer.concat([b, Buffer.from(data.s)]), fPort: 1 } }`
    const codec = open(script)
    fc.assert(
      fc.property(fc.integer(), fc.string({ unit: 'binary', maxLength: 20 }), (n, s) => {
        const { bytes } = codec.encode!({ n, s }, { receivedAt: 0 })
        expect(codec.decode(bytes, { receivedAt: 0 }).value).toEqual({ n, s: s.toWellFormed() })
      }),
      { numRuns: 1_000, seed: 9 },
    )
  })
})

describe('limits', () => {
  it('time', () => {
    expect(
      faultOf(() => decode('function decodeUplink() { for (;;); }', '00', {}, { timeMs: 20 })),
    ).toMatchObject({
      code: 'codec.script_timeout',
      message: 'expected decodeUplink to end within 20 ms',
    })
  })

  it('time that others had is none of a script', () => {
    const codec = open(
      'function decodeUplink() { let n = 0; while (n < 2e4) n++; return { data: n } }',
    )
    const now = performance.now.bind(performance)
    const clock = vi.spyOn(performance, 'now').mockImplementation(now)
    const decodeLate = (lateMs: number) => {
      clock.mockImplementationOnce(() => now() - lateMs)
      return codec.decode(Buffer.from('00', 'hex'), { receivedAt: AT })
    }
    try {
      expect(decodeLate(500).value).toBe(20_000)
      expect(faultOf(() => decodeLate(1_500))).toMatchObject({ code: 'codec.script_timeout' })
    } finally {
      clock.mockRestore()
    }
  })

  it('memory', () => {
    expect(
      faultOf(() =>
        decode(
          'function decodeUplink() { return { data: new Array(1e6).fill(1).length } }',
          '00',
          {},
          { memoryBytes: 1_048_576 },
        ),
      ),
    ).toMatchObject({
      code: 'codec.script_limit',
      message: 'decodeUplink: InternalError: out of memory, at line 1',
    })
  })

  it('output', () => {
    expect(
      faultOf(() =>
        decode(
          'function decodeUplink() { return { data: "x".repeat(50) } }',
          '00',
          {},
          { outputBytes: 50 },
        ),
      ),
    ).toMatchObject({ code: 'codec.script_limit' })
  })

  it.each([
    [{}, 'expected script or file, found neither', undefined],
    [
      { file: 'decoder.js' },
      'expected the script of decoder.js, found a config whose files were not read',
      undefined,
    ],
  ])('%j', (options, message, script) => {
    expect(
      faultOf(() =>
        openCodec(
          {
            type: 'script',
            direction: 'uplink',
            normalize: false,
            timeMs: 1,
            memoryBytes: 1,
            outputBytes: 1,
            ...options,
            ...(script === undefined ? {} : { script }),
          },
          engines,
        ),
      ),
    ).toMatchObject({ code: 'codec.bad_options', message })
  })

  it('a host that runs no scripts says so', () => {
    expect(
      faultOf(() =>
        openCodec({ type: 'script', script: 'function Decoder() {}', direction: 'uplink' }, {}),
      ),
    ).toMatchObject({
      code: 'codec.bad_options',
      message: 'expected a host that runs scripts, found one that runs none',
    })
  })

  it.each([
    [
      'var x = 1',
      'expected a script that declares decodeUplink, Decode, Decoder or encodeDownlink, Encode, Encoder, found none of them',
    ],
    ['function decodeUplink( {', 'the script: SyntaxError'],
  ])('%s', (script, message) => {
    expect(faultOf(() => open(script))).toMatchObject({
      code: 'codec.script_failed',
      message: expect.stringContaining(message),
    })
  })

  it('100,000 payloads of any kind: telemetry, or an error of the codec', {
    timeout: 60_000,
  }, () => {
    const codec = open(CHANNELS)
    let state = 42
    const next = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state >>> 24
    }
    const parts = [
      [0x01, 0x75, 0x5c],
      [0x03, 0x67, 0x34, 0x01],
      [0x04, 0x68, 0x65],
      [0xff, 0x01],
    ]
    const codes = new Map<string, number>()
    for (let round = 0; round < 100_000; round++) {
      const bytes = Array.from({ length: next() % 4 }, () => parts[next() % 4] ?? []).flat()
      if (next() % 2 === 0) bytes.push(...Array.from({ length: next() % 12 }, next))
      if (next() % 4 === 0) bytes.length = Math.floor(bytes.length / 2)
      let code = 'value'
      try {
        codec.decode(Uint8Array.from(bytes), { receivedAt: AT, fPort: next() })
      } catch (error) {
        if (!(error instanceof CoreError)) throw error
        code = error.code
      }
      codes.set(code, (codes.get(code) ?? 0) + 1)
    }
    expect([...codes.keys()].sort()).toEqual(['codec.script_failed', 'value'])
    expect(codes.get('value')).toBeGreaterThan(50_000)
  })
})

describe('anyhub eval', () => {
  const evaluate = async (what: 'decode' | 'encode', lines: readonly Json[]) => {
    const { out } = await runCli(['eval', what], {
      stdin: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    })
    return out
      .trimEnd()
      .split('\n')
      .map((line): Json => JSON.parse(line))
  }
  const script = `
    function decodeUplink({ bytes, fPort, recvTime }) {
      if (bytes.length === 0) return { errors: ['no bytes'] }
      return { data: { n: bytes[0], fPort, at: recvTime }, warnings: bytes.length > 1 ? ['long'] : [] }
    }
    function decodeDownlink({ bytes }) { return { data: { set: bytes[0] } } }
    function encodeDownlink({ data }) { return { bytes: [data.set], fPort: 4 } }`

  it('decode: a line for each, and each script by itself', async () => {
    expect(
      await evaluate('decode', [
        {
          codec: 'script',
          script,
          bytesHex: '05',
          fPort: 2,
          recvTime: '2026-01-02T03:04:05+01:00',
        },
        { codec: 'script', script, bytesBase64: 'BQY=', fPort: 2 },
        { codec: 'script', script, bytesHex: '' },
        { codec: 'script', script, bytesHex: '07', direction: 'downlink' },
        {
          codec: { type: 'script', timeMs: 5 },
          script: 'function decodeUplink() { for (;;); }',
          bytesHex: '00',
        },
        { codec: 'script', script: 'function (', bytesHex: '00' },
        { codec: 'script', bytesHex: '00' },
        { codec: 'script', script: 'const decodeUplink = () => ({ data: 1 })', bytesHex: '00' },
      ]),
    ).toEqual([
      { telemetry: { n: 5, fPort: 2, at: '2026-01-02T02:04:05.000Z' } },
      { telemetry: { n: 5, fPort: 2, at: '1970-01-01T00:00:00.000Z' }, warnings: ['long'] },
      { error: { code: 'codec.script_failed', message: 'decodeUplink: no bytes' } },
      { telemetry: { set: 7 } },
      {
        error: {
          code: 'codec.script_timeout',
          message: 'expected decodeUplink to end within 5 ms',
        },
      },
      { error: expect.objectContaining({ code: 'codec.script_failed', line: 1 }) },
      { error: { code: 'codec.bad_options', message: 'expected script or file, found neither' } },
      { telemetry: 1 },
    ])
  })

  it('decode: thousands of lines about few scripts, and about many', async () => {
    const script = (offset: number) =>
      `let calls = 0; function decodeUplink({ bytes }) { return { data: { v: bytes[0] + ${offset}, calls: ++calls } } }`
    const lines = Array.from({ length: 2_000 }, (_, index) => ({
      codec: 'script',
      script: script(index < 1_900 ? index % 3 : index % 40),
      bytesHex: '05',
    }))
    const answers = await evaluate('decode', lines)
    expect(answers).toEqual(
      lines.map((_, index) => ({
        telemetry: { v: 5 + (index < 1_900 ? index % 3 : index % 40), calls: 1 },
      })),
    )
  })

  it('encode', async () => {
    expect(
      await evaluate('encode', [
        { codec: 'script', script, data: { set: 9 } },
        { codec: 'script', script: 'function Decoder() {}', data: {} },
      ]),
    ).toEqual([
      { bytesHex: '09', fPort: 4 },
      {
        error: {
          code: 'codec.no_encoder',
          message: 'expected a codec that encodes, found script, which only decodes',
        },
      },
    ])
  })
})

describe('in a config', () => {
  const folder = mkdtempSync(join(tmpdir(), 'anyhub-script-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const check = async (config: string) => {
    writeFileSync(join(folder, 'anyhub.yml'), config)
    return await runCli(['check'], { cwd: folder })
  }

  it('a file beside it is read', async () => {
    writeFileSync(join(folder, 'decoder.js'), CHANNELS)
    const { code, out, err } = await check(
      'deviceTypes:\n  meter:\n    codec: { type: script, file: decoder.js }\n',
    )
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).not.toContain('fault')
  })

  it.each([
    [
      'codec: { type: script, file: nothing.js }',
      'deviceTypes.meter.codec.file: expected a file nothing.js beside the config, found none',
    ],
    ['codec: { type: script }', 'deviceTypes.meter.codec: expected script or file, found neither'],
    [
      'codec: { type: script, file: decoder.js, script: "1" }',
      'deviceTypes.meter.codec.file: expected script or file, found both',
    ],
    [
      'codec: { type: script, script: "function (" }',
      'deviceTypes.meter.codec: the script: SyntaxError',
    ],
    [
      'codec: { type: script, script: "x = 1" }',
      'deviceTypes.meter.codec: expected a script that declares decodeUplink',
    ],
    [
      'codec: { type: script, script: "while (true);" }',
      'deviceTypes.meter.codec: expected the script to end within 1000 ms',
    ],
    ['codec: { type: script, script: "1", timeMs: 0 }', 'deviceTypes.meter.codec.timeMs'],
  ])('%s', async (codec, message) => {
    const { code, out, err } = await check(`deviceTypes:\n  meter:\n    ${codec}\n`)
    expect(code).toBe(1)
    expect(out + err).toContain(message)
  })

  it('names the file of a script that cannot be read', async () => {
    writeFileSync(join(folder, 'broken.js'), 'function decodeUplink(input) {\n  return {\n')
    const codec = 'codec: { type: script, file: broken.js }'
    const { out, err } = await check(`deviceTypes:\n  meter:\n    ${codec}\n`)
    expect(out + err).toContain('deviceTypes.meter.codec: broken.js: SyntaxError')
  })

  it('shows a fault of a script where it stands in the config', async () => {
    const { out, err } = await check(
      'deviceTypes:\n  meter:\n    codec:\n      type: script\n      script: |\n        function decodeUplink(input) {\n          return { data: 1 ]\n        }\n',
    )
    expect(out + err).toMatch(
      /anyhub\.yml:7:\d+ {2}deviceTypes\.meter\.codec: the script: SyntaxError/,
    )
  })

  it('a config without files is what it was', () => {
    const config = {
      deviceTypes: { a: { codec: 'json' }, b: {}, c: { codec: { type: 'cbor', file: 'x' } } },
      rules: {},
    }
    expect(inlineScripts(config, () => 'text').data).toEqual(config)
    for (const odd of [
      undefined,
      null,
      5,
      'text',
      [],
      { deviceTypes: [] },
      { deviceTypes: { a: null } },
    ])
      expect(inlineScripts(odd, () => 'text')).toEqual({ data: odd, faults: [] })
  })
})
