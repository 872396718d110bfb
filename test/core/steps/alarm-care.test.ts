import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AlarmChange,
  type AlarmState,
  type ConfigInput,
  judgeTimer,
  withoutOldDue,
} from '../../../core/index.ts'
import { recordOf } from '../../fakes/memory-ports.ts'
import { NOW, start, uplink } from '../harness.ts'

const CHANNELS: ConfigInput['channels'] = {
  ops: { type: 'webhook', url: 'https://example.org/hook' },
}

function open(alarm: NonNullable<ConfigInput['alarms']>[string]) {
  const running = start({ channels: CHANNELS, alarms: { hot: { notify: ['ops'], ...alarm } } })
  const { core, world } = running
  let at = NOW
  return {
    ...running,
    /** One message; time has gone on by so many seconds. */
    async send(body: object, seconds = 1) {
      at += seconds * 1_000
      world.now = at
      await core.ingest([uplink({ ...body, ts: at }, { receivedAt: at })])
      await core.gate.idle()
    },
    async care(change: AlarmChange) {
      world.now = at
      const [result] = await core.gate.run('dev-1', [
        { kind: 'alarm', alarmId: 'hot', change, by: 'ann', at },
      ])
      await core.gate.idle()
      return result
    },
    /** Time passes and the tick comes. */
    async wait(seconds: number) {
      at += seconds * 1_000
      world.now = at
      await core.tick(10)
      await core.gate.idle()
    },
    now: () => at,
    alarm: () => recordOf(world, 'dev-1')?.alarms['hot'],
    told: () =>
      [...world.queue.values()].map(
        ({ delivery: { notification } }) => `${notification.subject}: ${notification.text}`,
      ),
  }
}

