import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DeadLetter, DeadLetters } from '../../core/index.ts'
import type { Backend } from './subject.ts'

export interface DeadLettersSubject extends Backend {
  readonly deadLetters: DeadLetters
}

const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte)

function letter(id: string, changes: Partial<DeadLetter> = {}): DeadLetter {
  return {
    id,
    at: 1_750_000_000_000,
    topic: 'devices/dev-1/telemetry',
    source: 'mqtt',
    contentType: '',
    payload: new TextEncoder().encode('{broken'),
    payloadBytes: 7,
    receivedAt: 1_749_999_999_999,
    code: 'codec.malformed',
    reason: 'expected JSON, found "…"\n',
    ...changes,
  }
}

/** Ids as an IdSource makes them: sortable by time. */
function idAt(time: number): string {
  return time.toString(36).padStart(9, '0')
}

/** What every DeadLetters must do. */
export function deadLettersContract(name: string, open: () => Promise<DeadLettersSubject>): void {
  describe(`${name}: DeadLetters contract`, () => {
    let subject: DeadLettersSubject
    beforeEach(async () => {
      subject = await open()
    })
    afterEach(() => subject.close())

    it('says undefined for an id that it does not have', async () => {
      expect(await subject.deadLetters.get('nothing')).toBeUndefined()
      expect(await subject.deadLetters.list('', 10)).toEqual([])
      expect(await subject.deadLetters.count()).toBe(0)
    })

    it.each([
      { title: 'every byte', changes: { payload: EVERY_BYTE, payloadBytes: 256 } },
      { title: 'no byte', changes: { payload: new Uint8Array(), payloadBytes: 0 } },
      { title: 'a part of a larger buffer', changes: { payload: EVERY_BYTE.subarray(3, 9) } },
      { title: 'only the start', changes: { payloadBytes: 1_000_000 } },
      {
        title: 'all that may be known',
        changes: { deviceId: 'dev-1', sentAt: 1.5e12, messageId: 'm-1\u0000ü' },
      },
      { title: 'an empty topic', changes: { topic: '', source: 'http' } },
      { title: 'a large payload', changes: { payload: new Uint8Array(100_000).fill(7) } },
    ])('gives back a letter as it was: $title', async ({ changes }) => {
      const put = letter('a', changes)
      await subject.deadLetters.put(put)
      const got = await subject.deadLetters.get('a')
      expect({ ...got, payload: bytes(got) }).toEqual({ ...put, payload: bytes(put) })
      expect(got?.payload).toBeInstanceOf(Uint8Array)
      const [listed] = await subject.deadLetters.list('', 1)
      expect({ ...listed, payload: bytes(listed) }).toEqual({ ...put, payload: bytes(put) })
    })

    it('lists the newest first, page by page', async () => {
      const ids = [5, 1, 3, 2, 4].map((time) => idAt(1_750_000_000_000 + time))
      for (const id of ids) await subject.deadLetters.put(letter(id))
      const newestFirst = ids.toSorted().toReversed()
      const listed = async (before: string, limit: number) =>
        (await subject.deadLetters.list(before, limit)).map(({ id }) => id)
      expect(await listed('', 10)).toEqual(newestFirst)
      expect(await listed('', 2)).toEqual(newestFirst.slice(0, 2))
      expect(await listed(newestFirst[1]!, 2)).toEqual(newestFirst.slice(2, 4))
      expect(await listed(newestFirst[3]!, 2)).toEqual(newestFirst.slice(4))
      expect(await listed(newestFirst[4]!, 2)).toEqual([])
      expect(await listed('', 0)).toEqual([])
      expect(await subject.deadLetters.count()).toBe(5)
    })

    it('goes on with a page although its start was removed', async () => {
      for (const id of ['1', '2', '3']) await subject.deadLetters.put(letter(id))
      await subject.deadLetters.remove('2')
      expect((await subject.deadLetters.list('2', 5)).map(({ id }) => id)).toEqual(['1'])
    })

    it('takes the same id again for the same letter', async () => {
      await subject.deadLetters.put(letter('a'))
      await subject.deadLetters.put(letter('a', { reason: 'again' }))
      expect(await subject.deadLetters.count()).toBe(1)
      expect((await subject.deadLetters.get('a'))?.reason).toBe('again')
    })

    it('removes one letter, once or twice, and no other', async () => {
      await subject.deadLetters.put(letter('a'))
      await subject.deadLetters.put(letter('b'))
      await subject.deadLetters.remove('a')
      await subject.deadLetters.remove('a')
      expect(await subject.deadLetters.get('a')).toBeUndefined()
      expect(await subject.deadLetters.count()).toBe(1)
      expect((await subject.deadLetters.get('b'))?.id).toBe('b')
    })

    it('fails with store.unavailable while its backend is away', async () => {
      await subject.deadLetters.put(letter('a'))
      await subject.takeAway()
      const away = { code: 'store.unavailable', retryable: true }
      await expect(subject.deadLetters.put(letter('b'))).rejects.toMatchObject(away)
      await expect(subject.deadLetters.get('a')).rejects.toMatchObject(away)
      await expect(subject.deadLetters.list('', 1)).rejects.toMatchObject(away)
      await expect(subject.deadLetters.remove('a')).rejects.toMatchObject(away)
      await expect(subject.deadLetters.count()).rejects.toMatchObject(away)
    })
  })
}

function bytes(found: DeadLetter | undefined): number[] {
  return [...(found?.payload ?? [])]
}
