import { describe, expect, it } from 'vitest'
import {
  type ConfigInput,
  compileProgram,
  decodeUplink,
  type Json,
  type Program,
  parseConfig,
  type Telemetry,
} from '../../../core/index.ts'
import { recordOf, rowsOf } from '../../fakes/memory-ports.ts'
import { NOW, start, uplink } from '../harness.ts'

type TypeInput = NonNullable<ConfigInput['deviceTypes']>[string]

function programOf(type: TypeInput): Program {
  const parsed = parseConfig({ deviceTypes: { probe: type } })
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
  const compiled = compileProgram(parsed.config)
  if ('faults' in compiled) throw new Error(JSON.stringify(compiled.faults))
  return compiled.program
}

function faultsOf(type: TypeInput): readonly string[] {
  const parsed = parseConfig({ deviceTypes: { probe: type } })
  const outcome = 'faults' in parsed ? parsed : compileProgram(parsed.config)
  return 'faults' in outcome
    ? outcome.faults.map(({ path, message }) => `${path.join('.')}: ${message}`)
    : []
}

function read(type: TypeInput, body: Json, deviceId = 'probe-1'): Telemetry {
  const plan = programOf(type).deviceType(deviceId)?.decode
  if (plan === undefined) throw new Error('no type')
  return decodeUplink(uplink(body, { deviceId }), plan, 'unique')
}

const TEMP = { unit: 'Cel', sent: '[degF]', min: -40, max: 85, precision: 0.1 }

