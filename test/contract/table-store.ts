import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Json, TableStore } from '../../core/index.ts'
import type { Backend } from './subject.ts'

export interface TableSubject extends Backend {
  readonly tables: TableStore
}

const ITEMS: readonly Json[] = [
  null,
  0,
  false,
  '',
  'ü "x"\n\u0000',
  [],
  {},
  { deep: [{ a: null }, 1e-9] },
]

/** What every TableStore must do. */
export function tableStoreContract(name: string, open: () => Promise<TableSubject>): void {
  describe(`${name}: TableStore contract`, () => {
    let subject: TableSubject
    beforeEach(async () => {
      subject = await open()
    })
    afterEach(() => subject.close())

    it('says undefined for what it does not have', async () => {
      expect(await subject.tables.get('limits', 'a')).toBeUndefined()
      expect(await subject.tables.list('limits', '', 10)).toEqual([])
      await subject.tables.remove('limits', 'a')
    })

    it.each(ITEMS)('gives back an item as it was: %j', async (item) => {
      await subject.tables.put('limits', 'a', item)
      expect(await subject.tables.get('limits', 'a')).toEqual(item)
    })

    it.each(['$told:n-1', '$group:ops@site', 'a/b', 'ü'])(
      'lists a table of any name: %j',
      async (table) => {
        await subject.tables.put(table, 'b', 2)
        await subject.tables.put(table, 'a', 1)
        expect(await subject.tables.list(table, '', 10)).toEqual([
          { key: 'a', item: 1 },
          { key: 'b', item: 2 },
        ])
      },
    )

    it('puts an item in place of the one before', async () => {
      await subject.tables.put('limits', 'a', { old: 1 })
      await subject.tables.put('limits', 'a', { new: 2 })
      expect(await subject.tables.get('limits', 'a')).toEqual({ new: 2 })
      expect(await subject.tables.list('limits', '', 10)).toEqual([{ key: 'a', item: { new: 2 } }])
    })

    it.each(['', 'a/b', '__proto__', 'constructor', 'A', 'ü', "it's", 'x'.repeat(200)])(
      'keeps keys and tables apart: %j',
      async (key) => {
        await subject.tables.put('limits', 'a', 1)
        await subject.tables.put('limits', key, 2)
        await subject.tables.put('other', key, 3)
        expect(await subject.tables.get('limits', 'a')).toBe(1)
        expect(await subject.tables.get('limits', key)).toBe(2)
        expect(await subject.tables.get('other', key)).toBe(3)
        await subject.tables.remove('limits', key)
        expect(await subject.tables.get('limits', key)).toBeUndefined()
        expect(await subject.tables.get('limits', 'a')).toBe(1)
        expect(await subject.tables.get('other', key)).toBe(3)
      },
    )

    it('lists items in the order of their keys, page by page', async () => {
      const keys = ['b', 'a', 'c', 'a-1', 'B', 'aa', '9']
      for (const [index, key] of keys.entries()) await subject.tables.put('limits', key, index)
      await subject.tables.put('other', 'a', 'foreign')
      const listed = async (after: string, limit: number) =>
        (await subject.tables.list('limits', after, limit)).map(({ key }) => key)
      expect(await listed('', 100)).toEqual(keys.toSorted())
      expect(await listed('', 3)).toEqual(keys.toSorted().slice(0, 3))
      expect(await listed(keys.toSorted()[2]!, 3)).toEqual(keys.toSorted().slice(3, 6))
      expect(await listed('zz', 3)).toEqual([])
      expect(await listed('', 0)).toEqual([])
    })

    it('fails with store.unavailable while its backend is away', async () => {
      await subject.takeAway()
      const away = { code: 'store.unavailable', retryable: true }
      await expect(subject.tables.get('limits', 'a')).rejects.toMatchObject(away)
      await expect(subject.tables.put('limits', 'a', 1)).rejects.toMatchObject(away)
      await expect(subject.tables.remove('limits', 'a')).rejects.toMatchObject(away)
      await expect(subject.tables.list('limits', '', 1)).rejects.toMatchObject(away)
    })
  })
}
