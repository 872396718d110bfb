import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Delivery, NotificationQueue, Priority } from '../../core/index.ts'
import type { Backend } from './subject.ts'

export interface QueueSubject extends Backend {
  readonly notifications: NotificationQueue
  /** The clock of the queue, epoch ms; the suite moves it. */
  readonly clock: { time: number }
}

const DAY = 86_400_000
const LEASE = 60_000

function delivery(key: string, changes: Partial<Delivery> = {}): Delivery {
  return {
    key,
    channelId: 'ops',
    notification: {
      key: `n-${key}`,
      channelIds: ['ops'],
      deviceId: 'dev-1',
      severity: 'warning',
      subject: 'too warm "ü"\n',
      text: 'at 31 °C',
      at: 1_750_000_000_000,
      data: { list: [1, null, { deep: [] }] },
    },
    attempts: 0,
    ...changes,
  }
}

/** How many wait in tests of priorities: enough that no batch takes all. */
const BACKLOG = 60

function prioritized(key: string, priority: Priority): Delivery {
  const { notification } = delivery(key)
  return delivery(key, { notification: { ...notification, severity: 'info', priority } })
}

/** What every NotificationQueue must do. */
export function notificationQueueContract(name: string, open: () => Promise<QueueSubject>): void {
  describe(`${name}: NotificationQueue contract`, () => {
    let subject: QueueSubject
    let queue: NotificationQueue
    beforeEach(async () => {
      subject = await open()
      queue = subject.notifications
    })
    afterEach(() => subject.close())

    const claimKeys = async (limit = 100): Promise<string[]> =>
      (await queue.claim(subject.clock.time, limit, LEASE)).map(({ key }) => key)

    it('has nothing to claim at first', async () => {
      expect(await claimKeys()).toEqual([])
      await queue.enqueue([])
      expect(await claimKeys()).toEqual([])
    })

    it('gives a delivery as it was added', async () => {
      await queue.enqueue([delivery('a')])
      expect(await queue.claim(subject.clock.time, 10, LEASE)).toEqual([delivery('a')])
    })

    it('claims no more than asked for, and each once', async () => {
      await queue.enqueue(['a', 'b', 'c', 'd', 'e'].map((key) => delivery(key)))
      const first = await claimKeys(2)
      const second = await claimKeys(2)
      const third = await claimKeys(2)
      expect([first.length, second.length, third.length]).toEqual([2, 2, 1])
      expect([...first, ...second, ...third].toSorted()).toEqual(['a', 'b', 'c', 'd', 'e'])
      expect(await claimKeys(0)).toEqual([])
    })

    it('gives a delivery to one of many who claim at once', async () => {
      await queue.enqueue(Array.from({ length: 20 }, (_, index) => delivery(`k${index}`)))
      const claims = await Promise.all(Array.from({ length: 8 }, () => claimKeys(5)))
      const keys = claims.flat()
      expect(keys).toHaveLength(20)
      expect(new Set(keys).size).toBe(20)
    })

    it('hides what is claimed until the lease ends, then it comes again', async () => {
      await queue.enqueue([delivery('a')])
      expect(await claimKeys()).toEqual(['a'])
      subject.clock.time += LEASE - 1
      expect(await claimKeys()).toEqual([])
      subject.clock.time += 1
      expect(await claimKeys()).toEqual(['a'])
    })

    it('never gives again what is settled', async () => {
      await queue.enqueue([delivery('a'), delivery('b')])
      await claimKeys()
      await queue.settle('a')
      subject.clock.time += LEASE
      expect(await claimKeys()).toEqual(['b'])
      await queue.settle('a')
      await queue.settle('b')
      await queue.settle('nothing')
      subject.clock.time += LEASE
      expect(await claimKeys()).toEqual([])
    })

    it('gives what is put back at its time, with one more attempt each time', async () => {
      await queue.enqueue([delivery('a')])
      for (let attempts = 1; attempts <= 3; attempts++) {
        await claimKeys()
        await queue.retry('a', subject.clock.time + 5_000)
        subject.clock.time += 4_999
        expect(await claimKeys()).toEqual([])
        subject.clock.time += 1
        expect(await queue.claim(subject.clock.time, 10, 0)).toEqual([delivery('a', { attempts })])
      }
    })

    it('keeps the attempts that a delivery came with', async () => {
      await queue.enqueue([delivery('a', { attempts: 4 })])
      expect(await queue.claim(subject.clock.time, 10, LEASE)).toEqual([
        delivery('a', { attempts: 4 }),
      ])
    })

    it('puts back without an attempt what was not tried', async () => {
      await queue.enqueue([delivery('a', { attempts: 2 })])
      await claimKeys()
      await queue.hold('a', subject.clock.time + 5_000)
      subject.clock.time += 4_999
      expect(await claimKeys()).toEqual([])
      subject.clock.time += 1
      expect(await queue.claim(subject.clock.time, 10, LEASE)).toEqual([
        delivery('a', { attempts: 2 }),
      ])
    })

    it('never gives again what was put back after it was settled', async () => {
      await queue.enqueue([delivery('a'), delivery('b')])
      await claimKeys()
      await queue.settle('a')
      await queue.retry('a', subject.clock.time)
      await queue.hold('a', subject.clock.time)
      await queue.hold('nothing', subject.clock.time)
      subject.clock.time += LEASE
      expect(await claimKeys()).toEqual(['b'])
    })

    it('a critical one leaves with the first batch, however many wait before it', async () => {
      const low = Array.from({ length: BACKLOG }, (_, index) => prioritized(`low${index}`, 2))
      await queue.enqueue(low)
      subject.clock.time += 1_000
      await queue.enqueue([prioritized('critical', 9)])
      expect(await claimKeys(10)).toContain('critical')
    })

    it('what is urgent cannot starve the rest: of every batch the longest waiting have a share', async () => {
      await queue.enqueue(Array.from({ length: 8 }, (_, index) => prioritized(`low${index}`, 1)))
      subject.clock.time += 1_000
      await queue.enqueue(
        Array.from({ length: BACKLOG }, (_, index) => prioritized(`high${index}`, 8)),
      )
      for (let batch = 0; batch < 3; batch++) {
        const keys = await claimKeys(8)
        expect(keys).toHaveLength(8)
        expect(keys.filter((key) => key.startsWith('low'))).toHaveLength(2)
      }
    })

    it('claims the longest due first', async () => {
      for (const key of ['c', 'a', 'b']) {
        await queue.enqueue([delivery(key)])
        subject.clock.time += 10
      }
      expect(await claimKeys(1)).toEqual(['c'])
      expect(await claimKeys(1)).toEqual(['a'])
      expect(await claimKeys(1)).toEqual(['b'])
    })

    it.each([
      { title: 'waits', prepare: async () => undefined },
      { title: 'is claimed', prepare: async () => void (await claimKeys()) },
      {
        title: 'was put back',
        prepare: async () => {
          await claimKeys()
          await queue.retry('a', subject.clock.time + 5)
        },
      },
    ])('adds nothing while its key $title', async ({ prepare }) => {
      await queue.enqueue([delivery('a')])
      await prepare()
      await queue.enqueue([delivery('a', { channelId: 'other' }), delivery('b')])
      subject.clock.time += LEASE
      const claimed = await queue.claim(subject.clock.time, 10, LEASE)
      expect(claimed.map(({ key, channelId }) => `${key} ${channelId}`).toSorted()).toEqual([
        'a ops',
        'b ops',
      ])
    })

    it('adds one of two of the same key in one call', async () => {
      await queue.enqueue([delivery('a'), delivery('a')])
      expect(await claimKeys()).toEqual(['a'])
      subject.clock.time += LEASE
      expect(await claimKeys()).toEqual(['a'])
    })

    it('knows the key of what was settled for a day', async () => {
      await queue.enqueue([delivery('a')])
      await claimKeys()
      await queue.settle('a')
      for (const wait of [0, 1, DAY / 2, DAY / 2 - 2]) {
        subject.clock.time += wait
        await queue.enqueue([delivery('a')])
        expect(await claimKeys()).toEqual([])
      }
    })

    it('fails with store.unavailable while its backend is away', async () => {
      await queue.enqueue([delivery('a')])
      await subject.takeAway()
      const away = { code: 'store.unavailable', retryable: true }
      await expect(queue.enqueue([delivery('b')])).rejects.toMatchObject(away)
      await expect(queue.claim(subject.clock.time, 1, LEASE)).rejects.toMatchObject(away)
      await expect(queue.settle('a')).rejects.toMatchObject(away)
      await expect(queue.retry('a', 1)).rejects.toMatchObject(away)
      await expect(queue.hold('a', 1)).rejects.toMatchObject(away)
    })
  })
}
