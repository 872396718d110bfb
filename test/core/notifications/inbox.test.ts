import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { InboxPolicy, InboxState } from '../../../core/model/inbox.ts'
import type { Notification } from '../../../core/model/notification.ts'
import {
  hear,
  INBOX_LIMITS,
  type InboxAct,
  inboxDue,
  newInbox,
  wakeInbox,
} from '../../../core/notifications/inbox.ts'
import { createLocalClock } from '../../../core/notifications/weekly.ts'
import { deepFreeze, NOW } from '../harness.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const UTC = createLocalClock('UTC')

/** Plays events and time; what has to be done between two events is done at its time. */
function play(policy: Partial<InboxPolicy>) {
  let state: InboxState = newInbox(
    { timeZone: 'UTC', ...policy },
    { recipientId: '@ann', addresses: [] },
  )
  const acts: { at: number; act: InboxAct }[] = []
  let sequence = 0
  const settled = new Set<string>()
  const take = (at: number, step: { state: InboxState; acts: readonly InboxAct[] }): void => {
    state = deepFreeze(step.state)
    for (const act of step.acts) acts.push({ at, act })
  }
  const passTo = (until: number): void => {
    for (let due = inboxDue(state); due > 0 && due <= until; due = inboxDue(state)) {
      take(due, wakeInbox(state, due, UTC, settled))
      if (inboxDue(state) === due) throw new Error(`nothing moves on at ${due}`)
    }
  }
  return {
    settled,
    get state() {
      return state
    },
    acts,
    event(afterMs: number, change: Partial<Notification> & { is?: string } = {}) {
      const at = NOW + afterMs
      passTo(at)
      const { is = 'raised', ...rest } = change
      sequence++
      const notification: Notification = {
        key: `n${sequence}`,
        channelIds: [],
        deviceId: 'dev-1',
        severity: 'warning',
        subject: `hot ${is}`,
        text: '',
        at,
        data: null,
        event: { kind: 'alarm', id: 'hot', change: is },
        ...rest,
      }
      take(at, hear(state, deepFreeze(notification), at, UTC))
      return this
    },
    until(afterMs: number) {
      passTo(NOW + afterMs)
      return this
    },
    /** What was told, when. */
    get told() {
      return acts.flatMap(({ at, act }) =>
        act.do === 'tell' ? [`${(at - NOW) / MINUTE}: ${act.notification.subject}`] : [],
      )
    },
    get suppressed() {
      return acts.flatMap(({ act }) => (act.do === 'suppress' ? [act.reason] : []))
    },
    get escalated() {
      return acts.flatMap(({ at, act }) =>
        act.do === 'escalate' ? [`${(at - NOW) / MINUTE}: ${act.to.people.join()}`] : [],
      )
    },
  }
}

const rule = (subject: string): Partial<Notification> => ({
  subject,
  event: { kind: 'rule', id: 'r' },
})

describe('dedup', () => {
  it('tells the same again only after its time', () => {
    const inbox = play({ dedupMs: 10 * MINUTE })
    inbox
      .event(0)
      .event(5 * MINUTE)
      .event(10 * MINUTE)
      .event(11 * MINUTE)
    expect(inbox.told).toEqual(['0: hot raised', '10: hot raised'])
    expect(inbox.suppressed).toEqual(['duplicate', 'duplicate'])
  })

  it('knows another device, alarm, change and severity from the same', () => {
    const inbox = play({ dedupMs: HOUR })
    inbox
      .event(0)
      .event(1, { deviceId: 'dev-2' })
      .event(2, { event: { kind: 'alarm', id: 'cold', change: 'raised' } })
      .event(3, { severity: 'critical' })
      .event(4, { is: 'cleared' })
      .event(5, rule('a'))
      .event(6, rule('b'))
      .event(7, rule('a'))
    expect(inbox.told).toHaveLength(7)
    expect(inbox.suppressed).toEqual(['duplicate'])
  })

  it('tells that an alarm is raised again after it was told that it had cleared', () => {
    const inbox = play({ dedupMs: HOUR })
    inbox.event(0).event(1, { is: 'cleared' }).event(2)
    expect(inbox.told).toHaveLength(3)
  })
})

