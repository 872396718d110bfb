import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  openChunk,
  packChunk,
  type StoredRow,
  unpackKeys,
  unpackRows,
} from '../../../adapters/local/chunk/chunk.ts'
import type { MetricValue } from '../../../core/index.ts'

const START = 1_750_000_000_000

function toRow([at, messageId, metrics]: StoredRow) {
  return { at, messageId, metrics }
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

function check(rows: readonly StoredRow[]): void {
  const sorted = rows.toSorted((a, b) => a[0] - b[0] || compare(a[1], b[1]))
  const chunk = packChunk(rows)
  expect(unpackRows(chunk)).toEqual(sorted.map(toRow))
  expect(unpackKeys(chunk)).toEqual(sorted.map(([at, id]) => [at, id]))
}

function ofValues(values: readonly (MetricValue | undefined)[]): StoredRow[] {
  return values.map((v, index) => [START + index, `${index}`, v === undefined ? {} : { v }])
}

describe('a chunk', () => {
  it.each([
    ['whole numbers', [0, 1, -1, 250, -250, 2 ** 31, -(2 ** 40)]],
    ['decimals', [21.5, 21.53, -0.000001, 0.1, 1_234_567.891]],
    ['any doubles', [Math.PI, 1e300, 5e-324, -1.7976931348623157e308, 0.1 + 0.2]],
    ['the largest whole numbers', [2 ** 53 - 1, -(2 ** 53), 2 ** 51, -(2 ** 51), 2 ** 51 + 1]],
    ['a decimal that is too large for the digits of others', [2 ** 50, 0.5]],
    ['zero of both signs', [0, -0, 1]],
    ['booleans', [true, false, true, true, false, false, true, false, true]],
    ['texts', ['open', 'shut', 'open', '', 'ü \u0000 \ud800 😀']],
    ['of several kinds', [1, 'one', true]],
    ['not in every row', [undefined, 1, undefined, 2.5, undefined]],
    ['booleans that are not in every row', [undefined, true, undefined, false]],
    ['in no row', [undefined, undefined]],
  ])('gives back %s', (_, values) => {
    check(ofValues(values))
  })

  it('gives back no rows', () => {
    check([])
  })

  it('gives back ids of any shape', () => {
    for (const ids of [
      ['a', 'b'],
      ['a', 'bc', ''],
      ['é', 'ÿ'],
      ['€', '😀', '\ud800'],
    ])
      check(ids.map((id, index) => [START + index, id, {}]))
  })

  it('gives back metrics of any name', () => {
    check([[START, 'a', JSON.parse('{"__proto__": 1, "constructor": 2, "": 3, "\\ud800": 4}')]])
  })

  it('puts rows into the order of time, and those of one time into that of their ids', () => {
    const rows: StoredRow[] = [
      [START + 2, 'c', { n: 3 }],
      [START, 'b', { n: 1 }],
      [START, 'a', { n: 2 }],
    ]
    check(rows)
    expect(unpackRows(packChunk(rows)).map(({ messageId }) => messageId)).toEqual(['a', 'b', 'c'])
  })

  it('gives back times before 1970 and between milliseconds', () => {
    check([
      [-3_600_000, 'a', {}],
      [-1, 'b', {}],
    ])
    check([
      [0.5, 'a', {}],
      [1, 'b', {}],
    ])
  })

  it('reads a column alone', () => {
    const chunk = openChunk(packChunk([[START, 'a', { t: 1, u: 'x' }]]).columns)
    expect([...chunk.times]).toEqual([START])
    expect(chunk.metrics).toEqual(['t', 'u'])
    expect(chunk.values('u')).toEqual(['x'])
    expect(chunk.values('nothing')).toEqual([undefined])
  })

  it('is small: a measurement of two decimals takes about four bytes', () => {
    const rows = Array.from({ length: 360 }, (_, index): StoredRow => {
      const wave = Math.round(2_000 + 300 * Math.sin(index / 50)) / 100
      return [
        START + index * 10_000,
        String(index).padStart(14, '0'),
        { t: wave, h: Math.round(wave * 20) / 10 },
      ]
    })
    const { columns, ids } = packChunk(rows)
    expect(columns.length).toBeLessThan(360 * 4)
    expect(ids.length).toBeLessThan(360 * 14 + 8)
  })

  it('is refused where it was cut, or is of another format', () => {
    const { columns } = packChunk(ofValues([1, 2, 3]))
    expect(() => openChunk(new Uint8Array([2, ...columns.subarray(1)]))).toThrow(
      /format 1, found 2/,
    )
    for (let length = 0; length < columns.length; length++)
      expect(() => openChunk(columns.slice(0, length)).values('v')).toThrow(RangeError)
  })

  it('gives back whatever is packed', () => {
    const value = fc.oneof(
      // A stored row came as JSON, which has one zero and no infinity.
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((double) => double + 0),
      fc.integer(),
      fc.integer({ min: -9_999, max: 9_999 }).map((whole) => whole / 100),
      fc.boolean(),
      fc.string({ unit: 'binary' }),
    )
    const row = fc.tuple(
      fc.integer({ min: 0, max: 3_600_000 }).map((offset) => START + offset),
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.dictionary(fc.constantFrom('t', 'u', 'v', '__proto__', '1'), value, {
        noNullPrototype: true,
      }),
    )
    fc.assert(
      fc.property(fc.array(row, { maxLength: 40 }), (rows) => check(rows)),
      { numRuns: 500 },
    )
  })
})
