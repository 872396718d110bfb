import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AlarmFacts,
  type AlarmState,
  acknowledge,
  type Judgement,
  judge,
  judgeTimer,
  type Verdict,
} from '../../../core/index.ts'

type Said = true | false | undefined

const INSTANT: AlarmFacts = { forMs: 0, severity: 'warning' }
const HELD: AlarmFacts = { forMs: 10, severity: 'critical' }

function said(raise: Said, clear: Said, at: number, receivedAt = at): Judgement {
  return { raise, clear, at, receivedAt }
}

/** Runs judgements and timers (a number is the time at which the timer fires) one after another. */
function run(facts: AlarmFacts, events: readonly (Judgement | number)[]): Verdict[] {
  let state: AlarmState | undefined
  return events.map((event) => {
    const verdict: Verdict =
      typeof event === 'number'
        ? state === undefined
          ? { state }
          : judgeTimer(state, event)
        : judge(state, event, facts, () => `at ${event.at}`)
    state = verdict.state
    return verdict
  })
}

const transitionsOf = (verdicts: readonly Verdict[]) =>
  verdicts.flatMap(({ transition, state }) =>
    transition === undefined
      ? []
      : [`${transition} ${transition === 'raised' ? state?.raisedAt : state?.clearedAt}`],
  )

const hot = (at: number, receivedAt = at) => said(true, false, at, receivedAt)
const cool = (at: number, receivedAt = at) => said(false, true, at, receivedAt)
const between = (at: number) => said(false, false, at)
const silent = (at: number) => said(undefined, undefined, at)

