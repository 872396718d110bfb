import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { QueueReader, QueueSender } from '../../core/index.ts'
import type { Backend } from './subject.ts'

export interface QueueReaderSubject extends Backend {
  readonly queues: QueueSender & QueueReader
  /** Lets so much time pass for the queue. Unit: ms. */
  pass(ms: number): Promise<void>
}

const LEASE = 60_000

/** What every QueueReader must do. */
export function queueReaderContract(name: string, open: () => Promise<QueueReaderSubject>): void {
  describe(`${name}: QueueReader contract`, () => {
    let subject: QueueReaderSubject
    beforeEach(async () => {
      subject = await open()
    })
    afterEach(() => subject.close())

    const fill = async (...bodies: string[]) => {
      for (const body of bodies) await subject.queues.send('work', body, `key-${body}`)
    }
    const claim = async (limit = 10) =>
      (await subject.queues.claim('work', limit, LEASE)).map(({ body }) => body)

    it('gives entries oldest first, no more than asked for, each once', async () => {
      await fill('a', 'b', 'c')
      await subject.queues.send('other', 'x', 'key-x')
      expect(await claim(0)).toEqual([])
      expect(await claim(2)).toEqual(['a', 'b'])
      expect(await claim()).toEqual(['c'])
      expect(await claim()).toEqual([])
    })

    it('gives an entry to one of many who claim at once', async () => {
      await fill(...Array.from({ length: 20 }, (_, index) => `b${index}`))
      const claims = await Promise.all(Array.from({ length: 8 }, () => claim(5)))
      expect(claims.flat()).toHaveLength(20)
      expect(new Set(claims.flat()).size).toBe(20)
    })

    it('hides what is claimed until the lease ends, then it comes again', async () => {
      await fill('a')
      expect(await claim()).toEqual(['a'])
      await subject.pass(LEASE - 1)
      expect(await claim()).toEqual([])
      await subject.pass(1)
      expect(await claim()).toEqual(['a'])
    })

    it('never gives again what is removed', async () => {
      await fill('a', 'b')
      const [first] = await subject.queues.claim('work', 1, LEASE)
      expect(await subject.queues.remove('work', first?.id ?? '')).toBe(true)
      expect(await subject.queues.remove('work', first?.id ?? '')).toBe(false)
      expect(await subject.queues.remove('work', 'nothing')).toBe(false)
      await subject.pass(LEASE)
      expect(await claim()).toEqual(['b'])
    })

    it('gives at once what was released', async () => {
      await fill('a')
      const [first] = await subject.queues.claim('work', 1, LEASE)
      await subject.queues.release('work', first?.id ?? '')
      expect(await claim()).toEqual(['a'])
    })

    it('fails with store.unavailable while its backend is away', async () => {
      await fill('a')
      await subject.takeAway()
      const away = { code: 'store.unavailable', retryable: true }
      await expect(subject.queues.claim('work', 1, 1)).rejects.toMatchObject(away)
      await expect(subject.queues.remove('work', '1')).rejects.toMatchObject(away)
      await expect(subject.queues.release('work', '1')).rejects.toMatchObject(away)
    })
  })
}
