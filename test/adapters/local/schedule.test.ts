import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLiveFeed } from '../../../adapters/local/live-feed.ts'
import { startSchedule } from '../../../adapters/local/schedule.ts'
import type { Operation, SealOrder } from '../../../adapters/local/sqlite/protocol.ts'
import { type Core, createCore, type NotifyReport } from '../../../core/index.ts'
import { createMemoryPorts, createWorld } from '../../fakes/memory-ports.ts'
import { programOf } from './cloud.ts'

const NOTHING: NotifyReport = { sent: 0, retried: 0, failed: 0 }
const SOME: NotifyReport = { sent: 1, retried: 0, failed: 0 }

/** A promise that a test ends when it likes. */
function gate<T>(): { promise: Promise<T>; open: (value: T) => void } {
  let open = (_value: T): void => undefined
  const promise = new Promise<T>((resolve) => {
    open = resolve
  })
  return { promise, open }
}

describe('the schedule', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  function start({ tick, notify }: Partial<Pick<Core, 'tick' | 'notify'>>) {
    const world = createWorld()
    const core = createCore(createMemoryPorts(world), programOf({}))
    const written: Operation[] = []
    const sealed: SealOrder[] = []
    const feed = createLiveFeed()
    let asked = 0
    const schedule = startSchedule({
      core: { ...core, tick: tick ?? (async () => 0), notify: notify ?? (async () => NOTHING) },
      database: {
        write: async (operations) => void written.push(...operations),
        read: async () => [],
        seal: async (order) => sealed.push(order) % 3 !== 0,
        beforeWrites: () => undefined,
        close: async () => undefined,
      },
      feed,
      stats: async () => ({ asked: ++asked }),
      retention: {
        telemetry: 86_400_000,
        deadLetters: 86_400_000,
        notifications: 86_400_000,
        audit: 86_400_000,
      },
    })
    return { schedule, world, feed, written, sealed, asked: () => asked }
  }

  it('ticks at once and every second', async () => {
    let ticks = 0
    start({
      tick: async () => {
        ticks++
        return 0
      },
    })
    await vi.advanceTimersByTimeAsync(0)
    expect(ticks).toBe(1)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(ticks).toBe(6)
  })

  it('never ticks twice at a time, and once more for what was missed', async () => {
    let running = 0
    let most = 0
    let ticks = 0
    start({
      tick: async () => {
        ticks++
        most = Math.max(most, ++running)
        await new Promise((resolve) => setTimeout(resolve, 3_500))
        running--
        return 0
      },
    })
    await vi.advanceTimersByTimeAsync(7_500)
    expect({ most, ticks }).toEqual({ most: 1, ticks: 3 })
  })

  it('goes on as long as a tick finds as much as it can take, but not for ever', async () => {
    const found = [500, 500, 7]
    let ticks = 0
    start({ tick: async () => found[ticks++] ?? 0 })
    await vi.advanceTimersByTimeAsync(0)
    expect(ticks).toBe(3)
    let endless = 0
    start({ tick: async () => ++endless && 500 })
    await vi.advanceTimersByTimeAsync(0)
    expect(endless).toBe(20)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(endless).toBe(40)
  })

  it('survives whatever fails, and says so', async () => {
    let ticks = 0
    let notifies = 0
    const { world } = start({
      tick: async () => {
        ticks++
        throw new Error('no tick')
      },
      notify: async () => {
        notifies++
        throw new Error('no notify')
      },
    })
    await vi.advanceTimersByTimeAsync(3_500)
    expect(ticks).toBe(4)
    expect(notifies).toBe(4)
    expect(new Set(world.logs.map(({ level, message }) => `${level} ${message}`))).toEqual(
      new Set(['error tick failed', 'error notify failed']),
    )
  })

  it('makes one claim of a burst of wakings', async () => {
    let notifies = 0
    const { schedule } = start({
      notify: async () => {
        notifies++
        return NOTHING
      },
    })
    await vi.advanceTimersByTimeAsync(100)
    notifies = 0
    for (let index = 0; index < 1_000; index++) schedule.wakeNotify()
    await vi.advanceTimersByTimeAsync(100)
    expect(notifies).toBe(1)
  })

  it('sends on as long as there is something', async () => {
    let left = 10
    start({ notify: async () => (left-- > 0 ? SOME : NOTHING) })
    await vi.advanceTimersByTimeAsync(200)
    expect(left).toBe(-1)
  })

  it('does not wait for a slow delivery before it sends others', async () => {
    const slow = gate<NotifyReport>()
    let notifies = 0
    const { schedule } = start({
      notify: () => (++notifies === 1 ? slow.promise : Promise.resolve(NOTHING)),
    })
    await vi.advanceTimersByTimeAsync(10)
    schedule.wakeNotify()
    await vi.advanceTimersByTimeAsync(10)
    expect(notifies).toBe(2)
    slow.open(SOME)
  })

  it('stops when what runs has ended, and starts nothing more', async () => {
    const tick = gate<number>()
    let ticks = 0
    let notifies = 0
    const { schedule } = start({
      tick: () => {
        ticks++
        return tick.promise
      },
      notify: async () => {
        notifies++
        return NOTHING
      },
    })
    await vi.advanceTimersByTimeAsync(2_100)
    let stopped = false
    const hurry = vi.fn()
    const stopping = schedule.stop(hurry).then(() => {
      stopped = true
    })
    const before = notifies
    await vi.advanceTimersByTimeAsync(500)
    expect(stopped).toBe(false)
    tick.open(500)
    await stopping
    schedule.wakeNotify()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(ticks).toBe(1)
    expect(notifies).toBe(before)
    expect(hurry).not.toHaveBeenCalled()
  })

  it('sends what is due once more before it stops', async () => {
    let notifies = 0
    const { schedule } = start({
      notify: async () => {
        notifies++
        return SOME
      },
    })
    await schedule.stop(() => undefined)
    expect(notifies).toBe(1)
  })

  it('makes sends fail that take longer than the grace', async () => {
    const slow = gate<NotifyReport>()
    const { schedule } = start({ notify: () => slow.promise })
    const hurry = vi.fn(() => slow.open(NOTHING))
    const stopping = schedule.stop(hurry)
    await vi.advanceTimersByTimeAsync(2_900)
    expect(hurry).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(200)
    expect(hurry).toHaveBeenCalledOnce()
    await stopping
  })

  it('asks for counters only while a page is open', async () => {
    const { feed, asked } = start({})
    await vi.advanceTimersByTimeAsync(3_000)
    expect(asked()).toBe(0)
    const events: string[] = []
    feed.subscribe({ send: (event) => void events.push(event), end: () => undefined })
    await vi.advanceTimersByTimeAsync(2_000)
    expect(asked()).toBe(2)
    expect(events[0]).toBe('event: stats\ndata: {"asked":1}\n\n')
  })

  it('packs telemetry of hours that are over every second, and of others every tenth', async () => {
    const { sealed, world } = start({})
    const over = { which: 'over', hour: Math.floor((world.now - 600_000) / 3_600_000), forMs: 10 }
    const open = { ...over, which: 'open' }
    await vi.advanceTimersByTimeAsync(1_000)
    // Two of three times there is more to do; ten rounds are enough.
    const three = [over, over, over, open]
    expect(sealed).toEqual([
      ...three,
      ...three.slice(1),
      ...three.slice(1),
      ...three.slice(1),
      over,
    ])
    sealed.length = 0
    await vi.advanceTimersByTimeAsync(1_000)
    expect(sealed).toEqual([over, over, over])
    sealed.length = 0
    await vi.advanceTimersByTimeAsync(8_000)
    expect(sealed).not.toContainEqual(open)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(sealed).toContainEqual(open)
  })

  it('cleans up every ten minutes', async () => {
    const { written } = start({})
    await vi.advanceTimersByTimeAsync(600_000)
    expect(written.map(([name]) => name)).toEqual([
      'telemetrySeal',
      'telemetryDropSealed',
      'telemetryDropBefore',
      'telemetryDropChunksBefore',
      'deadLetterDropBefore',
      'notificationForget',
      'queueDropBefore',
    ])
  })
})