describe('throttle', () => {
  it('tells so many at most, and goes on when time has passed', () => {
    const inbox = play({ throttle: { most: 2, perMs: HOUR } })
    for (const at of [0, 10, 20, 59, 60, 61, 70]) inbox.event(at * MINUTE)
    expect(inbox.told.map((one) => Number.parseInt(one, 10))).toEqual([0, 10, 60, 70])
    expect(inbox.suppressed).toEqual(['throttled', 'throttled', 'throttled'])
  })

  it('lets pass what is urgent, unless nothing is', () => {
    const urgent = play({ throttle: { most: 1, perMs: HOUR }, override: 'critical' })
    urgent.event(0).event(1, { severity: 'critical' }).event(2)
    expect(urgent.told).toHaveLength(2)
    const never = play({ throttle: { most: 1, perMs: HOUR } })
    never.event(0).event(1, { severity: 'critical' })
    expect(never.told).toHaveLength(1)
  })

  it('never tells more within its time than it says', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 }),
        (most, gaps) => {
          const inbox = play({ throttle: { most, perMs: 30 * MINUTE } })
          let at = 0
          const model: number[] = []
          for (const gap of gaps) {
            at += gap
            inbox.event(at * MINUTE)
            if (model.filter((told) => at - told < 30).length < most) model.push(at)
          }
          expect(inbox.told.map((one) => Number.parseInt(one, 10))).toEqual(model)
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('digest', () => {
  it('tells the first at once and "17 more in the last hour" after it', () => {
    const inbox = play({ digestMs: HOUR })
    for (let index = 0; index < 18; index++)
      inbox.event(index * MINUTE, { deviceId: `dev-${index}`, subject: `hot on dev-${index}` })
    inbox.until(3 * HOUR)
    expect(inbox.told).toEqual(['0: hot on dev-0', '60: 17 more in the last hour'])
    expect(inbox.suppressed).toEqual(Array(17).fill('digest'))
    const digest = inbox.acts.flatMap(({ act }) => (act.do === 'tell' ? [act.notification] : []))[1]
    expect(digest?.text.split('\n')).toHaveLength(17)
    expect(digest).toMatchObject({ deviceId: '', severity: 'warning', data: { count: 17 } })
  })

  it('tells a single one that waited as it is', () => {
    const inbox = play({ digestMs: HOUR }).event(0).event(MINUTE, { is: 'cleared' }).until(HOUR)
    expect(inbox.told).toEqual(['0: hot raised', '60: hot cleared'])
  })

  it('goes on hour by hour, and tells at once again after a quiet hour', () => {
    const inbox = play({ digestMs: HOUR })
    inbox
      .event(0)
      .event(1)
      .event(2)
      .event(61 * MINUTE)
      .event(62 * MINUTE)
      .event(200 * MINUTE)
    expect(inbox.told).toEqual([
      '0: hot raised',
      '60: 2 more in the last hour',
      '120: 2 more in the last hour',
      '200: hot raised',
    ])
  })

  it('counts more than it keeps, and is as severe as the worst of them', () => {
    const inbox = play({ digestMs: 2 * HOUR })
    inbox.event(0, { severity: 'info' })
    for (let index = 0; index < 100; index++)
      inbox.event(index, { severity: index === 3 ? 'critical' : 'info' })
    inbox.until(2 * HOUR)
    expect(inbox.told[1]).toBe('120: 100 more in the last 2 hours')
    const digest = inbox.acts.findLast(({ act }) => act.do === 'tell')?.act.notification
    expect(digest?.severity).toBe('critical')
    expect(digest?.text.endsWith('and 80 more')).toBe(true)
  })

  it('loses nothing: each is told, or counted in a digest', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 90 }), { maxLength: 80 }), (gaps) => {
        const inbox = play({ digestMs: HOUR })
        let at = 0
        for (const gap of gaps) {
          at += gap
          inbox.event(at * MINUTE)
        }
        inbox.until(at * MINUTE + 2 * HOUR)
        const counted = inbox.told.reduce(
          (sum, one) => sum + Number(/: (\d+) more/.exec(one)?.[1] ?? 1),
          0,
        )
        expect(counted).toBe(gaps.length)
        const times = inbox.told.map((one) => Number.parseInt(one, 10))
        for (const [index, time] of times.entries())
          if (index > 0) expect(time - (times[index - 1] ?? 0)).toBeGreaterThanOrEqual(60)
      }),
      { numRuns: 300 },
    )
  })
})

