import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createNotificationQueue } from '../../../adapters/local/notification-queue.ts'
import type { Database } from '../../../adapters/local/sqlite/database.ts'
import { CoreError, type Delivery, type Priority, takeTurns } from '../../../core/index.ts'
import { openFresh } from './fresh-database.ts'

const LEASE = 60_000
const PER_CHANNEL = 8

function delivery(key: string, channelId = 'a', priority: Priority = 2): Delivery {
  const notification = {
    key,
    channelIds: [channelId],
    deviceId: 'dev-1',
    severity: 'info' as const,
    subject: '',
    text: '',
    at: 0,
    data: null,
    priority,
  }
  return { key, channelId, attempts: 0, notification }
}

const keysOf = (deliveries: readonly Delivery[]): string[] => deliveries.map(({ key }) => key)
const keys = (count: number, prefix = 'k'): string[] =>
  Array.from({ length: count }, (_, at) => `${prefix}${String(at).padStart(4, '0')}`)

let opened: Awaited<ReturnType<typeof openFresh>>
beforeEach(async () => {
  opened = await openFresh()
})
afterEach(() => opened.close())

function createQueue(clock: { time: number }, database: Database = opened.database) {
  let rooms = 0
  const queue = createNotificationQueue({
    database,
    clock: { now: () => clock.time },
    onEnqueue: () => undefined,
    perChannel: { limit: PER_CHANNEL, onRoom: () => void rooms++ },
  })
  return { queue, rooms: () => rooms }
}

/** The database, whose ends of deliveries stay on their way until the test lets them go on, or the first of them fail. */
function holdEnds() {
  const { database } = opened
  let go: (error?: CoreError) => void = () => undefined
  let held = new Promise<CoreError | undefined>((resolve) => {
    go = resolve
  })
  const slow: Database = {
    ...database,
    async write(operations) {
      if (operations[0]?.[0] === 'notificationSettle') {
        const error = await held
        if (error !== undefined) {
          held = Promise.resolve(undefined)
          throw error
        }
      }
      await database.write(operations)
    },
  }
  return { slow, release: (error?: CoreError): void => go(error) }
}

/** What the queue promises, over a list: everything is looked at for every claim. */
function createModel() {
  interface Row {
    readonly lane: string
    readonly channelId: string
    readonly priority: Priority
    dueAt: number
    attempts: number
    settled: boolean
  }
  const rows = new Map<string, Row>()
  const leases = new Map<string, number>()
  const turns = new Map<string, number>()
  const lanes = new Set<string>()

  function claim(now: number, limit: number) {
    for (const [key, until] of leases) if (until <= now) leases.delete(key)
    const heldOf = (channelId: string): number =>
      [...leases.keys()].filter((key) => rows.get(key)?.channelId === channelId).length
    const byChannel = new Map<string, { key: string; priority: number; dueAt: number }[]>()
    for (const lane of lanes) {
      const due = [...rows]
        .filter(([key, row]) => row.lane === lane && !row.settled && !leases.has(key))
        .filter(([, { dueAt }]) => dueAt <= now)
        .map(([key, { dueAt, priority, channelId }]) => ({ key, dueAt, priority, channelId }))
        .toSorted((a, b) => a.dueAt - b.dueAt || (a.key < b.key ? -1 : 1))
      for (const one of due.slice(0, PER_CHANNEL))
        byChannel.set(one.channelId, [...(byChannel.get(one.channelId) ?? []), one])
    }
    const allowed = [...byChannel].flatMap(([channelId, due]) =>
      takeTurns(due, Math.min(limit, PER_CHANNEL - heldOf(channelId)), turns.get(channelId)),
    )
    const claimed = takeTurns(allowed, limit)
    for (const { key } of claimed) {
      leases.set(key, now + LEASE)
      const { channelId = '' } = rows.get(key) ?? {}
      turns.set(channelId, (turns.get(channelId) ?? 0) + 1)
    }
    return claimed.map(({ key }) => ({ key, attempts: rows.get(key)?.attempts }))
  }

  return { rows, leases, lanes, claim }
}

type Step =
  | { do: 'enqueue'; channel: 'a' | 'b'; priority: Priority; count: number; again: boolean }
  | { do: 'claim'; limit: number }
  | { do: 'settle'; which: number; of: 'claimed' | 'all' }
  | { do: 'put back'; which: number; of: 'claimed' | 'all'; inMs: number; tried: boolean }
  | { do: 'wait'; ms: number }