describe('judge', () => {
  const cases: readonly {
    title: string
    facts: AlarmFacts
    events: readonly (Judgement | number)[]
    transitions: readonly string[]
    status: AlarmState['status'] | undefined
  }[] = [
    {
      title: 'nothing said',
      facts: INSTANT,
      events: [silent(1)],
      transitions: [],
      status: undefined,
    },
    {
      title: 'never true',
      facts: INSTANT,
      events: [cool(1), cool(2)],
      transitions: [],
      status: 'quiet',
    },
    {
      title: 'true',
      facts: INSTANT,
      events: [hot(1)],
      transitions: ['raised 1'],
      status: 'active',
    },
    {
      title: 'true again and again: raised once',
      facts: INSTANT,
      events: [hot(1), hot(2), hot(3)],
      transitions: ['raised 1'],
      status: 'active',
    },
    {
      title: 'between the two conditions nothing changes: hysteresis',
      facts: INSTANT,
      events: [hot(1), between(2), hot(3), between(4), cool(5), between(6), hot(7)],
      transitions: ['raised 1', 'cleared 5', 'raised 7'],
      status: 'active',
    },
    {
      title: 'silence clears nothing',
      facts: INSTANT,
      events: [hot(1), silent(2), silent(3)],
      transitions: ['raised 1'],
      status: 'active',
    },
    {
      title: 'a clear condition that says nothing clears nothing',
      facts: INSTANT,
      events: [hot(1), said(false, undefined, 2)],
      transitions: ['raised 1'],
      status: 'active',
    },
    {
      title: 'flapping within one time',
      facts: INSTANT,
      events: [hot(1), cool(1), hot(1), cool(1)],
      transitions: ['raised 1', 'cleared 1', 'raised 1', 'cleared 1'],
      status: 'cleared',
    },
    {
      title: 'for: not yet',
      facts: HELD,
      events: [hot(0), hot(9)],
      transitions: [],
      status: 'pending',
    },
    {
      title: 'for: by event time, at the very moment',
      facts: HELD,
      events: [hot(0), hot(5), hot(10)],
      transitions: ['raised 10'],
      status: 'active',
    },
    {
      title: 'for: by event time in data that comes late, all at once',
      facts: HELD,
      events: [hot(0, 1_000), hot(30, 1_000)],
      transitions: ['raised 30'],
      status: 'active',
    },
    {
      title: 'for: a break starts it anew',
      facts: HELD,
      events: [hot(0), cool(9), hot(10), hot(19), hot(20)],
      transitions: ['raised 20'],
      status: 'active',
    },
    {
      title: 'for: a break between the two conditions counts too',
      facts: HELD,
      events: [hot(0), between(9), hot(10)],
      transitions: [],
      status: 'pending',
    },
    {
      title: 'for: silence is no break',
      facts: HELD,
      events: [hot(0), silent(5), hot(10)],
      transitions: ['raised 10'],
      status: 'active',
    },
    {
      title: 'for: by the timer, though no message comes',
      facts: HELD,
      events: [hot(0), 9, 10],
      transitions: ['raised 10'],
      status: 'active',
    },
    {
      title: 'for: the timer counts from when the message came, not from when it was sent',
      facts: HELD,
      events: [hot(0, 100), 109, 110],
      transitions: ['raised 110'],
      status: 'active',
    },
    {
      title: 'for: the timer fires once',
      facts: HELD,
      events: [hot(0), 10, 20, hot(30), 40],
      transitions: ['raised 10'],
      status: 'active',
    },
    {
      title: 'for: nothing to fire once the condition is over',
      facts: HELD,
      events: [hot(0), cool(5), 10, 1_000],
      transitions: [],
      status: 'quiet',
    },
    {
      title: 'for: again after it was cleared',
      facts: HELD,
      events: [hot(0), 10, cool(11), hot(12), 21, 22],
      transitions: ['raised 10', 'cleared 11', 'raised 22'],
      status: 'active',
    },
    {
      title: 'late: does not raise what was never met',
      facts: INSTANT,
      events: [cool(10), hot(9)],
      transitions: [],
      status: 'quiet',
    },
    {
      title: 'late: does not raise what is cleared',
      facts: INSTANT,
      events: [hot(1), cool(5), hot(4)],
      transitions: ['raised 1', 'cleared 5'],
      status: 'cleared',
    },
    {
      title: 'late: does not raise what was cleared and judged since',
      facts: INSTANT,
      events: [hot(1), cool(5), cool(9), hot(7)],
      transitions: ['raised 1', 'cleared 5'],
      status: 'cleared',
    },
    {
      title: 'late: does not clear what was judged since',
      facts: INSTANT,
      events: [hot(1), hot(9), cool(5)],
      transitions: ['raised 1'],
      status: 'active',
    },
    {
      title: 'late: does not break a condition that holds',
      facts: HELD,
      events: [hot(0), hot(9), cool(5), hot(10)],
      transitions: ['raised 10'],
      status: 'active',
    },
    {
      title: 'late: does not make a condition older',
      facts: HELD,
      events: [hot(10), hot(0), hot(12)],
      transitions: [],
      status: 'pending',
    },
    {
      title: 'a message that says nothing makes no other late',
      facts: INSTANT,
      events: [silent(10), hot(5)],
      transitions: ['raised 5'],
      status: 'active',
    },
  ]

  it.each(cases)('$title', ({ facts, events, transitions, status }) => {
    const verdicts = run(facts, events)
    expect(transitionsOf(verdicts)).toEqual(transitions)
    expect(verdicts.at(-1)?.state?.status).toBe(status)
  })

  it('gives back the very same state where nothing changed', () => {
    const [{ state } = { state: undefined }] = run(INSTANT, [hot(5)])
    for (const nothing of [silent(9), hot(5), hot(4), cool(4)]) {
      expect(judge(state, nothing, INSTANT, () => '').state).toBe(state)
    }
    expect(judge(undefined, silent(1), INSTANT, () => '').state).toBeUndefined()
  })

  it('renders the sentence once, when the condition becomes true, and keeps it', () => {
    let rendered = 0
    const text = () => `the ${++rendered}. sentence`
    let state: AlarmState | undefined
    for (const one of [cool(1), hot(2), hot(15), cool(16)]) {
      state = judge(state, one, HELD, text).state
    }
    expect(rendered).toBe(1)
    expect(state).toMatchObject({
      status: 'cleared',
      text: 'the 1. sentence',
      severity: 'critical',
    })
  })

  it('bounds the sentence: it is kept in the record', () => {
    const { state } = judge(undefined, hot(1), INSTANT, () => 'x'.repeat(100_000))
    expect(state?.text.length).toBeLessThanOrEqual(1_000)
  })

  it('throws what the sentence throws, and that is all that happens', () => {
    const fault = () => {
      throw new Error('fault')
    }
    expect(() => judge(undefined, hot(1), INSTANT, fault)).toThrow('fault')
  })

  it('keeps since, raised and cleared times, and forgets them at the next round', () => {
    const verdicts = run(HELD, [hot(0), hot(10), cool(20), hot(30), hot(45)])
    expect(verdicts.map(({ state }) => state)).toMatchObject([
      { status: 'pending', since: 0, dueAt: 10 },
      { status: 'active', since: 0, raisedAt: 10 },
      { status: 'cleared', since: 0, raisedAt: 10, clearedAt: 20 },
      { status: 'pending', since: 30, dueAt: 40 },
      { status: 'active', since: 30, raisedAt: 45 },
    ])
    expect(verdicts[1]?.state).not.toHaveProperty('dueAt')
    expect(verdicts[4]?.state).not.toHaveProperty('clearedAt')
  })
})

