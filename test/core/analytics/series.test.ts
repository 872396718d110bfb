import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bucketStart } from '../../../core/analytics/buckets.ts'
import {
  AGGREGATES,
  type MetricValue,
  readSeries,
  type SeriesQuery,
  type TelemetryRow,
  type TelemetryStore,
} from '../../../core/index.ts'
import { createMemoryPorts, createWorld } from '../../fakes/memory-ports.ts'
import { naiveSeries } from './naive.ts'

const MINUTE = 60_000

function storeOf(rows: Readonly<Record<string, readonly TelemetryRow[]>>): TelemetryStore {
  const world = createWorld()
  for (const [deviceId, ofDevice] of Object.entries(rows))
    world.rows.set(deviceId, new Map(ofDevice.map((row) => [`${row.at}/${row.messageId}`, row])))
  return createMemoryPorts(world).telemetry
}

function row(at: number, messageId: string, metrics: Record<string, MetricValue>): TelemetryRow {
  return { at, messageId, metrics }
}

const QUERY: SeriesQuery = {
  deviceIds: ['dev-1'],
  from: 0,
  to: 8.64e15,
  bucketMs: MINUTE,
  aggregates: ['avg'],
  maxPoints: 1_000,
}

describe('bucketStart', () => {
  it.each([
    [0, 0],
    [1, 0],
    [59_999, 0],
    [60_000, 60_000],
    [60_000.5, 60_000],
    [-1, -60_000],
    [-60_000, -60_000],
    [-60_001, -120_000],
    [8.64e15 - 1, 8.64e15 - 60_000],
  ])('%s is in the bucket of %s', (at, start) => {
    expect(bucketStart(at, MINUTE)).toBe(start)
  })
})