describe('the meaning of metrics', () => {
  it('leaves a message as it is, object for object, where nothing is said or nothing is wrong', () => {
    const body = { temp: 21.5, door: 'open' }
    const plain = read({}, body)
    const checked = read({ schema: { temp: { min: 0, max: 50 }, door: { type: 'text' } } }, body)
    expect(plain.metrics).toEqual(body)
    expect(checked).toEqual(plain)
  })

  it('converts, rounds, and tells rules the same as it stores', () => {
    const { metrics, body } = read({ schema: { temp: TEMP } }, { temp: 68.19, x: [1] })
    expect(metrics).toEqual({ temp: 20.1 })
    expect(body).toEqual({ temp: 20.1, x: [1] })
  })

  it('finds values below a pointer, in nested objects and under keys with dots', () => {
    const type = {
      metrics: '/data',
      schema: {
        'air.temp': { unit: 'K', sent: 'Cel' },
        'a.b.c': { unit: 'km', sent: 'm' },
        'plain.key': { unit: 'km', sent: 'm' },
      },
    }
    const body = { id: 1, data: { air: { temp: 0, on: true }, 'a.b': { c: 5 }, 'plain.key': 9 } }
    const meant = read(type, body)
    expect(meant.body).toEqual({
      id: 1,
      data: { air: { temp: 273.15, on: true }, 'a.b': { c: 0.005 }, 'plain.key': 0.009 },
    })
    expect(meant.metrics).toEqual({
      'air.temp': 273.15,
      'air.on': true,
      'a.b.c': 0.005,
      'plain.key': 0.009,
    })
  })

  it('converts a message that is one number', () => {
    const { body, metrics } = read({ schema: { value: { unit: 'Cel', sent: 'K' } } }, 300)
    expect(body).toBe(26.85)
    expect(metrics).toEqual({ value: 26.85 })
  })

  const FARAD = { unit: 'F', sent: 'pF' }
  it.each<[string, NonNullable<TypeInput['schema']>[string], number, number]>([
    ['picofarads as farads', FARAD, 4.7, 4.7e-12],
    ['nanoamperes as amperes', { unit: 'A', sent: 'nA' }, 0.3, 3e-10],
    ['nothing', FARAD, 0, 0],
    ['a degree without noise', { unit: 'Cel', sent: 'K' }, 273.15, 0],
    ['halves away from zero', { precision: 1 }, 2.5, 3],
    ['halves away from zero, below it', { precision: 1 }, -2.5, -3],
    ['no negative zero', { precision: 0.1 }, -0.04, 0],
    ['no negative zero of a multiple', { precision: 5 }, -2, 0],
    ['what is too large to be rounded', { precision: 0.1 }, 1.5e308, 1.5e308],
    ['what is too large to be divided', { precision: 1e-320 }, 7, 7],
  ])('stores %s', (_title, schema, sent, stored) => {
    const { metrics } = read({ schema: { t: schema } }, { t: sent })
    expect(metrics).toEqual({ t: stored })
  })

  it('looks for what is required among the values alone, not among what objects inherit', () => {
    const { metrics } = read({ schema: { toString: { required: true } } }, { t: 1 })
    expect(metrics).toEqual({ t: 1, '_flags.toString': 'missing' })
  })

  const BAD: readonly [string, TypeInput['schema'], Json, Json][] = [
    ['too small', { t: { min: 0 } }, { t: -1 }, { t: 'range' }],
    ['too great after conversion', { t: TEMP }, { t: 500 }, { t: 'range' }],
    ['a text for a number', { t: {} }, { t: 'hot' }, { t: 'type' }],
    ['a number for a text', { t: { type: 'text' } }, { t: 1 }, { t: 'type' }],
    ['a number for a boolean', { t: { type: 'boolean' } }, { t: 1 }, { t: 'type' }],
    ['half of an integer', { t: { type: 'integer' } }, { t: 1.5 }, { t: 'type' }],
    ['a word that is none', { t: { type: 'text', values: ['a'] } }, { t: 'b' }, { t: 'value' }],
    ['a number that is none', { t: { values: [1, 2] } }, { t: 3 }, { t: 'value' }],
    ['nothing', { t: { required: true } }, { u: 3 }, { t: 'missing' }],
  ]

  it.each(BAD)('keeps and flags %s', (_title, schema, body, flags) => {
    const { metrics, body: seen } = read(schema === undefined ? {} : { schema }, body)
    expect(seen).toEqual({ ...Object(body), _flags: flags })
    const named = Object.entries(Object(flags)).map(([name, flag]) => [`_flags.${name}`, flag])
    expect(metrics).toEqual({ ...Object(body), ...Object.fromEntries(named) })
  })

  it.each(BAD)('or refuses the message with %s', (_title, schema, body) => {
    expect(() => read({ badValues: 'refuse', ...(schema && { schema }) }, body)).toThrow(
      expect.objectContaining({ code: 'uplink.bad_value' }),
    )
  })

  it('says in the refusal what was expected', () => {
    const type: TypeInput = { badValues: 'refuse', schema: { temp: { ...TEMP, sent: 'Cel' } } }
    expect(() => read(type, { temp: 99 })).toThrow(
      'temp: expected a number from -40 up to 85 Cel, found one outside of it',
    )
  })

  it('keeps, flags or refuses what the schema does not name', () => {
    const schema = { a: {} }
    expect(read({ schema }, { a: 1, b: 2 }).metrics).toEqual({ a: 1, b: 2 })
    expect(read({ schema, unknownMetrics: 'flag' }, { a: 1, b: 2 }).metrics).toEqual({
      a: 1,
      b: 2,
      '_flags.b': 'unknown',
    })
    expect(() => read({ schema, unknownMetrics: 'refuse' }, { a: 1, b: 2 })).toThrow(
      expect.objectContaining({
        code: 'uplink.unknown_metric',
        message: 'expected metrics that the schema names, found "b"',
      }),
    )
  })

  it('calibrates a device before it converts, and others not', () => {
    const type = {
      schema: { temp: { unit: 'Cel', sent: '[degF]' } },
      calibration: { 'probe-1': { temp: { scale: 2, offset: 8 }, raw: { offset: -1 } } },
    }
    expect(read(type, { temp: 30, raw: 5 }).metrics).toEqual({ temp: 20, raw: 4 })
    expect(read(type, { temp: 68, raw: 5 }, 'probe-2').metrics).toEqual({ temp: 20, raw: 5 })
  })

  it('flags what calibration carries beyond all numbers', () => {
    const calibration = { 'probe-1': { a: { scale: 1e10 }, b: { scale: 1e10 } } }
    const { metrics } = read({ schema: { a: {} }, calibration }, { a: 1e300, b: 1e300 })
    expect(metrics).toEqual({ a: 1e300, b: 1e300, '_flags.a': 'range', '_flags.b': 'range' })
  })

  const DEW: TypeInput = {
    schema: { temp: { unit: 'Cel', sent: '[degF]' }, humidity: { min: 0, max: 100 } },
    derived: { dewPoint: { value: 'temp - (100 - humidity) / 5', unit: 'Cel', precision: 0.1 } },
  }

  it('derives values from what was converted', () => {
    const { metrics, body } = read(DEW, { temp: 68, humidity: 61.3 })
    expect(metrics).toEqual({ temp: 20, humidity: 61.3, dewPoint: 12.3 })
    expect(body).toEqual({ temp: 20, humidity: 61.3, dewPoint: 12.3 })
  })

  it('derives one value of another that stands above it, and not the other way round', () => {
    const type = {
      derived: {
        above: { value: 'below + 1' },
        below: { value: 'a * 2' },
        last: { value: 'below + 1' },
      },
    }
    expect(read(type, { a: 1 }).metrics).toEqual({ a: 1, below: 2, last: 3 })
  })

  it('derives nothing where a value is missing, or is bad', () => {
    expect(read(DEW, { temp: 68 }).metrics).toEqual({ temp: 20 })
    expect(read(DEW, { temp: 68, humidity: 161 }).metrics).toEqual({
      temp: 20,
      humidity: 161,
      '_flags.humidity': 'range',
    })
  })

  it('flags a derived value that is none', () => {
    const type = { derived: { all: { value: '*' }, luck: { value: 'rand()' } } }
    expect(read(type, { a: 1 }).metrics).toEqual({
      a: 1,
      '_flags.all': 'failed',
      '_flags.luck': 'failed',
    })
  })

  it.each<[string, TypeInput, string]>([
    [
      'an unknown unit',
      { schema: { t: { unit: 'degrees' } } },
      'schema.t.unit: expected a UCUM unit',
    ],
    [
      'units that do not fit',
      { schema: { t: { unit: 'm', sent: 's' } } },
      'the same as m, found s',
    ],
    [
      'sent without unit',
      { schema: { t: { sent: 's' } } },
      'schema.t.sent: expected unit beside it',
    ],
    [
      'a unit of a text',
      { schema: { t: { type: 'text', unit: 'm' } } },
      'schema.t.unit: expected it for',
    ],
    [
      'bounds the wrong way',
      { schema: { t: { min: 2, max: 1 } } },
      'schema.t.max: expected at least min',
    ],
    [
      'units that measure other things',
      { schema: { t: { unit: 'm', sent: 's' } } },
      'schema.t.sent: expected a unit that measures the same',
    ],
    [
      'an unknown unit of a derived value',
      { derived: { d: { value: 'a', unit: 'cels' } } },
      'derived.d.unit: expected a UCUM unit',
    ],
    [
      'calibration of a device of another type',
      { devices: 'probe-*', calibration: { 'other-7': { t: { offset: 1 } } } },
      'calibration.other-7: expected a device that the type covers (probe-*), found "other-7"',
    ],
    [
      'an example of a device of another type',
      { devices: 'probe-*', examples: [{ device: 'x', payload: 1, metrics: { value: 1 } }] },
      'examples.0.device: expected a device that the type covers',
    ],
    ['no expression', { derived: { d: { value: 'a +' } } }, 'derived.d.value: '],
    ['a question', { derived: { d: { value: "get_secret('a', 'b')" } } }, 'derived.d.value: '],
  ])('finds %s in the config', (_title, type, says) => {
    expect(faultsOf(type).join('\n')).toContain(says)
  })
})

