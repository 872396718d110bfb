import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../../core/index.ts'
import type { WindowMessage, WindowState } from '../../../core/model/window.ts'
import {
  type Aggregate,
  addValue,
  EMPTY_AGGREGATE,
  MAX_LIST,
  mergeStates,
  resultOf,
} from '../../../core/windows/aggregates.ts'
import {
  addToWindows,
  closeDueWindows,
  nextWindowDue,
  type WindowPlan,
  type WindowResult,
  type WindowShape,
} from '../../../core/windows/window.ts'

const AGGREGATES: readonly Aggregate[] = [{ name: 'count' }, { name: 'sum' }, { name: 'max' }]

function plan(shape: WindowShape, more: Partial<WindowPlan> = {}): WindowPlan {
  return { shape, aggregates: AGGREGATES, latenessMs: 0, maxPanes: 64, maxSamples: 256, ...more }
}

function message(
  at: number,
  value: number,
  group: readonly Json[] = [],
  receivedAt = at,
): WindowMessage {
  return { at, receivedAt, topic: 't', group, values: [value, value, value] }
}

function feed(
  windows: WindowPlan,
  messages: readonly WindowMessage[],
): { state: WindowState | undefined; closed: WindowResult[] } {
  let state: WindowState | undefined
  const closed: WindowResult[] = []
  for (const one of messages) {
    const change = addToWindows(state, windows, one)
    state = change.state
    closed.push(...change.closed)
  }
  return { state, closed }
}

describe('tumbling windows', () => {
  const windows = plan({ kind: 'tumbling', sizeMs: 60 })

  it('closes a window when event time passes its end; the end belongs to the next', () => {
    const { closed, state } = feed(windows, [message(0, 1), message(59, 2), message(60, 10)])
    expect(closed).toEqual([{ group: [], start: 0, end: 60, results: [2, 3, 2] }])
    expect(state?.panes).toMatchObject([{ start: 60, end: 120 }])
  })

  it('counts late data and lets it change nothing', () => {
    const { closed, state } = feed(windows, [
      message(10, 1),
      message(70, 5),
      message(20, 100),
      message(130, 1),
    ])
    expect(closed.map(({ results }) => results)).toEqual([
      [1, 1, 1],
      [1, 5, 5],
    ])
    expect(state?.late).toBe(1)
  })

  it('waits for late data as long as it is told to', () => {
    const patient = plan({ kind: 'tumbling', sizeMs: 60 }, { latenessMs: 30 })
    const { closed, state } = feed(patient, [
      message(10, 1),
      message(70, 5),
      message(20, 100),
      message(90, 1),
    ])
    expect(closed).toEqual([{ group: [], start: 0, end: 60, results: [2, 101, 100] }])
    expect(state?.late).toBe(0)
  })

  it('closes by our clock if no message comes, and then counts what comes as late', () => {
    const { state } = feed(windows, [message(10, 1, [], 1_000_010)])
    if (state === undefined) throw new Error('expected a state')
    expect(nextWindowDue(state)).toBe(1_000_060)
    expect(closeDueWindows(state, windows, 1_000_059).closed).toEqual([])
    const change = closeDueWindows(state, windows, 1_000_060)
    expect(change.closed).toEqual([{ group: [], start: 0, end: 60, results: [1, 1, 1] }])
    expect(nextWindowDue(change.state)).toBe(0)
    expect(addToWindows(change.state, windows, message(30, 1)).state.late).toBe(1)
  })

  it('holds no more windows than allowed, at the limit and one past it', () => {
    const small = plan({ kind: 'tumbling', sizeMs: 60 }, { maxPanes: 2 })
    const { state } = feed(small, [message(1, 1, ['a']), message(1, 1, ['b'])])
    expect(state).toMatchObject({ dropped: 0, panes: [{ group: ['a'] }, { group: ['b'] }] })
    const { state: more, closed } = feed(small, [
      message(1, 1, ['a']),
      message(1, 1, ['b']),
      message(2, 1, ['c']),
      message(61, 1, ['c']),
    ])
    expect(more?.dropped).toBeGreaterThanOrEqual(1)
    expect(closed.map(({ group }) => group)).toEqual([['a'], ['b']])
  })

  it('agrees with grouping the whole stream at once', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            step: fc.nat(100),
            value: fc.integer({ min: -50, max: 50 }),
            room: fc.constantFrom('a', 'b'),
          }),
          { maxLength: 60 },
        ),
        (events) => {
          let at = 0
          const messages = events.map(({ step, value, room }) => {
            at += step
            return message(at, value, [room])
          })
          const { closed } = feed(windows, [...messages, message(at + 1_000_000, 0, ['end'])])
          const expected = new Map<string, number[]>()
          for (const one of messages) {
            const key = `${Math.floor(one.at / 60)}/${one.group[0]}`
            expected.set(key, [...(expected.get(key) ?? []), Number(one.values[0])])
          }
          const found = new Map(
            closed.map(({ start, group, results }) => [`${start / 60}/${group[0]}`, results]),
          )
          expect(found.size).toBe(expected.size)
          for (const [key, values] of expected) {
            expect(found.get(key)).toEqual([
              values.length,
              values.reduce((sum, value) => sum + value, 0),
              Math.max(...values),
            ])
          }
        },
      ),
    )
  })
})

