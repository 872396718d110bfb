import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import {
  EXPORT_FORMATS,
  type ExportFormat,
  type ExportQuery,
  exportTelemetry,
  type MetricValue,
  type TelemetryRow,
  type TelemetryStore,
} from '../../../core/index.ts'
import { createMemoryPorts, createWorld } from '../../fakes/memory-ports.ts'

const ALL: ExportQuery = { deviceIds: ['a', 'b'], from: 0, to: 8.64e15 }

type Rows = Readonly<Record<string, readonly TelemetryRow[]>>

function storeOf(rows: Rows): TelemetryStore {
  const world = createWorld()
  for (const [deviceId, ofDevice] of Object.entries(rows))
    world.rows.set(deviceId, new Map(ofDevice.map((one) => [`${one.at}/${one.messageId}`, one])))
  return createMemoryPorts(world).telemetry
}

function row(at: number, messageId: string, metrics: Record<string, MetricValue>): TelemetryRow {
  return { at, messageId, metrics }
}

async function bytesOf(rows: Rows, format: ExportFormat, query: ExportQuery = ALL) {
  const parts: Uint8Array[] = []
  for await (const part of exportTelemetry(storeOf(rows), { ...query, format })) parts.push(part)
  return { bytes: Buffer.concat(parts), parts }
}

async function textOf(rows: Rows, format: ExportFormat, query: ExportQuery = ALL) {
  return (await bytesOf(rows, format, query)).bytes.toString('utf8')
}

async function parquetOf(rows: Rows, query: ExportQuery = ALL) {
  const { buffer, byteOffset, byteLength } = (await bytesOf(rows, 'parquet', query)).bytes
  const file = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer
  return { metadata: parquetMetadata(file), objects: await parquetReadObjects({ file }) }
}

const SOME: Rows = {
  a: [
    row(1_750_000_000_000, 'm1', { temp: 21.5, on: true }),
    row(1_750_000_001_000, 'm2', { temp: -3, note: 'door, "front"\nopen' }),
  ],
  b: [row(1_750_000_000_500, 'm1', { on: false, note: '' })],
  c: [row(1_750_000_000_500, 'm1', { foreign: 1 })],
}

describe('JSON lines', () => {
  it('has an object for each row, device after device', async () => {
    expect(await textOf(SOME, 'jsonl', { ...ALL, deviceIds: ['b', 'a', 'b', 'nobody'] })).toBe(
      [
        '{"deviceId":"b","at":1750000000500,"messageId":"m1","metrics":{"on":false,"note":""}}',
        '{"deviceId":"a","at":1750000000000,"messageId":"m1","metrics":{"temp":21.5,"on":true}}',
        '{"deviceId":"a","at":1750000001000,"messageId":"m2","metrics":{"temp":-3,"note":"door, \\"front\\"\\nopen"}}',
        '',
      ].join('\n'),
    )
  })

  it('has the metrics that were asked for, and no row without them', async () => {
    expect(await textOf(SOME, 'jsonl', { ...ALL, metrics: ['temp'], to: 1_750_000_001_000 })).toBe(
      '{"deviceId":"a","at":1750000000000,"messageId":"m1","metrics":{"temp":21.5}}\n',
    )
  })

  it('is empty where there is nothing', async () => {
    expect(await textOf({}, 'jsonl')).toBe('')
  })
})