describe('flags behind the gate', () => {
  const CONFIG: ConfigInput = {
    deviceTypes: { probe: { schema: { temp: { min: -40, max: 85 } } } },
    rules: {
      good: {
        sql: "SELECT temp FROM 'devices/+/telemetry' WHERE isUndefined(_flags.temp)",
        actions: [{ republish: { topic: 'good/${temp}' } }],
      },
    },
  }

  it('a bad value is stored and flagged; it is no last value, not reported, and rules see the flag', async () => {
    const { core, world } = start(CONFIG)
    const outcomes = await core.ingest([
      uplink({ ts: NOW - 2_000, temp: 20 }),
      uplink({ ts: NOW - 1_000, temp: -127, humidity: 40 }),
    ])
    await core.gate.idle()
    expect(outcomes.map(({ status }) => status)).toEqual(['accepted', 'accepted'])
    expect(rowsOf(world, 'dev-1').map(({ metrics }) => metrics)).toEqual([
      { temp: 20 },
      { temp: -127, humidity: 40, '_flags.temp': 'range' },
    ])
    const record = recordOf(world, 'dev-1')
    expect(Object.entries(record?.last ?? {}).map(([name, { value }]) => [name, value])).toEqual([
      ['temp', 20],
      ['humidity', 40],
    ])
    expect(record?.shadows['']).toMatchObject({ reported: { temp: 20, humidity: 40 } })
    expect(world.published.map(({ message: { topic } }) => topic)).toEqual(['good/20'])
  })
})