describe('acknowledge', () => {
  const active = run(INSTANT, [hot(1)])[0]?.state as AlarmState

  it('notes who took note, once', () => {
    const first = acknowledge(active, 'ann', 5)
    expect(first).toMatchObject({ status: 'active', acknowledgedBy: 'ann', acknowledgedAt: 5 })
    expect(acknowledge(first, 'bob', 6)).toBe(first)
  })

  it.each([
    { title: 'a quiet alarm', events: [cool(1)], facts: INSTANT },
    { title: 'a pending alarm', events: [hot(1)], facts: HELD },
    { title: 'a cleared alarm', events: [hot(1), cool(2)], facts: INSTANT },
  ])('leaves $title alone', ({ events, facts }) => {
    const state = run(facts, events).at(-1)?.state as AlarmState
    expect(acknowledge(state, 'ann', 5)).toBe(state)
  })

  it('stays noted when it is cleared, and does not count for the next time', () => {
    const noted = acknowledge(active, 'ann', 5)
    const cleared = judge(noted, cool(9), INSTANT, () => '').state
    expect(cleared).toMatchObject({ status: 'cleared', acknowledgedBy: 'ann' })
    const again = judge(cleared, hot(10), INSTANT, () => '').state
    expect(again).not.toHaveProperty('acknowledgedBy')
    expect(again).not.toHaveProperty('acknowledgedAt')
  })
})

// The reference: all that was said, newest first in time, read anew after every message. It knows no states.

interface Reference {
  open: boolean
  since: number | undefined
  dueAt: number
  judgedAt: number
}

function refer(ref: Reference, one: Judgement, forMs: number): string[] {
  if (one.at < ref.judgedAt) return []
  const speaks = ref.open
    ? one.clear !== undefined || one.raise !== undefined
    : one.raise !== undefined
  if (!speaks) return []
  ref.judgedAt = one.at
  if (ref.open) {
    if (one.clear !== true) return []
    Object.assign(ref, { open: false, since: undefined })
    return [`cleared ${one.at}`]
  }
  if (one.raise === false) {
    ref.since = undefined
    return []
  }
  if (ref.since === undefined) {
    ref.since = one.at
    ref.dueAt = one.receivedAt + forMs
  }
  if (one.at - ref.since < forMs) return []
  ref.open = true
  return [`raised ${one.at}`]
}

function referTimer(ref: Reference, now: number): string[] {
  if (ref.open || ref.since === undefined || ref.dueAt > now) return []
  ref.open = true
  return [`raised ${ref.dueAt}`]
}

describe('judge agrees with a reference that knows no states', () => {
  const saying = fc.constantFrom<Said>(true, false, undefined)
  const message = fc
    .record({ raise: saying, clear: saying, at: fc.nat(60), delay: fc.nat(20) })
    .map(({ delay, ...one }): Judgement => ({ ...one, receivedAt: one.at + delay }))
  const event = fc.oneof({ weight: 5, arbitrary: message }, { weight: 1, arbitrary: fc.nat(100) })

  it('for any messages, late or not, and any timers', () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 40 }),
        fc.constantFrom(0, 1, 10),
        (events, forMs) => {
          const reference: Reference = {
            open: false,
            since: undefined,
            dueAt: 0,
            judgedAt: Number.NEGATIVE_INFINITY,
          }
          const facts: AlarmFacts = { forMs, severity: 'info' }
          const verdicts = run(facts, events)
          for (const [index, one] of events.entries()) {
            const expected =
              typeof one === 'number' ? referTimer(reference, one) : refer(reference, one, forMs)
            const verdict = verdicts[index] ?? { state: undefined }
            expect(transitionsOf([verdict])).toEqual(expected)
            expect(verdict.state?.status === 'active').toBe(reference.open)
          }
        },
      ),
      { numRuns: 3_000 },
    )
  })

  it('so that raised and cleared take turns, and an alarm is open once', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), fc.constantFrom(0, 10), (events, forMs) => {
        const names = run({ forMs, severity: 'info' }, events).flatMap(
          ({ transition }) => transition ?? [],
        )
        for (const [index, name] of names.entries()) {
          expect(name).toBe(index % 2 === 0 ? 'raised' : 'cleared')
        }
      }),
    )
  })

  it('and freezing what it was given changes nothing', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 20 }), (messages) => {
        let state: AlarmState | undefined
        for (const one of messages) {
          state = Object.freeze(
            judge(state, Object.freeze(one), Object.freeze(HELD), () => '').state,
          )
          if (state !== undefined) {
            Object.freeze(judgeTimer(state, one.at))
            Object.freeze(acknowledge(state, 'ann', one.at))
          }
        }
      }),
    )
  })
})