describe('alarms and the people who look after them', () => {
  it('a rate is the change since the message before, per minute', async () => {
    const { send, alarm, told } = open({
      rate: { of: 'temp' },
      when: '_rate > 2',
      text: 'at ${_rate}',
    })
    await send({ temp: 20 })
    await send({ temp: 21 }, 60)
    expect(alarm()?.status).toBe('quiet')
    await send({ humidity: 4 }, 10)
    await send({ temp: 23 }, 20)
    expect(alarm()).toMatchObject({ status: 'active', text: 'at 4' })
    await send({ temp: 23 }, 60)
    expect(told()).toEqual(['hot raised on dev-1: at 4', 'hot cleared on dev-1: Cleared: at 4'])
  })

  it('silence raises, and the next message clears', async () => {
    const { send, wait, told } = open({ missing: '10m', text: 'last at ${temp}' })
    await send({ temp: 20 })
    await wait(599)
    expect(told()).toEqual([])
    await wait(1)
    await wait(600)
    expect(told()).toEqual(['hot raised on dev-1: last at 20'])
    await send({ temp: 21 })
    expect(told().slice(1)).toEqual(['hot cleared on dev-1: Cleared: last at 21'])
  })

  it('a ladder tells when it gets worse and better', async () => {
    const { send, told, world } = open({
      when: 'temp > 30',
      text: '${temp}',
      severities: [
        { when: 'temp > 50', severity: 'critical' },
        { when: 'temp > 40', severity: 'warning' },
      ],
      severity: 'info',
    })
    for (const temp of [31, 41, 55, 56, 45, 20]) await send({ temp })
    expect(told()).toEqual([
      'hot raised on dev-1: 31',
      'hot escalated on dev-1: Worse: 31',
      'hot escalated on dev-1: Worse: 31',
      'hot eased on dev-1: Better: 31',
      'hot cleared on dev-1: Cleared: 31',
    ])
    expect(
      [...world.queue.values()].map(({ delivery: { notification } }) => notification.severity),
    ).toEqual(['info', 'warning', 'critical', 'warning', 'info'])
  })

  it('a shelved alarm goes on living, and nobody is told until the shelf ends', async () => {
    const { send, care, wait, told, alarm, now } = open({ when: 'temp > 30', text: '${temp}' })
    await send({ temp: 20 })
    const until = now() + 3_600_000
    await care({ do: 'shelve', until, reason: 'painters' })
    await send({ temp: 31 })
    expect(alarm()).toMatchObject({
      status: 'active',
      care: { shelf: { until, by: 'ann', reason: 'painters', untold: ['ops'] } },
    })
    await send({ temp: 20 })
    await send({ temp: 33 })
    expect(told()).toEqual([])
    await wait(3_600)
    expect(told()).toEqual(['hot raised on dev-1: 33'])
    expect(alarm()?.care?.shelf).toBeUndefined()
    await wait(3_600)
    expect(told()).toHaveLength(1)
  })

  it('what is over when the shelf ends is not told, and a shelf can end early', async () => {
    const { send, care, told, now } = open({ when: 'temp > 30', text: '${temp}' })
    await send({ temp: 20 })
    await care({ do: 'shelve', until: now() + 60_000 })
    await send({ temp: 31 })
    await send({ temp: 20 })
    await care({ do: 'unshelve' })
    expect(told()).toEqual([])
    await care({ do: 'shelve', until: now() + 60_000 })
    await send({ temp: 32 })
    await care({ do: 'unshelve' })
    expect(told()).toEqual(['hot raised on dev-1: 32'])
  })

  it('what was told as active and cleared on its shelf is told as cleared when the shelf ends', async () => {
    const { send, care, wait, told, now, world } = open({ when: 'temp > 30', text: '${temp}' })
    await send({ temp: 31 })
    await care({ do: 'shelve', until: now() + 3_600_000 })
    await send({ temp: 20 })
    const clearedAt = now()
    expect(told()).toEqual(['hot raised on dev-1: 31'])
    await wait(3_600)
    expect(told()).toEqual(['hot raised on dev-1: 31', 'hot cleared on dev-1: Cleared: 31'])
    const last = [...world.queue.values()].at(-1)?.delivery.notification
    expect(last).toMatchObject({ severity: 'info', at: clearedAt })
    await wait(3_600)
    await care({ do: 'shelve', until: now() + 60_000 })
    await care({ do: 'unshelve' })
    expect(told()).toHaveLength(2)
  })

  it.each([
    ['cleared, raised and cleared', [20, 33, 20], ['hot cleared on dev-1: Cleared: 33']],
    ['cleared and raised again', [20, 33], ['hot raised on dev-1: 33']],
    ['cleared, raised, cleared and raised', [20, 33, 20, 34], ['hot raised on dev-1: 34']],
    ['nothing', [], []],
  ])('told as active, then on the shelf: %s', async (_name, temps, expected) => {
    const { send, care, told, now } = open({ when: 'temp > 30', text: '${temp}' })
    await send({ temp: 31 })
    await care({ do: 'shelve', until: now() + 3_600_000 })
    for (const temp of temps) await send({ temp })
    // Shelved once more: what is owed stays.
    await care({ do: 'shelve', until: now() + 3_600_000 })
    expect(told()).toHaveLength(1)
    await care({ do: 'unshelve' })
    expect(told().slice(1)).toEqual(expected)
  })

  it('what got worse on its shelf and cleared is told as cleared: its beginning was told', async () => {
    const { send, care, told, now } = open({
      when: 'temp > 30',
      severities: [{ when: 'temp > 40', severity: 'critical' }],
      text: '${temp}',
    })
    await send({ temp: 31 })
    await care({ do: 'shelve', until: now() + 3_600_000 })
    await send({ temp: 41 })
    await send({ temp: 20 })
    await care({ do: 'unshelve' })
    expect(told().slice(1)).toEqual(['hot cleared on dev-1: Cleared: 31'])
  })

  it('who is not told of the end is not told of it when the shelf ends, either', async () => {
    const { send, care, told, now } = open({ when: 'temp > 30', notifyCleared: false })
    await send({ temp: 31 })
    await care({ do: 'shelve', until: now() + 3_600_000 })
    await send({ temp: 20 })
    await care({ do: 'unshelve' })
    expect(told()).toHaveLength(1)
  })

  it('what people did outlasts what messages do, in the order in which it happened', async () => {
    const { send, care, alarm } = open({ when: 'temp > 30', notifyCleared: false })
    await send({ temp: 31 })
    await care({ do: 'assign', to: 'bob' })
    await care({ do: 'acknowledge' })
    await care({ do: 'comment', text: 'the fan is dead' })
    await send({ temp: 20 })
    await send({ temp: 35 })
    await care({ do: 'assign', to: '' })
    expect(alarm()).toMatchObject({ status: 'active' })
    expect(alarm()).not.toHaveProperty('acknowledgedBy')
    const { assignedTo, comments, history } = alarm()?.care ?? {}
    expect(assignedTo).toBeUndefined()
    expect(comments).toMatchObject([{ by: 'ann', text: 'the fan is dead' }])
    expect(history?.map(({ is, by }) => `${is}${by === undefined ? '' : ` by ${by}`}`)).toEqual([
      'raised',
      'assigned by ann',
      'acknowledged by ann',
      'cleared',
      'raised',
      'assigned by ann',
    ])
  })

  it('keeps the last events and comments only: the record has to stay small', async () => {
    const { send, care, alarm } = open({ when: 'temp > 30', notify: [] })
    for (let round = 0; round < 40; round++) {
      await send({ temp: 31 })
      await send({ temp: 20 })
      await care({ do: 'comment', text: `${round} ${'x'.repeat(2_000)}` })
    }
    const { history = [], comments = [] } = alarm()?.care ?? {}
    expect(history).toHaveLength(50)
    expect(comments).toHaveLength(20)
    expect(comments.at(-1)?.text.slice(0, 3)).toBe('39 ')
    expect(comments.at(-1)?.text).toHaveLength(1_000)
  })

  it.each<[string, AlarmChange, string]>([
    ['a shelf in the past', { do: 'shelve', until: NOW - 1 }, 'input.malformed'],
    ['a shelf for ever', { do: 'shelve', until: NOW + 1e12 }, 'input.malformed'],
    ['to acknowledge what is not active', { do: 'acknowledge' }, 'input.not_found'],
  ])('refuses %s', async (_title, change, code) => {
    const { send, care } = open({ when: 'temp > 30' })
    await send({ temp: 20 })
    expect(await care(change)).toMatchObject({ status: 'refused', code })
  })

  it('refuses to look after an alarm that is none', async () => {
    const { send, care } = open({ when: 'other > 30' })
    await send({ temp: 20 })
    expect(await care({ do: 'comment', text: 'x' })).toMatchObject({ code: 'input.not_found' })
  })

  it('shares the room in the record among many alarms', async () => {
    const names = Array.from({ length: 60 }, (_, index) => `hot-${index}`)
    const { core, world } = start({
      alarms: Object.fromEntries(names.map((name) => [name, { when: 'temp > 30' }])),
    })
    for (let at = NOW; at < NOW + 60; at++) {
      world.now = at
      await core.ingest([uplink({ temp: at % 2 === 0 ? 31 : 20, ts: at }, { receivedAt: at })])
    }
    for (const alarmId of names)
      for (const text of ['a'.repeat(1_000), 'b'.repeat(1_000)])
        await core.gate.run('dev-1', [
          { kind: 'alarm', alarmId, change: { do: 'comment', text }, by: 'ann', at: NOW },
        ])
    await core.gate.idle()
    const alarms = Object.values(recordOf(world, 'dev-1')?.alarms ?? {})
    expect(alarms).toHaveLength(60)
    for (const { care } of alarms) {
      expect(care?.history).toHaveLength(8)
      expect(care?.comments?.map(({ text }) => text[0])).toEqual(['b'])
    }
    expect(JSON.stringify(alarms).length).toBeLessThan(150_000)
  })

  it('a rate outlives messages that raise without its value', async () => {
    const { send, alarm } = open({ rate: { of: 'temp' }, when: '_rate > 2 or door = 1' })
    await send({ temp: 20 })
    await send({ door: 1 }, 10)
    await send({ door: 0, temp: 20 }, 10)
    await send({ door: 0, temp: 22 }, 20)
    expect(alarm()).toMatchObject({ status: 'active', sample: { value: 22 } })
    await send({ door: 0 }, 10)
    expect(alarm()?.sample).toMatchObject({ value: 22 })
  })
})