const of = fc.constantFrom('claimed' as const, 'claimed' as const, 'all' as const)
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant('enqueue' as const),
      channel: fc.constantFrom('a' as const, 'b' as const),
      priority: fc.constantFrom<Priority>(1, 5, 8),
      count: fc.constantFrom(1, 3, 20, 300),
      again: fc.boolean(),
    }),
    { weight: 3, arbitrary: fc.record({ do: fc.constant('claim' as const), limit: fc.nat(20) }) },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('settle' as const), which: fc.nat(), of }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('put back' as const),
        which: fc.nat(),
        of,
        inMs: fc.constantFrom(-1_000, 0, 1, 5_000, 90_000),
        tried: fc.boolean(),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('wait' as const),
        ms: fc.constantFrom(0, 1, 4_000, LEASE - 1, LEASE, 100_000),
      }),
    },
  ),
  { minLength: 10, maxLength: 60 },
)

describe('the queue of notifications in SQLite', () => {
  it('gives what a look at every row would give, whatever came before', async () => {
    let claims = 0
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const clock = { time: 1_000_000 }
        const { queue } = createQueue(clock)
        const model = createModel()
        const pick = (which: number, from: 'claimed' | 'all'): string => {
          const known = [...(from === 'claimed' ? model.leases : model.rows).keys()]
          return known[which % known.length] ?? 'unknown'
        }
        for (const step of all) {
          switch (step.do) {
            case 'enqueue': {
              const { channel, priority, count, again } = step
              const prefix = again ? 'again' : `${model.rows.size}-`
              const added = keys(count, prefix).map((key) => delivery(key, channel, priority))
              await queue.enqueue(added)
              const lane = `${channel} ${priority}`
              model.lanes.add(lane)
              for (const { key } of added)
                if (!model.rows.has(key))
                  model.rows.set(key, {
                    lane,
                    channelId: channel,
                    priority,
                    dueAt: clock.time,
                    attempts: 0,
                    settled: false,
                  })
              break
            }
            case 'claim': {
              const claimed = await queue.claim(clock.time, step.limit, LEASE)
              claims += claimed.length
              expect(claimed.map(({ key, attempts }) => ({ key, attempts }))).toEqual(
                model.claim(clock.time, step.limit),
              )
              break
            }
            case 'settle': {
              const key = pick(step.which, step.of)
              await queue.settle(key)
              const row = model.rows.get(key)
              if (row !== undefined) row.settled = true
              model.leases.delete(key)
              break
            }
            case 'put back': {
              const key = pick(step.which, step.of)
              const dueAt = clock.time + step.inMs
              await (step.tried ? queue.retry(key, dueAt) : queue.hold(key, dueAt))
              const row = model.rows.get(key)
              if (row !== undefined) {
                row.dueAt = dueAt
                row.attempts += step.tried ? 1 : 0
              }
              model.leases.delete(key)
              break
            }
            case 'wait':
              clock.time += step.ms
          }
        }
        // An empty table for the next.
        await opened.database.write([
          ['notificationSettle', 0, JSON.stringify([...model.rows.keys()])],
          ['notificationForget', Number.MAX_SAFE_INTEGER],
        ])
      }),
      { numRuns: 40 },
    )
    expect(claims).toBeGreaterThan(100)
  })

  it('lets the next of a channel go while the end of the one before is on its way to the disk', async () => {
    const clock = { time: 2_000_000 }
    const { slow, release } = holdEnds()
    const { queue, rooms } = createQueue(clock, slow)
    const all = keys(100, 'room')
    await queue.enqueue(all.map((key) => delivery(key, 'room')))
    const first = keysOf(await queue.claim(clock.time, 64, LEASE))
    expect(first).toEqual(all.slice(0, PER_CHANNEL))
    const ends = first.map((key) => queue.settle(key))
    expect(rooms()).toBe(1)
    expect(keysOf(await queue.claim(clock.time, 64, LEASE))).toEqual(all.slice(8, 16))
    release()
    await Promise.all(ends)
    await Promise.all(all.map((key) => queue.settle(key)))
  })

  it('lets no more than so many ends be on their way, and goes on when they have arrived', async () => {
    const clock = { time: 3_000_000 }
    const { slow, release } = holdEnds()
    const { queue, rooms } = createQueue(clock, slow)
    const all = keys(800, 'bound')
    await queue.enqueue(all.map((key) => delivery(key, 'bound')))
    const sent: string[] = []
    const ends: Promise<void>[] = []
    for (;;) {
      const claimed = keysOf(await queue.claim(clock.time, 64, LEASE))
      if (claimed.length === 0) break
      sent.push(...claimed)
      ends.push(...claimed.map((key) => queue.settle(key)))
    }
    expect(sent).toEqual(all.slice(0, 512))
    const before = rooms()
    release()
    await Promise.all(ends)
    expect(rooms()).toBeGreaterThan(before)
    expect(keysOf(await queue.claim(clock.time, 64, LEASE))).toEqual(all.slice(512, 520))
    await Promise.all(all.map((key) => queue.settle(key)))
  })

  it('gives one whose end was not written again when its lease has ended, and nothing else twice', async () => {
    const clock = { time: 4_000_000 }
    const { slow, release } = holdEnds()
    const { queue } = createQueue(clock, slow)
    const all = keys(20, 'lost')
    await queue.enqueue(all.map((key) => delivery(key, 'lost')))
    const [lost = ''] = keysOf(await queue.claim(clock.time, 1, LEASE))
    release(new CoreError('store.unavailable', 'the disk is full'))
    await expect(queue.settle(lost)).rejects.toMatchObject({ code: 'store.unavailable' })
    const later = keysOf(await queue.claim(clock.time, 64, LEASE))
    expect(later).toEqual(all.slice(1, 9))
    await Promise.all(later.map((key) => queue.settle(key)))
    clock.time += LEASE
    expect(keysOf(await queue.claim(clock.time, 1, LEASE))).toEqual([lost])
    await Promise.all(all.map((key) => queue.settle(key)))
  })

  it('gives again after a crash what was sent and not yet written', async () => {
    const clock = { time: 5_000_000 }
    const { slow, release } = holdEnds()
    const { queue } = createQueue(clock, slow)
    const all = keys(3, 'crash')
    await queue.enqueue(all.map((key) => delivery(key, 'crash')))
    await queue.claim(clock.time, 64, LEASE)
    const ends = all.map((key) => queue.settle(key))
    const next = createQueue(clock).queue
    expect(keysOf(await next.claim(clock.time, 64, LEASE))).toEqual(all)
    release()
    await Promise.all(ends)
  })

  it('never sends one that was settled while it waited, as an acknowledgement does', async () => {
    const clock = { time: 6_000_000 }
    const { queue } = createQueue(clock)
    const all = keys(20, 'ack')
    await queue.enqueue(all.map((key) => delivery(key, 'ack')))
    const [taken = ''] = keysOf(await queue.claim(clock.time, 1, LEASE))
    await queue.hold(taken, clock.time + 1_000)
    // The rest of the lane, and with it the one that waits, is in memory now.
    const rest = keysOf(await queue.claim(clock.time, 64, LEASE))
    expect(rest).toEqual(all.slice(1, 9))
    await Promise.all([...rest, taken, ...all.slice(9)].map((key) => queue.settle(key)))
    clock.time += 2_000
    expect(await queue.claim(clock.time, 64, LEASE)).toEqual([])
  })

  it.each([3, 31, 63, 64, 100, 127, 128, 160, 189])(
    'gives each once, and number %i, which is put back while rows are being read, once more',
    async (number) => {
      const clock = { time: 7_000_000 }
      const { database } = opened
      let last: Promise<unknown> = Promise.resolve()
      /** Later than it is, and in the order of the questions. */
      const late = <T>(answer: Promise<T>): Promise<T> => {
        const mine = last.then(async () => {
          const given = await answer
          await new Promise((resolve) => setTimeout(resolve, 1))
          return given
        })
        last = mine
        return mine
      }
      const slow: Database = {
        ...database,
        read: (...operation) => late(database.read(...operation)),
        write: (operations) => late(database.write(operations)),
      }
      const { queue } = createQueue(clock, slow)
      const all = keys(380, 'race')
      const again = all[number] ?? ''
      await queue.enqueue(all.map((key) => delivery(key, 'race')))
      const sent: string[] = []
      let ends: Promise<void>[] = []
      while (sent.length <= all.length) {
        const claimed = await queue.claim(clock.time, 64, LEASE)
        for (const { key, attempts } of claimed) {
          sent.push(`${key} ${attempts}`)
          const fails = key === again && attempts === 0
          ends.push(fails ? queue.retry(key, clock.time) : queue.settle(key))
        }
        if (claimed.length > 0) continue
        expect(ends).not.toHaveLength(0)
        await Promise.all(ends)
        ends = []
      }
      await Promise.all(ends)
      expect(await queue.claim(clock.time + LEASE, 64, LEASE)).toEqual([])
      expect(sent.toSorted()).toEqual(
        all.flatMap((key) => (key === again ? [`${key} 0`, `${key} 1`] : [`${key} 0`])),
      )
    },
  )
})
