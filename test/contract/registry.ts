import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RegisteredDevice, Registry } from '../../core/index.ts'
import type { Backend } from './subject.ts'

export interface RegistrySubject extends Backend {
  readonly registry: Registry
}

function device(deviceId: string, changes: Partial<RegisteredDevice> = {}): RegisteredDevice {
  return {
    deviceId,
    tags: {},
    enabled: true,
    createdAt: 1_750_000_000_000,
    version: 1,
    credentials: [],
    ...changes,
  }
}

const RICH: Partial<RegisteredDevice> = {
  type: 'fridge',
  tags: { site: 'Göteborg "7"', constructor: 'x' },
  enabled: false,
  credentials: [
    { kind: 'certificate', digest: 'a'.repeat(64), createdAt: 1 },
    { kind: 'token', digest: 'b'.repeat(64), createdAt: 2, endsAt: 3 },
  ],
}

/** What every Registry must do. */
export function registryContract(name: string, open: () => Promise<RegistrySubject>): void {
  describe(`${name}: Registry contract`, () => {
    let subject: RegistrySubject
    beforeEach(async () => {
      subject = await open()
    })
    afterEach(() => subject.close())

    it('says undefined for a device that is not registered', async () => {
      expect(await subject.registry.get('nobody')).toBeUndefined()
      expect(await subject.registry.list('', 10)).toEqual([])
      expect(await subject.registry.remove('nobody')).toBe(false)
    })

    it('gives back a device as it was', async () => {
      await subject.registry.create(device('dev-1', RICH))
      expect(await subject.registry.get('dev-1')).toEqual(device('dev-1', RICH))
      expect(await subject.registry.list('', 10)).toEqual([device('dev-1', RICH)])
    })

    it('refuses to create what is there, and leaves it as it was', async () => {
      await subject.registry.create(device('dev-1', RICH))
      await expect(subject.registry.create(device('dev-1'))).rejects.toMatchObject({
        code: 'device.exists',
        retryable: false,
      })
      expect(await subject.registry.get('dev-1')).toEqual(device('dev-1', RICH))
    })

    it('updates the next version and refuses any other', async () => {
      await subject.registry.create(device('dev-1'))
      await subject.registry.update(device('dev-1', { version: 2, enabled: false }))
      for (const version of [1, 2, 4]) {
        const late = device('dev-1', { version, tags: { late: 'yes' } })
        await expect(subject.registry.update(late)).rejects.toMatchObject({
          code: 'store.conflict',
          retryable: true,
        })
      }
      await expect(subject.registry.update(device('dev-2', { version: 2 }))).rejects.toMatchObject({
        code: 'store.conflict',
      })
      expect(await subject.registry.get('dev-1')).toEqual(
        device('dev-1', { version: 2, enabled: false }),
      )
      expect(await subject.registry.get('dev-2')).toBeUndefined()
    })

    it('lets exactly one of racing writers win', async () => {
      const writers = (version: number) =>
        Array.from({ length: 5 }, (_, writer) =>
          device('dev-1', { version, tags: { writer: String(writer) } }),
        )
      const created = await Promise.allSettled(
        writers(1).map((one) => subject.registry.create(one)),
      )
      expect(created.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      const updated = await Promise.allSettled(
        writers(2).map((one) => subject.registry.update(one)),
      )
      const winner = updated.findIndex(({ status }) => status === 'fulfilled')
      expect(updated.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      expect((await subject.registry.get('dev-1'))?.tags).toEqual({ writer: String(winner) })
    })

    it('lists in the order of ids, page by page, and forgets what is removed', async () => {
      for (const id of ['b', 'a', 'B', 'c']) await subject.registry.create(device(id))
      const listed = async (after: string, limit: number) =>
        (await subject.registry.list(after, limit)).map(({ deviceId }) => deviceId)
      expect(await listed('', 10)).toEqual(['B', 'a', 'b', 'c'])
      expect(await listed('', 2)).toEqual(['B', 'a'])
      expect(await listed('a', 2)).toEqual(['b', 'c'])
      expect(await listed('aa', 1)).toEqual(['b'])
      expect(await listed('c', 2)).toEqual([])
      expect(await subject.registry.remove('b')).toBe(true)
      expect(await subject.registry.remove('b')).toBe(false)
      expect(await listed('', 10)).toEqual(['B', 'a', 'c'])
      await subject.registry.create(device('b', RICH))
      expect(await subject.registry.get('b')).toEqual(device('b', RICH))
    })

    it('fails with store.unavailable while its backend is away', async () => {
      await subject.registry.create(device('dev-1'))
      await subject.takeAway()
      const away = { code: 'store.unavailable', retryable: true }
      await expect(subject.registry.create(device('dev-2'))).rejects.toMatchObject(away)
      await expect(subject.registry.get('dev-1')).rejects.toMatchObject(away)
      await expect(subject.registry.list('', 1)).rejects.toMatchObject(away)
      await expect(subject.registry.update(device('dev-1', { version: 2 }))).rejects.toMatchObject(
        away,
      )
      await expect(subject.registry.remove('dev-1')).rejects.toMatchObject(away)
    })
  })
}
