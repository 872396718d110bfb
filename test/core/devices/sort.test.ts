import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createBest } from '../../../core/devices/search/best.ts'
import type { Subject } from '../../../core/devices/search/search.ts'
import { parseSort } from '../../../core/devices/search/sort.ts'
import { newDeviceRecord } from '../../../core/model/device-record.ts'

describe('the first of many', () => {
  it('are those that sorting all would give', () => {
    void fc.assert(
      fc.property(fc.array(fc.integer({ max: 50, min: 0 })), fc.nat({ max: 20 }), (all, most) => {
        const best = createBest<number>(most, (a, b) => a - b)
        for (const one of all) best.add(one)
        expect(best.end()).toEqual(all.toSorted((a, b) => a - b).slice(0, most))
      }),
      { numRuns: 1_000 },
    )
  })
})

const value = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.boolean(),
  fc.constantFrom('a', 'b', 'A', '9', ''),
)

describe('an order of devices', () => {
  it('is the same whatever page it is read in', () => {
    const devices = fc.uniqueArray(
      fc.record({
        deviceId: fc.constantFrom(...'abcdefghij'),
        x: fc.option(value, { nil: undefined }),
      }),
      { selector: ({ deviceId }) => deviceId },
    )
    void fc.assert(
      fc.property(
        devices,
        fc.constantFrom('last.x', '-last.x', '-id', 'id'),
        fc.integer({ min: 1, max: 4 }),
        (found, text, size) => {
          const sort = parseSort(text)
          const places = found.map(({ deviceId, x }) => {
            const record = newDeviceRecord(deviceId, 0)
            const last = x === undefined ? {} : { x: { value: x, at: 0 } }
            const subject: Subject = { deviceId, record: { ...record, last } }
            return { deviceId, key: sort.keyOf(subject) }
          })
          const whole = places.toSorted(sort.compare).map(({ deviceId }) => deviceId)
          const read: string[] = []
          for (let after = ''; ; ) {
            const from = after === '' ? undefined : sort.readCursor(after)
            const page = places
              .filter((place) => from === undefined || sort.compare(place, from) > 0)
              .toSorted(sort.compare)
              .slice(0, size)
            const last = page.at(-1)
            if (last === undefined) break
            read.push(...page.map(({ deviceId }) => deviceId))
            after = sort.toCursor(last)
          }
          expect(read).toEqual(whole)
        },
      ),
      { numRuns: 500 },
    )
  })

  it.each(['', 'size', '-', 'tags', 'last.', '--id', 'ID'])('is not %j', (text) => {
    expect(() => parseSort(text)).toThrow(/^expected id, type, state/)
  })

  it.each([
    ['last.x', 'not base64!'],
    ['last.x', parseSort('-last.x').toCursor({ key: 1, deviceId: 'a' })],
    ['last.x', 'e30'],
    ['last.x', 'a'],
    ['id', parseSort('-id').toCursor({ key: 'a', deviceId: 'a' })],
  ])('%s does not go on from %j', (text, cursor) => {
    expect(() => parseSort(text).readCursor(cursor)).toThrow('expected `next` of a page')
  })
})