describe('quiet hours', () => {
  // NOW is 15:06:40; quiet from 15:00 to 17:00 are the next 113 minutes and 20 seconds.
  const quiet = [{ from: 15 * 60, to: 17 * 60 }]
  const END = 113 * MINUTE + 20_000

  it('lets wait what comes, and tells it together at the end', () => {
    const inbox = play({ quiet })
      .event(0)
      .event(HOUR, { is: 'cleared' })
      .until(3 * HOUR)
    expect(inbox.told).toHaveLength(1)
    expect(inbox.acts.find(({ act }) => act.do === 'tell')?.at).toBe(NOW + END)
  })

  it('does not hold what is critical', () => {
    const inbox = play({ quiet, override: 'critical' }).event(0, { severity: 'critical' })
    expect(inbox.told).toEqual(['0: hot raised'])
  })

  it('never tells anything in them that is not urgent, and everything afterwards', () => {
    const spans = [
      { days: ['sun', 'tue'] as const, from: 22 * 60, to: 6 * 60 },
      { from: 12 * 60, to: 13 * 60 + 30 },
    ]
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 900 }), fc.boolean()), { maxLength: 30 }),
        (events) => {
          const inbox = play({ quiet: spans, override: 'critical' })
          let at = 0
          for (const [gap, isUrgent] of events) {
            at += gap
            inbox.event(at * MINUTE, { severity: isUrgent ? 'critical' : 'info' })
          }
          inbox.until(at * MINUTE + 48 * HOUR)
          let counted = 0
          for (const { at: when, act } of inbox.acts) {
            if (act.do !== 'tell') continue
            counted += Number(/^(\d+) more/.exec(act.notification.subject)?.[1] ?? 1)
            const day = new Date(when).getUTCDay()
            const minute = new Date(when).getUTCHours() * 60 + new Date(when).getUTCMinutes()
            const isQuiet =
              (minute >= 12 * 60 && minute < 13 * 60 + 30) ||
              ((day === 0 || day === 2) && minute >= 22 * 60) ||
              ((day === 1 || day === 3) && minute < 6 * 60)
            if (act.notification.severity !== 'critical') expect(isQuiet).toBe(false)
          }
          expect(counted).toBe(events.length)
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('flap suppression', () => {
  it('tells once that an alarm changes often, and what it came to when it is at rest', () => {
    const inbox = play({ flaps: { most: 4, withinMs: 10 * MINUTE } })
    for (let index = 0; index < 12; index++)
      inbox.event(index * MINUTE, { is: index % 2 === 0 ? 'raised' : 'cleared' })
    inbox.until(HOUR)
    expect(inbox.told).toEqual([
      '0: hot raised',
      '1: hot cleared',
      '2: hot raised',
      '3: hot cleared',
      '4: hot raised (changes often)',
      '21: hot cleared',
    ])
    expect(inbox.suppressed).toEqual(Array(7).fill('flapping'))
  })

  it('leaves other devices and slow changes alone', () => {
    const inbox = play({ flaps: { most: 1, withinMs: 10 * MINUTE } })
    inbox
      .event(0)
      .event(1, { deviceId: 'dev-2' })
      .event(20 * MINUTE)
      .event(40 * MINUTE)
    expect(inbox.told).toHaveLength(4)
    expect(inbox.suppressed).toEqual([])
  })

  it('always ends with the newest state told', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 15 }), { minLength: 1, maxLength: 60 }),
        (gaps) => {
          const inbox = play({ flaps: { most: 3, withinMs: 10 * MINUTE } })
          let at = 0
          for (const [index, gap] of gaps.entries()) {
            at += gap
            inbox.event(at * MINUTE, { is: index % 2 === 0 ? 'raised' : 'cleared' })
          }
          inbox.until(at * MINUTE + HOUR)
          const newest = gaps.length % 2 === 1 ? 'hot raised' : 'hot cleared'
          expect(inbox.told.at(-1)).toContain(newest)
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('escalation', () => {
  const to = (person: string) => ({
    people: [person],
    groups: [],
    channels: [],
    addresses: [],
    everybody: false,
    subscribers: false,
  })
  const escalation = [
    { afterMs: 10 * MINUTE, to: to('bob') },
    { afterMs: 30 * MINUTE, to: to('boss') },
  ]

  it('goes on until somebody takes note', () => {
    expect(play({ escalation }).event(0).until(HOUR).escalated).toEqual(['10: bob', '30: boss'])
    const noted = play({ escalation })
      .event(0)
      .until(20 * MINUTE)
    noted.settled.add('n1')
    expect(noted.until(HOUR).escalated).toEqual(['10: bob'])
    expect(inboxDue(noted.state)).toBe(0)
  })

  it('ends with the alarm, and begins anew with the next', () => {
    const inbox = play({ escalation })
      .event(0)
      .event(5 * MINUTE, { is: 'cleared' })
    expect(inboxDue(inbox.state)).toBe(0)
    inbox.event(20 * MINUTE).until(HOUR)
    expect(inbox.escalated).toEqual(['30: bob', '50: boss'])
  })

  it('forgets nobody where there are more than it keeps', () => {
    const inbox = play({ escalation: escalation.slice(0, 1) })
    const many = INBOX_LIMITS.escalations + 5
    for (let index = 0; index < many; index++) inbox.event(index, { deviceId: `dev-${index}` })
    inbox.until(HOUR)
    expect(inbox.escalated).toHaveLength(many)
  })

  it('tells what is urgent at once and what waits later, and escalates both', () => {
    const inbox = play({ escalation, quiet: [{ from: 0, to: 0 }], override: 'critical' })
    inbox.event(0, { severity: 'critical' })
    inbox.event(0, { deviceId: 'dev-2' }).until(11 * MINUTE)
    expect(inbox.told).toHaveLength(1)
    expect(inbox.escalated).toEqual(['10: bob', '10: bob'])
  })

  it('goes on where the alarm gets worse meanwhile', () => {
    const inbox = play({ escalation }).event(0)
    inbox.event(9 * MINUTE, { is: 'escalated' }).until(HOUR)
    expect(inbox.escalated).toEqual(['10: bob', '30: boss'])
  })
})

describe('an inbox', () => {
  it('stays small whatever comes', () => {
    const inbox = play({
      dedupMs: HOUR,
      digestMs: 10 * HOUR,
      flaps: { most: 2, withinMs: HOUR },
      throttle: { most: 100, perMs: 10 * HOUR },
      escalation: [
        {
          afterMs: 10 * HOUR,
          to: {
            people: ['b'],
            groups: [],
            channels: [],
            addresses: [],
            everybody: false,
            subscribers: false,
          },
        },
      ],
    })
    for (let index = 0; index < 1_000; index++)
      inbox.event(index, {
        deviceId: `dev-${index % 70}`,
        is: index % 3 === 0 ? 'raised' : 'cleared',
        subject: 'x'.repeat(2_000),
        text: 'y'.repeat(20_000),
        data: { z: 'z'.repeat(100_000) },
      })
    expect(JSON.stringify(inbox.state).length).toBeLessThan(150_000)
  })
})