describe('CSV', () => {
  it('has a column for each metric', async () => {
    expect(await textOf(SOME, 'csv')).toBe(
      [
        'deviceId,at,messageId,note,on,temp',
        'a,2025-06-15T15:06:40.000Z,m1,,true,21.5',
        'a,2025-06-15T15:06:41.000Z,m2,"door, ""front""\nopen",,-3',
        'b,2025-06-15T15:06:40.500Z,m1,"",false,',
        '',
      ].join('\r\n'),
    )
  })

  it('has the columns that were asked for, in their order, also without values', async () => {
    expect(await textOf(SOME, 'csv', { ...ALL, metrics: ['temp', 'none', 'on', 'temp'] })).toBe(
      [
        'deviceId,at,messageId,temp,none,on',
        'a,2025-06-15T15:06:40.000Z,m1,21.5,,true',
        'a,2025-06-15T15:06:41.000Z,m2,-3,,',
        'b,2025-06-15T15:06:40.500Z,m1,,,false',
        '',
      ].join('\r\n'),
    )
  })

  it('is a header where there is nothing', async () => {
    expect(await textOf({}, 'csv')).toBe('deviceId,at,messageId\r\n')
  })

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '\rx', '\nx', '＝1', '－1', '＠x', '＋1'])(
    'has no cell that starts as a formula does: %j',
    async (text) => {
      const rows = { a: [row(0, text, { [text]: text, number: -2 })] }
      const [header = [], cells = []] = parse(await textOf(rows, 'csv'), {
        relax_column_count: false,
      })
      expect(header).toContain(`'${text}`)
      expect(cells).toEqual(expect.arrayContaining([`'${text}`, '-2']))
      expect([...header, ...cells].filter((cell) => cell === text)).toEqual([])
    },
  )

  it('keeps columns apart whose metrics are named as those of every row', async () => {
    const metrics = { at: 1, messageId: 2, 'metrics.at': 3, constructor: 4 }
    const found = parse(await textOf({ a: [row(0, 'm', metrics)], b: [row(0, 'm', {})] }, 'csv'), {
      columns: true,
    })
    const fixed = { at: '1970-01-01T00:00:00.000Z', messageId: 'm' }
    expect(found).toEqual([
      {
        deviceId: 'a',
        ...fixed,
        'metrics.metrics.at': '1',
        'metrics.at': '3',
        'metrics.messageId': '2',
        constructor: '4',
      },
      {
        deviceId: 'b',
        ...fixed,
        'metrics.metrics.at': '',
        'metrics.at': '',
        'metrics.messageId': '',
        constructor: '',
      },
    ])
  })
})

describe('Parquet', () => {
  it('has a column of the right type for each metric', async () => {
    const { metadata, objects } = await parquetOf(SOME)
    expect(metadata.created_by).toBe('anyhub')
    expect(
      metadata.schema.map(({ name, type, converted_type }) => [name, type, converted_type]),
    ).toEqual([
      ['root', undefined, undefined],
      ['deviceId', 'BYTE_ARRAY', 'UTF8'],
      ['at', 'INT64', 'TIMESTAMP_MILLIS'],
      ['messageId', 'BYTE_ARRAY', 'UTF8'],
      ['note', 'BYTE_ARRAY', 'UTF8'],
      ['on', 'BOOLEAN', undefined],
      ['temp', 'DOUBLE', undefined],
    ])
    const at = (ms: number) => new Date(1_750_000_000_000 + ms)
    expect(objects).toEqual([
      { deviceId: 'a', at: at(0), messageId: 'm1', note: null, on: true, temp: 21.5 },
      {
        deviceId: 'a',
        at: at(1_000),
        messageId: 'm2',
        note: 'door, "front"\nopen',
        on: null,
        temp: -3,
      },
      { deviceId: 'b', at: at(500), messageId: 'm1', note: '', on: false, temp: null },
    ])
  })

  it('makes texts of a metric that is of several kinds', async () => {
    const rows = { a: [row(0, 'x', { v: 1 }), row(1, 'y', { v: true }), row(2, 'z', { v: 'on' })] }
    const { objects } = await parquetOf(rows)
    expect(objects.map(({ v }) => v)).toEqual(['1', 'true', 'on'])
  })

  it('is a file with columns where there is nothing', async () => {
    const { metadata, objects } = await parquetOf({}, { ...ALL, metrics: ['temp'] })
    expect(metadata.schema.map(({ name }) => name)).toEqual([
      'root',
      'deviceId',
      'at',
      'messageId',
      'temp',
    ])
    expect(objects).toEqual([])
  })

  it('is written in row groups, each handed out when it is done', async () => {
    const rows = {
      a: Array.from({ length: 50_001 }, (_, n) => row(n, `m${n}`, { n })),
      b: [row(0, 'last', { n: -1 })],
    }
    const { bytes, parts } = await bytesOf(rows, 'parquet')
    expect(parts).toHaveLength(3)
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
    const objects = await parquetReadObjects({ file: file as ArrayBuffer })
    expect(objects).toHaveLength(50_002)
    expect(objects[50_000]).toEqual({
      deviceId: 'a',
      at: new Date(50_000),
      messageId: 'm50000',
      n: 50_000,
    })
    expect(objects.at(-1)).toMatchObject({ deviceId: 'b', messageId: 'last', n: -1 })
    const { row_groups: groups } = parquetMetadata(file as ArrayBuffer)
    expect(groups.map(({ num_rows: count }) => count)).toEqual([50_000n, 2n])
  })

  it('takes what came after the columns were found as far as it is of their kind', async () => {
    const store = storeOf({ a: [row(0, 'x', { v: 1, on: true })] })
    let readings = 0
    const changing: TelemetryStore = {
      ...store,
      range: async (deviceId, query) =>
        readings++ === 0
          ? store.range(deviceId, query)
          : [row(0, 'x', { v: 1, on: true }), row(1, 'y', { v: 'late', on: 2, more: 3 })],
    }
    const query = { ...ALL, deviceIds: ['a'], format: 'parquet' } as const
    const parts: Uint8Array[] = []
    for await (const part of exportTelemetry(changing, query)) parts.push(part)
    const file = new Uint8Array(Buffer.concat(parts)).buffer
    expect(await parquetReadObjects({ file })).toEqual([
      { deviceId: 'a', at: new Date(0), messageId: 'x', on: true, v: 1 },
      { deviceId: 'a', at: new Date(1), messageId: 'y', on: null, v: null },
    ])
  })
})

