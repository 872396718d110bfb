import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '../../../adapters/local/sqlite/database.ts'
import type { Operation } from '../../../adapters/local/sqlite/protocol.ts'
import { DATA_VERSION } from '../../../adapters/local/sqlite/statements.ts'

let folder: string
let path: string
const opened: Database[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'anyhub-'))
  path = join(folder, 'anyhub.db')
})

afterEach(async () => {
  for (const database of opened.splice(0)) await database.close()
  rmSync(folder, { recursive: true })
})

async function open(): Promise<Database> {
  const database = await openDatabase({ path, durability: 'normal' })
  opened.push(database)
  return database
}

function put(key: string, item = '1'): Operation {
  return ['itemPut', 'table', key, item]
}

/** STRICT tables refuse a text where a number belongs. */
const REFUSED: Operation = ['devicePut', 'dev-1', 'not a version', 0, '{}']

async function keys(database: Database, table = 'table'): Promise<string[]> {
  const rows = await database.read('itemList', table, '', 100_000)
  return rows.map((row) => String(row['key']))
}

describe('one SQLite file behind a thread', () => {
  it('keeps what was written after it was closed and opened again', async () => {
    const first = await open()
    await first.write([put('a'), put('b')])
    await first.close()
    expect(await keys(await open())).toEqual(['a', 'b'])
  })

  it('keeps the order of writes, of one caller and of several', async () => {
    const database = await open()
    await Promise.all([
      database.write([put('k', '1'), put('k', '2')]),
      database.write([put('k', '3')]),
      database.write([put('k', '4'), put('other')]),
    ])
    expect(await database.read('itemGet', 'table', 'k')).toEqual([{ item: '4' }])
  })

  it('reads what was written before, without waiting for it', async () => {
    const database = await open()
    const writes: Promise<void>[] = []
    for (let index = 0; index < 20; index++) {
      writes.push(database.write([put(`k${index}`)]))
      const [row] = await database.read('itemGet', 'table', `k${index}`)
      expect(row).toEqual({ item: '1' })
    }
    await Promise.all(writes)
  })

  it('gives every type back as it was', async () => {
    const database = await open()
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    await database.write([['deadLetterPut', 'ü\u0000\u{1F600}', '{}', bytes]])
    const [row] = await database.read('deadLetterGet', 'ü\u0000\u{1F600}')
    expect(row?.['payload']).toEqual(bytes)
  })

  it('refuses the whole of a write that fails, and nothing of the others', async () => {
    const database = await open()
    const results = await Promise.allSettled([
      database.write([put('before')]),
      database.write([put('with it, first'), REFUSED, put('with it, last')]),
      database.write([put('after')]),
      database.write([REFUSED]),
      database.write([put('last')]),
    ])
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ])
    expect(results[1]).toMatchObject({ reason: { code: 'store.unavailable', retryable: true } })
    expect(await keys(database)).toEqual(['after', 'before', 'last'])
    await database.write([put('next')])
    expect(await keys(database)).toContain('next')
  })

  it('refuses a write alone that fails, and takes the next', async () => {
    const database = await open()
    await expect(database.write([put('a'), REFUSED])).rejects.toMatchObject({
      code: 'store.unavailable',
    })
    expect(await keys(database)).toEqual([])
    await database.write([put('a')])
    expect(await keys(database)).toEqual(['a'])
  })

  it('refuses what cannot be handed to a thread, and takes the next', async () => {
    const database = await open()
    const symbol = Object.assign(() => undefined) as unknown as string
    await expect(database.write([put('a', symbol)])).rejects.toMatchObject({
      code: 'store.unavailable',
    })
    await database.write([put('b')])
    expect(await keys(database)).toEqual(['b'])
  })

  it('takes an empty write', async () => {
    const database = await open()
    await database.write([])
    expect(await keys(database)).toEqual([])
  })

  it('finishes what was asked for before it closes', async () => {
    const database = await open()
    const writes = Array.from({ length: 50 }, (_, index) => database.write([put(`k${index}`)]))
    const read = database.read('itemGet', 'table', 'k49')
    await database.close()
    await expect(Promise.all(writes)).resolves.toHaveLength(50)
    await expect(read).resolves.toEqual([{ item: '1' }])
    expect(await keys(await open())).toHaveLength(50)
  })

  it('takes nothing once it is closing', async () => {
    const database = await open()
    const under = database.write([put('in time')])
    const closing = database.close()
    const late = database.write([put('late')])
    const read = database.read('itemGet', 'table', 'late')
    await expect(late).rejects.toMatchObject({ code: 'store.unavailable' })
    await expect(read).rejects.toMatchObject({ code: 'store.unavailable' })
    await under
    await closing
    await database.close()
    await expect(database.write([put('later')])).rejects.toMatchObject({
      code: 'store.unavailable',
    })
    await expect(database.read('deadLetterCount')).rejects.toMatchObject({
      code: 'store.unavailable',
    })
    expect(await keys(await open())).toEqual(['in time'])
  })

  it('says so if the file is open elsewhere, and opens once it is free', async () => {
    const first = await open()
    await expect(openDatabase({ path, durability: 'normal' })).rejects.toMatchObject({
      code: 'store.locked',
      message: expect.stringContaining(path),
    })
    await first.write([put('a')])
    await first.close()
    expect(await keys(await open())).toEqual(['a'])
  })

  it('says so if another process has the file open', async () => {
    const child = spawn(process.execPath, [
      join(import.meta.dirname, 'write-until-killed.ts'),
      path,
    ])
    try {
      await once(child.stdout, 'data')
      await expect(openDatabase({ path, durability: 'normal' })).rejects.toMatchObject({
        code: 'store.locked',
      })
    } finally {
      child.kill('SIGKILL')
      await once(child, 'close')
    }
  })

  it.each([
    { title: 'a folder that is not there', prepare: () => join(folder, 'missing', 'anyhub.db') },
    { title: 'a folder', prepare: () => folder },
    {
      title: 'a file of another kind',
      prepare: () => {
        writeFileSync(
          path,
          'this is not a database, but long enough to be taken for one'.repeat(99),
        )
        return path
      },
    },
  ])('says so if it cannot be opened: $title', async ({ prepare }) => {
    await expect(openDatabase({ path: prepare(), durability: 'full' })).rejects.toMatchObject({
      code: 'store.unavailable',
    })
  })

  it('has all that it said was durable after the process was killed', async () => {
    for (let round = 0; round < 3; round++) {
      const child = spawn(process.execPath, [
        join(import.meta.dirname, 'write-until-killed.ts'),
        path,
      ])
      let printed = ''
      child.stdout.setEncoding('utf8')
      child.stdout.on('data', (chunk: string) => {
        printed += chunk
        if (printed.length > 2_000 * (round + 1)) child.kill('SIGKILL')
      })
      await once(child, 'close')
      const durable = printed.slice(0, printed.lastIndexOf('\n')).split('\n')
      expect(durable.length).toBeGreaterThan(100)
      const database = await open()
      const a = await keys(database, 'a')
      const b = await keys(database, 'b')
      expect(durable.filter((key) => !a.includes(key))).toEqual([])
      // All or nothing: what was written together is there together.
      expect(a).toEqual(b)
      await database.close()
    }
  })
})