describe('hopping windows', () => {
  it('puts a message into every window that covers it', () => {
    const windows = plan({ kind: 'hopping', sizeMs: 60, hopMs: 20 })
    const { closed } = feed(windows, [message(50, 7), message(500, 0)])
    expect(closed.slice(0, 3).map(({ start, end, results }) => [start, end, results[1]])).toEqual([
      [0, 60, 7],
      [20, 80, 7],
      [40, 100, 7],
    ])
  })
})

describe('session windows', () => {
  const windows = plan({ kind: 'session', gapMs: 10, maxMs: 100 })

  it('goes on while messages come within the gap', () => {
    const { closed } = feed(windows, [
      message(0, 1),
      message(9, 1),
      message(18, 1),
      message(28, 5),
      message(100, 0),
    ])
    expect(closed).toEqual([
      { group: [], start: 0, end: 28, results: [3, 3, 1] },
      { group: [], start: 28, end: 38, results: [1, 5, 5] },
    ])
  })

  it('joins two sessions when a message between them comes late', () => {
    const patient = plan({ kind: 'session', gapMs: 10, maxMs: 100 }, { latenessMs: 50 })
    const { closed } = feed(patient, [
      message(0, 1),
      message(15, 2),
      message(8, 4),
      message(200, 0),
    ])
    expect(closed).toEqual([{ group: [], start: 0, end: 25, results: [3, 7, 4] }])
  })

  it('ends at the longest length', () => {
    const { closed } = feed(windows, [
      ...Array.from({ length: 30 }, (_, index) => message(index * 5, 1)),
      message(1_000, 1),
    ])
    expect(closed.every(({ start, end }) => end - start <= 110)).toBe(true)
    expect(closed.reduce((sum, { results }) => sum + Number(results[0]), 0)).toBe(30)
  })
})