describe('an alarm whose config became another', () => {
  type Alarm = NonNullable<ConfigInput['alarms']>[string]

  async function change(before: Alarm, bodies: readonly object[], after: Alarm | undefined) {
    const { core, world } = start({ alarms: { hot: before } })
    let at = NOW
    for (const body of bodies) {
      at += 1_000
      world.now = at
      await core.ingest([uplink({ ...body, ts: at }, { receivedAt: at })])
    }
    await core.gate.idle()
    const next = start({ alarms: after === undefined ? {} : { hot: after } }, { world })
    world.now = at + 3_600_000
    await next.core.tick(10)
    await next.core.gate.idle()
    return recordOf(world, 'dev-1')
  }

  const silent: Alarm = { missing: '10m' }
  const hot: Alarm = { when: 'temp > 30', for: '10m' }
  const slow: Alarm = { when: 'temp > 30', clearFor: '10m' }

  it.each<[string, Alarm, object[], Alarm | undefined, string | undefined]>([
    ['silence, and now a condition', silent, [{ temp: 1 }], hot, 'quiet'],
    ['a condition that held, and now silence', hot, [{ temp: 31 }], silent, 'pending'],
    ['one about to clear, and now silence', slow, [{ temp: 31 }, { temp: 1 }], silent, 'active'],
    ['one about to clear that is no more', slow, [{ temp: 31 }, { temp: 1 }], undefined, 'active'],
    ['a condition that held and is no more', hot, [{ temp: 31 }], undefined, undefined],
    ['silence that is no more', silent, [{ temp: 1 }], undefined, undefined],
  ])('%s: neither raised nor due for ever', async (_title, before, bodies, after, status) => {
    const record = await change(before, bodies, after)
    expect(record?.alarms['hot']?.status).toBe(status)
    expect(record?.alarms['hot']?.dueAt).toBeUndefined()
    expect(record?.dueAt).toBe(0)
  })

  it('nothing is due any more once its time was up, whatever the state was', () => {
    const time = fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined })
    const states = fc.record({
      status: fc.constantFrom('quiet', 'pending', 'active', 'cleared'),
      dueAt: time,
      clearingSince: time,
      raisedAt: time,
      hits: fc.option(fc.array(fc.integer()), { nil: undefined }),
    })
    fc.assert(
      fc.property(states, fc.constantFrom(0, 10), fc.nat(100), (made, missingMs, now) => {
        const present = Object.fromEntries(
          Object.entries(made).filter(([, value]) => value !== undefined),
        )
        const state: AlarmState = {
          severity: 'info',
          since: 0,
          text: '',
          judgedAt: 0,
          ...present,
          status: made.status,
        }
        const { dueAt } = judgeTimer(withoutOldDue(state, { missingMs }), now).state ?? state
        expect(dueAt === undefined || dueAt > now).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })
})