describe('readSeries', () => {
  it('draws the values of one bucket together', async () => {
    const store = storeOf({
      'dev-1': [
        row(60_000, 'a', { t: 1, on: true, text: 'x' }),
        row(61_000, 'b', { t: 3, on: false, text: 'y' }),
        row(119_999, 'c', { t: 5, on: false }),
        row(180_000, 'd', { t: -2 }),
      ],
    })
    expect(await readSeries(store, { ...QUERY, aggregates: AGGREGATES })).toEqual([
      {
        deviceId: 'dev-1',
        metric: 'on',
        points: [{ at: 60_000, avg: 1 / 3, count: 3, first: true, last: false }],
      },
      {
        deviceId: 'dev-1',
        metric: 't',
        points: [
          { at: 60_000, avg: 3, min: 1, max: 5, sum: 9, count: 3, first: 1, last: 5 },
          { at: 180_000, avg: -2, min: -2, max: -2, sum: -2, count: 1, first: -2, last: -2 },
        ],
      },
      {
        deviceId: 'dev-1',
        metric: 'text',
        points: [{ at: 60_000, count: 2, first: 'x', last: 'y' }],
      },
    ])
  })

  it('has the last value of what has none of the aggregates', async () => {
    const store = storeOf({
      'dev-1': [
        row(0, 'a', { state: 'open', on: true }),
        row(1, 'b', { state: 'shut', on: false }),
      ],
    })
    expect(await readSeries(store, { ...QUERY, aggregates: ['avg', 'max'] })).toEqual([
      { deviceId: 'dev-1', metric: 'on', points: [{ at: 0, avg: 0.5 }] },
      { deviceId: 'dev-1', metric: 'state', points: [{ at: 0, last: 'shut' }] },
    ])
    expect(await readSeries(store, { ...QUERY, aggregates: ['sum'] })).toContainEqual({
      deviceId: 'dev-1',
      metric: 'on',
      points: [{ at: 0, last: false }],
    })
  })

  it('leaves out what is past the largest number', async () => {
    const store = storeOf({
      'dev-1': [row(0, 'a', { t: 1.7e308 }), row(1, 'b', { t: 1.7e308 })],
    })
    expect(await readSeries(store, { ...QUERY, aggregates: ['avg', 'sum', 'max'] })).toEqual([
      { deviceId: 'dev-1', metric: 't', points: [{ at: 0, max: 1.7e308 }] },
    ])
  })

  it('tells of the metrics that were asked for, of the devices in their order, once', async () => {
    const store = storeOf({
      a: [row(0, '1', { t: 1, u: 2 })],
      b: [row(0, '1', { t: 3, v: 2 })],
    })
    const series = await readSeries(store, {
      ...QUERY,
      deviceIds: ['b', 'nobody', 'a', 'b'],
      metrics: ['t', 'v'],
    })
    expect(series.map(({ deviceId, metric }) => `${deviceId} ${metric}`)).toEqual([
      'b t',
      'b v',
      'a t',
    ])
  })

  it('keeps to the span, also where a bucket starts before it', async () => {
    const rows = [30_000, 59_999, 60_000, 90_000].map((at) => row(at, 'a', { t: at }))
    const query: SeriesQuery = { ...QUERY, from: 59_999, to: 90_000, aggregates: ['count', 'sum'] }
    expect(await readSeries(storeOf({ 'dev-1': rows }), query)).toEqual([
      {
        deviceId: 'dev-1',
        metric: 't',
        points: [
          { at: 0, count: 1, sum: 59_999 },
          { at: 60_000, count: 1, sum: 60_000 },
        ],
      },
    ])
    expect(await readSeries(storeOf({ 'dev-1': rows }), { ...query, to: 0 })).toEqual([])
  })

  it('reads more rows than fit on a page, also where they are of one time', async () => {
    const rows = [
      ...Array.from({ length: 5_000 }, (_, n) => row(n, 'a', { t: n })),
      ...Array.from({ length: 5_001 }, (_, n) => row(5_000, `m${n}`, { t: 1 })),
      row(5_001, 'z', { t: 7 }),
    ]
    const query: SeriesQuery = { ...QUERY, bucketMs: 2_500, aggregates: ['count', 'last'] }
    expect(await readSeries(storeOf({ 'dev-1': rows }), query)).toEqual([
      {
        deviceId: 'dev-1',
        metric: 't',
        points: [
          { at: 0, count: 2_500, last: 2_499 },
          { at: 2_500, count: 2_500, last: 4_999 },
          { at: 5_000, count: 5_002, last: 7 },
        ],
      },
    ])
  })

  it('takes rows of one time in the order of their ids, wherever they are kept', async () => {
    const rows = [row(0, 'b', { t: 2 }), row(0, 'c', { t: 3 }), row(0, 'a', { t: 1 })]
    const query: SeriesQuery = { ...QUERY, aggregates: ['first', 'last'] }
    const [series] = await readSeries(storeOf({ 'dev-1': rows }), query)
    expect(series?.points).toEqual([{ at: 0, first: 1, last: 3 }])
  })

  it('counts the points of all series together', async () => {
    const ten = Array.from({ length: 10 }, (_, n) => row(n * MINUTE, 'a', { t: n }))
    const store = storeOf({ a: ten, b: ten })
    const query = { ...QUERY, deviceIds: ['a', 'b'] }
    expect(await readSeries(store, { ...query, maxPoints: 20 })).toHaveLength(2)
    await expect(readSeries(store, { ...query, maxPoints: 19 })).rejects.toMatchObject({
      code: 'input.too_large',
      details: { maxPoints: 19 },
    })
  })

  it.each([0, -1, 0.5, Number.NaN, Infinity])('refuses buckets of %s ms', async (bucketMs) => {
    await expect(readSeries(storeOf({}), { ...QUERY, bucketMs })).rejects.toMatchObject({
      code: 'input.malformed',
      message: expect.stringContaining('bucketMs'),
    })
  })

  it.each([
    { from: Number.NaN, to: 1 },
    { from: 0, to: Infinity },
  ])('refuses the span $from to $to', async (span) => {
    await expect(readSeries(storeOf({}), { ...QUERY, ...span })).rejects.toMatchObject({
      code: 'input.malformed',
    })
  })

  it('fails as the store does', async () => {
    const world = createWorld()
    world.away.add('telemetry')
    await expect(readSeries(createMemoryPorts(world).telemetry, QUERY)).rejects.toMatchObject({
      code: 'store.unavailable',
    })
  })

  it('agrees with the plainest way for whatever rows', async () => {
    const value = fc.oneof(
      fc.integer({ min: -99, max: 99 }),
      fc.boolean(),
      fc.constantFrom('x', ''),
    )
    const rows = fc.uniqueArray(
      fc.record({
        at: fc.integer({ min: -200, max: 200 }),
        messageId: fc.constantFrom('a', 'b', 'c'),
        metrics: fc.dictionary(fc.constantFrom('t', 'u', 'constructor'), value),
      }),
      { selector: ({ at, messageId }) => `${at}/${messageId}`, maxLength: 40 },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.constantFrom('d1', 'd2'), rows, { noNullPrototype: true }),
        fc.record({
          from: fc.integer({ min: -220, max: 220 }),
          to: fc.integer({ min: -220, max: 220 }),
          bucketMs: fc.integer({ min: 1, max: 150 }),
          metrics: fc.option(fc.subarray(['t', 'u', 'constructor']), { nil: undefined }),
          aggregates: fc.subarray([...AGGREGATES]),
        }),
        async (given, asked) => {
          const query: SeriesQuery = {
            ...asked,
            deviceIds: ['d2', 'd1', 'd3'],
            maxPoints: 10_000,
          }
          expect(await readSeries(storeOf(given), query)).toEqual(
            naiveSeries((deviceId) => given[deviceId] ?? [], query),
          )
        },
      ),
      { numRuns: 300 },
    )
  })
})