describe('a file of another version', () => {
  function change(sql: string): Buffer {
    const raw = new DatabaseSync(path)
    raw.exec(sql)
    raw.close()
    return readFileSync(path)
  }

  it.each([
    ['older', 'PRAGMA user_version = 0', 0],
    ['newer', `PRAGMA user_version = ${DATA_VERSION + 7}`, DATA_VERSION + 7],
  ])('that is %s is refused with both versions named, and left as it is', async (_, sql, found) => {
    const first = await open()
    await first.write([put('a')])
    await first.close()
    const before = change(sql)
    await expect(openDatabase({ path, durability: 'full' })).rejects.toMatchObject({
      code: 'store.wrong_version',
      retryable: false,
      message: expect.stringMatching(
        new RegExp(`version ${found}, this program reads ${DATA_VERSION} .*anyhub\\.db`),
      ),
    })
    expect(readFileSync(path).equals(before)).toBe(true)
    change(`PRAGMA user_version = ${DATA_VERSION}`)
    expect(await keys(await open())).toEqual(['a'])
  })

  it('that is empty gets our version, and its tables with it', async () => {
    writeFileSync(path, '')
    await (await open()).close()
    const raw = new DatabaseSync(path)
    expect(raw.prepare('PRAGMA user_version').get()).toEqual({ user_version: DATA_VERSION })
    raw.close()
  })

  it('that belongs to somebody else is refused too', async () => {
    const before = change('CREATE TABLE cats (name TEXT)')
    await expect(openDatabase({ path, durability: 'full' })).rejects.toMatchObject({
      code: 'store.wrong_version',
    })
    expect(readFileSync(path).equals(before)).toBe(true)
  })
})