describe.each(EXPORT_FORMATS)('%s', (format) => {
  it('reads a page at a time, and nothing before it is asked to', async () => {
    const world = createWorld()
    const rows = Array.from({ length: 9_000 }, (_, n) => row(n, 'm', { n }))
    world.rows.set('a', new Map(rows.map((one) => [`${one.at}/m`, one])))
    const { telemetry } = createMemoryPorts(world)
    const query = { ...ALL, metrics: ['n'], format }
    const parts = exportTelemetry(telemetry, query)[Symbol.asyncIterator]()
    expect(world.calls['telemetry.range']).toBeUndefined()
    await parts.next()
    const calls = world.calls['telemetry.range'] ?? 0
    if (format !== 'parquet') expect(calls).toBeLessThanOrEqual(1)
    await parts.return?.()
    expect(world.calls['telemetry.range'] ?? 0).toBe(calls)
  })

  it('fails as the store does', async () => {
    const world = createWorld()
    world.away.add('telemetry')
    const { telemetry } = createMemoryPorts(world)
    const parts = exportTelemetry(telemetry, { ...ALL, format })[Symbol.asyncIterator]()
    await expect(parts.next()).rejects.toMatchObject({ code: 'store.unavailable' })
  })
})

it.each(['csv', 'parquet'] as const)('refuses %s of too many metrics', async (format) => {
  const metrics = Object.fromEntries(Array.from({ length: 2_001 }, (_, n) => [`m${n}`, n]))
  const refused = { code: 'input.too_large', details: { maxColumns: 2_000 } }
  await expect(bytesOf({ a: [row(0, 'x', metrics)] }, format)).rejects.toMatchObject(refused)
  const named = { ...ALL, metrics: Object.keys(metrics) }
  await expect(bytesOf({}, format, named)).rejects.toMatchObject(refused)
})

it('gives the same rows in every format, whatever they hold', async () => {
  const value = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.string(),
  )
  const rows = fc.uniqueArray(
    fc.record({
      at: fc.integer({ min: 0, max: 2 ** 41 }),
      messageId: fc.string({ minLength: 1 }),
      metrics: fc.dictionary(fc.string({ minLength: 1, maxLength: 4 }), value, {
        noNullPrototype: true,
        maxKeys: 4,
      }),
    }),
    { selector: ({ at, messageId }) => `${at}/${messageId}`, maxLength: 12 },
  )
  await fc.assert(
    fc.asyncProperty(rows, async (given) => {
      const lines = (await textOf({ a: given }, 'jsonl')).split('\n').slice(0, -1)
      const wanted = lines.map((line): TelemetryRow => JSON.parse(line))
      expect(wanted).toHaveLength(given.length)
      const { objects } = await parquetOf({ a: given })
      expect(objects.map(({ at, messageId }) => [Number(at), messageId])).toEqual(
        wanted.map(({ at, messageId }) => [at, messageId]),
      )
      const [, ...table] = parse(await textOf({ a: given }, 'csv'))
      expect(table.map((cells) => cells[1])).toEqual(
        wanted.map(({ at }) => new Date(at).toISOString()),
      )
      const cellsOf = (cells: readonly unknown[]) =>
        cells.filter((cell) => cell !== '' && cell !== null).length
      expect(table.map(cellsOf)).toEqual(
        wanted.map(({ metrics }) => 3 + cellsOf(Object.values(metrics))),
      )
    }),
    { numRuns: 100 },
  )
})