describe('sliding windows', () => {
  it('tells after each message what is inside', () => {
    const windows = plan({ kind: 'sliding', sizeMs: 10 })
    const { closed } = feed(windows, [message(0, 1), message(5, 2), message(10, 4), message(14, 8)])
    expect(closed.map(({ results }) => results)).toEqual([
      [1, 1, 1],
      [2, 3, 2],
      [2, 6, 4],
      [3, 14, 8],
    ])
  })

  const sliding = plan({ kind: 'sliding', sizeMs: 10 })

  it('tells when messages leave and something stays, not when all have left', () => {
    const { closed } = feed(sliding, [message(0, 1), message(4, 2), message(4, 4), message(30, 8)])
    expect(closed).toEqual([
      { group: [], start: -10, end: 0, results: [1, 1, 1], entered: true },
      { group: [], start: -6, end: 4, results: [2, 3, 2], entered: true },
      { group: [], start: -6, end: 4, results: [3, 7, 4], entered: true },
      { group: [], start: 0, end: 10, results: [2, 6, 4] },
      { group: [], start: 20, end: 30, results: [1, 8, 8], entered: true },
    ])
  })

  it('lets messages leave by our clock if none comes', () => {
    const { state } = feed(sliding, [message(0, 1, [], 1_000), message(4, 2, [], 1_004)])
    if (state === undefined) throw new Error('no state')
    expect(nextWindowDue(state)).toBe(1_010)
    expect(closeDueWindows(state, sliding, 1_009)).toEqual({ state, closed: [] })
    const left = closeDueWindows(state, sliding, 1_011)
    expect(left.closed).toEqual([{ group: [], start: 0, end: 10, results: [1, 2, 2] }])
    expect(nextWindowDue(left.state)).toBe(1_014)
    const gone = closeDueWindows(left.state, sliding, 1_020)
    expect(gone.closed).toEqual([])
    expect(gone.state.panes).toEqual([])
    expect(nextWindowDue(gone.state)).toBe(0)
  })

  it('lets messages of one group leave when one of another comes', () => {
    const { closed, state } = feed(sliding, [
      message(0, 1, ['a']),
      message(5, 2, ['a']),
      message(12, 4, ['b']),
    ])
    expect(closed.map(({ group, end, results }) => [group, end, results[0]])).toEqual([
      [['a'], 0, 1],
      [['a'], 5, 2],
      [['a'], 10, 1],
      [['b'], 12, 1],
    ])
    expect(state?.panes).toHaveLength(2)
  })

  it('waits for late data before it lets messages leave', () => {
    const patient = plan({ kind: 'sliding', sizeMs: 10 }, { latenessMs: 5 })
    const { closed } = feed(patient, [message(0, 1), message(12, 2), message(4, 4), message(15, 8)])
    expect(closed.map(({ end, results }) => [end, results[0]])).toEqual([
      [0, 1],
      [12, 1],
      [12, 2],
      [10, 1],
      [15, 2],
    ])
  })

  it('agrees with a look at every moment', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 25 }), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 20 }),
        (gaps, sizeMs) => {
          const windows = plan({ kind: 'sliding', sizeMs })
          let at = 0
          const times = gaps.map((gap) => {
            at += gap
            return at
          })
          const { closed, state } = feed(
            windows,
            times.map((time) => message(time, 1)),
          )
          if (state === undefined) throw new Error('no state')
          const all = [...closed, ...closeDueWindows(state, windows, at + 1_000).closed]
          // The last result of each moment, and how many messages are inside by definition.
          const found = new Map(all.map(({ end, results }) => [end, results[0]]))
          const wanted = new Map<number, number>()
          for (const moment of [...times, ...times.map((time) => time + sizeMs)].toSorted(
            (a, b) => a - b,
          )) {
            const count = times.filter((time) => time > moment - sizeMs && time <= moment).length
            if (count > 0) wanted.set(moment, count)
          }
          expect(found).toEqual(wanted)
        },
      ),
    )
  })

  it('passes over moments of long ago if there are many, and counts them', () => {
    const windows = plan({ kind: 'sliding', sizeMs: 1_000 })
    const { state } = feed(
      windows,
      Array.from({ length: 100 }, (_, at) => message(at, 1)),
    )
    if (state === undefined) throw new Error('no state')
    const left = closeDueWindows(state, windows, 100_000)
    expect(left.closed).toHaveLength(64)
    expect(left.closed.at(-1)?.results[0]).toBe(1)
    expect(left.state).toMatchObject({ panes: [], dropped: 99 - 64 })
  })

  it('holds no more messages than allowed', () => {
    const windows = plan({ kind: 'sliding', sizeMs: 1_000 }, { maxSamples: 3 })
    const { closed, state } = feed(
      windows,
      [1, 2, 3, 4].map((at) => message(at, 1)),
    )
    expect(closed.map(({ results }) => results[0])).toEqual([1, 2, 3, 3])
    expect(state?.dropped).toBe(1)
  })
})

