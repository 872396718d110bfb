import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Json, QueueSender } from '../../core/index.ts'
import type { Backend } from './subject.ts'

export interface QueueSenderSubject extends Backend {
  readonly queues: QueueSender
  /** What a program that reads the queue would get, oldest first. */
  entries(queue: string): Promise<readonly Json[]>
}

/** What every QueueSender must do. */
export function queueSenderContract(name: string, open: () => Promise<QueueSenderSubject>): void {
  describe(`${name}: QueueSender contract`, () => {
    let subject: QueueSenderSubject
    beforeEach(async () => {
      subject = await open()
    })
    afterEach(() => subject.close())

    it('appends entries in their order, each queue for itself', async () => {
      const bodies: Json[] = [{ temp: 21.5, list: [null] }, 'text', 0, null, []]
      for (const [index, body] of bodies.entries()) {
        await subject.queues.send('work', body, `dev-1/rule/0/${index}`)
      }
      await subject.queues.send('other', 'foreign', 'dev-1/rule/0/0')
      expect(await subject.entries('work')).toEqual(bodies)
      expect(await subject.entries('other')).toEqual(['foreign'])
      expect(await subject.entries('nothing')).toEqual([])
    })

    it('adds nothing under a key that is in the queue already', async () => {
      await subject.queues.send('work', 'first', 'key-1')
      await subject.queues.send('work', 'second', 'key-1')
      await subject.queues.send('work', 'third', 'key-2')
      expect(await subject.entries('work')).toEqual(['first', 'third'])
    })

    it('fails with store.unavailable while its backend is away', async () => {
      await subject.takeAway()
      await expect(subject.queues.send('work', 1, 'key-1')).rejects.toMatchObject({
        code: 'store.unavailable',
        retryable: true,
      })
    })
  })
}
