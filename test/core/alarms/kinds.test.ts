import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AlarmFacts,
  type AlarmState,
  hear,
  type Judgement,
  judge,
  judgeTimer,
  type Severity,
} from '../../../core/index.ts'

interface Said {
  readonly at: number
  readonly raise?: boolean
  readonly clear?: boolean
  readonly severity?: Severity
}

/** Judgements, and numbers that are times at which the timer fires; gives what happened, and when. */
function play(facts: AlarmFacts, events: readonly (Said | number)[]): string[] {
  let state: AlarmState | undefined
  return events.flatMap((event) => {
    const verdict =
      typeof event === 'number'
        ? state === undefined
          ? { state }
          : judgeTimer(state, event)
        : judge(state, toJudgement(event), facts, () => 'text')
    state = verdict.state
    if (verdict.transition === undefined) return []
    const at = { raised: state?.raisedAt, cleared: state?.clearedAt }
    return verdict.transition === 'raised' || verdict.transition === 'cleared'
      ? [`${verdict.transition} ${at[verdict.transition]}`]
      : [`${verdict.transition} to ${state?.severity}`]
  })
}

function toJudgement({ at, raise, clear, severity }: Said): Judgement {
  return { at, receivedAt: at, raise, clear, severity }
}

const hot = (at: number, severity?: Severity): Said => ({
  at,
  raise: true,
  clear: false,
  ...(severity === undefined ? {} : { severity }),
})
const cool = (at: number): Said => ({ at, raise: false, clear: true })
const between = (at: number): Said => ({ at, raise: false, clear: false })

describe('an alarm that wants its condition several times', () => {
  const inRow: AlarmFacts = { forMs: 0, times: 3, severity: 'warning' }
  const within: AlarmFacts = { ...inRow, withinMs: 10 }

  it.each([
    ['in a row', inRow, [hot(1), hot(2), hot(3)], ['raised 3']],
    ['broken by one that is not', inRow, [hot(1), hot(2), cool(3), hot(4), hot(5)], []],
    ['and then in a row', inRow, [hot(1), cool(2), hot(3), hot(4), hot(5)], ['raised 5']],
    ['by no time that passes', inRow, [hot(1), hot(2), 1_000], []],
    [
      'within a time, whatever is between',
      within,
      [hot(1), cool(2), hot(5), cool(6), hot(11)],
      ['raised 11'],
    ],
    ['too long ago', within, [hot(1), hot(5), hot(12)], []],
    ['three of four that are near', within, [hot(1), hot(5), hot(12), hot(13)], ['raised 13']],
    [
      'cleared and counted anew',
      inRow,
      [hot(1), hot(2), hot(3), cool(4), hot(5), hot(6)],
      ['raised 3', 'cleared 4'],
    ],
    ['late ones do not count', inRow, [hot(5), hot(6), hot(4), hot(3)], []],
  ])('%s', (_title, facts, events, expected) => {
    expect(play(facts, events)).toEqual(expected)
  })

  it('agrees with counting all hits anew at every message', () => {
    const said = fc.tuple(fc.nat(4), fc.boolean())
    fc.assert(
      fc.property(
        fc.array(said, { maxLength: 40 }),
        fc.integer({ min: 2, max: 4 }),
        (steps, times) => {
          let at = 0
          const events = steps.map(([pause, raise]): Said => {
            at += pause
            return { at, raise, clear: false }
          })
          const first = events.findIndex(({ at: now }, index) => {
            const hits = events.slice(0, index + 1).filter((one) => one.raise && now - one.at <= 10)
            return events[index]?.raise === true && hits.length >= times
          })
          const expected = first < 0 ? [] : [`raised ${events[first]?.at}`]
          expect(play({ ...within, times }, events)).toEqual(expected)
        },
      ),
      { numRuns: 1_000 },
    )
  })
})

describe('an alarm whose end has to hold', () => {
  const facts: AlarmFacts = { forMs: 0, clearForMs: 10, severity: 'warning' }
  it.each<[string, (Said | number)[], string[]]>([
    ['by messages', [hot(1), cool(5), cool(15)], ['raised 1', 'cleared 15']],
    ['by time alone', [hot(1), cool(5), 14, 15], ['raised 1', 'cleared 15']],
    ['not if it comes back', [hot(1), cool(5), hot(9), 15, cool(16), cool(20)], ['raised 1']],
    ['not if it is between', [hot(1), cool(5), between(9), cool(10), cool(16)], ['raised 1']],
    [
      'but after it held anew',
      [hot(1), cool(5), between(9), cool(10), cool(20)],
      ['raised 1', 'cleared 20'],
    ],
  ])('clears %s', (_title, events, expected) => {
    expect(play(facts, events)).toEqual(expected)
  })
})

describe('an alarm with a ladder of severities', () => {
  const facts: AlarmFacts = { forMs: 0, severity: 'info' }
  it('is raised at its rung, and tells each change of it once', () => {
    const events = [
      hot(1, 'warning'),
      hot(2, 'warning'),
      hot(3, 'critical'),
      between(4),
      hot(5, 'info'),
      cool(6),
      hot(7, 'critical'),
    ]
    expect(play(facts, events)).toEqual([
      'raised 1',
      'escalated to critical',
      'eased to info',
      'cleared 6',
      'raised 7',
    ])
  })

  it('climbs while it waits', () => {
    let state: AlarmState | undefined
    for (const said of [hot(0, 'warning'), hot(5, 'critical'), hot(10, 'critical')])
      state = judge(state, toJudgement(said), { forMs: 10, severity: 'info' }, () => '').state
    expect(state).toMatchObject({ status: 'active', severity: 'critical' })
  })
})

describe('an alarm that silence raises', () => {
  const facts = { severity: 'warning', missingMs: 10 } as const
  const heard = (state: AlarmState | undefined, at: number, receivedAt = at) =>
    hear(state, { at, receivedAt }, facts, `last heard of at ${at}`)

  it('is raised when nothing comes for so long, once, and cleared by the next message', () => {
    const first = heard(undefined, 0).state as AlarmState
    expect(first).toMatchObject({ status: 'quiet', dueAt: 10 })
    const second = heard(first, 6).state as AlarmState
    expect(judgeTimer(second, 15).state).toBe(second)
    const raised = judgeTimer(second, 20)
    expect(raised).toMatchObject({
      transition: 'raised',
      state: { status: 'active', raisedAt: 16, text: 'last heard of at 6' },
    })
    const active = raised.state as AlarmState
    expect(judgeTimer(active, 1_000).state).toBe(active)
    const back = heard(active, 30)
    expect(back).toMatchObject({ transition: 'cleared', state: { clearedAt: 30, dueAt: 40 } })
    expect(judgeTimer(back.state as AlarmState, 40)).toMatchObject({ transition: 'raised' })
  })

  it('counts by our clock, and a message that is late says nothing', () => {
    const state = heard(undefined, 100, 500).state as AlarmState
    expect(state.dueAt).toBe(510)
    expect(heard(state, 90, 505).state).toBe(state)
  })
})