describe('aggregates', () => {
  const run = (aggregate: Aggregate, values: readonly (Json | undefined)[]): Json | undefined =>
    resultOf(
      aggregate,
      values.reduce((state, value, at) => addValue(aggregate, state, value, at), EMPTY_AGGREGATE),
    )

  it.each([
    [{ name: 'count' }, [1, null, undefined, 'a', false], 3],
    [{ name: 'sum' }, [1, 2.5, 'x', null], 3.5],
    [{ name: 'sum' }, [], 0],
    [{ name: 'avg' }, [1, 2, 6], 3],
    [{ name: 'avg' }, [null], undefined],
    [{ name: 'min' }, [3, -1, 2], -1],
    [{ name: 'max' }, [3, -1, 2], 3],
    [{ name: 'stddev' }, [2, 4, 4, 4, 5, 5, 7, 9], Math.sqrt(32 / 7)],
    [{ name: 'stddev' }, [2], undefined],
    [{ name: 'first' }, ['a', 'b'], 'a'],
    [{ name: 'last' }, ['a', 'b', null], 'b'],
    [{ name: 'percentile', share: 0.5 }, [1, 2, 3, 4], 2.5],
    [{ name: 'percentile', share: 1 }, [1, 2, 3, 4], 4],
    [{ name: 'percentile', share: 0.5 }, [], undefined],
    [{ name: 'collect' }, [1, { a: 2 }, undefined], [1, { a: 2 }]],
  ] as const)('%j of %j', (aggregate, values, expected) => {
    const found = run(aggregate, values)
    if (typeof expected === 'number') expect(found).toBeCloseTo(expected, 12)
    else expect(found).toEqual(expected)
  })

  it('keeps percentiles of many values within 2 %, in bounded room', () => {
    const values = Array.from(
      { length: 20_000 },
      (_, index) => ((index * 7_919) % 20_000) / 10 - 300,
    )
    const sorted = values.toSorted((a, b) => a - b)
    for (const share of [0.05, 0.5, 0.95, 0.99]) {
      const exact = sorted[Math.round(share * (sorted.length - 1))] ?? 0
      expect(
        Math.abs(Number(run({ name: 'percentile', share }, values)) - exact),
      ).toBeLessThanOrEqual(Math.abs(exact) * 0.02 + 0.2)
    }
    const state = values.reduce<ReturnType<typeof addValue>>(
      (acc, value, at) => addValue({ name: 'percentile' }, acc, value, at),
      EMPTY_AGGREGATE,
    )
    expect(JSON.stringify(state).length).toBeLessThan(12_000)
  })

  it('collects no more than the limit', () => {
    expect(
      run(
        { name: 'collect' },
        Array.from({ length: MAX_LIST }, (_, index) => index),
      ),
    ).toHaveLength(MAX_LIST)
    expect(
      run(
        { name: 'collect' },
        Array.from({ length: MAX_LIST + 1 }, (_, index) => index),
      ),
    ).toHaveLength(MAX_LIST)
  })

  it('gives the same whether values come in one state or in two that are merged', () => {
    const names = [
      'count',
      'sum',
      'avg',
      'min',
      'max',
      'stddev',
      'first',
      'last',
      'percentile',
      'collect',
    ] as const
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.array(fc.integer({ min: -1_000, max: 1_000 }), { maxLength: 80 }),
        fc.nat(80),
        (name, values, cut) => {
          const take = (from: number, to: number) =>
            values
              .slice(from, to)
              .reduce(
                (state, value, index) => addValue({ name }, state, value, from + index),
                EMPTY_AGGREGATE,
              )
          const whole = resultOf({ name }, take(0, values.length))
          const merged = resultOf(
            { name },
            mergeStates({ name }, take(0, cut), take(Math.min(cut, values.length), values.length)),
          )
          if (typeof whole === 'number') expect(merged).toBeCloseTo(whole, 6)
          else expect(merged).toEqual(whole)
        },
      ),
    )
  })
})
