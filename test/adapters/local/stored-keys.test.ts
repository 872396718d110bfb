import { describe, expect, it } from 'vitest'
import { createStoredKeys, type HourKeys, rowKey } from '../../../adapters/local/stored-keys.ts'
import { newDeviceRecord } from '../../../core/index.ts'

const HOUR = 3_600_000

function commit(deviceId: string, ...times: number[]) {
  const rows = times.map((at) => ({ at, messageId: 'm', metrics: {} }))
  return { record: newDeviceRecord(deviceId, 0), rows }
}

/** A store that counts how often it is read. */
function counted(...times: number[]) {
  const reads: number[] = []
  const read = async (): Promise<HourKeys> => {
    reads.push(1)
    return new Set(times.map((at) => rowKey(at, 'm')))
  }
  return { reads, read }
}

describe('keys of stored rows', () => {
  it('are read once for an hour, and know what is committed later', async () => {
    const keys = createStoredKeys(100)
    const { reads, read } = counted(1, 2)
    expect(await keys.of('a', 0, read)).toEqual(new Set(['1/m', '2/m']))
    keys.add(commit('a', 3, HOUR + 3))
    keys.add(commit('b', 4))
    expect(await keys.of('a', 0, read)).toEqual(new Set(['1/m', '2/m', '3/m']))
    expect(reads).toHaveLength(1)
  })

  it('are read again for another hour', async () => {
    const keys = createStoredKeys(100)
    await keys.of('a', 0, counted(1).read)
    const next = counted(HOUR + 1)
    expect(await keys.of('a', 1, next.read)).toEqual(new Set([`${HOUR + 1}/m`]))
    const back = counted(1)
    expect(await keys.of('a', 0, back.read)).toEqual(new Set(['1/m']))
    expect(back.reads).toHaveLength(1)
  })

  it('know what became durable while they were read', async () => {
    const keys = createStoredKeys(100)
    const first = keys.of('a', 0, async () => {
      keys.add(commit('a', 7))
      return new Set(['1/m'])
    })
    expect(await first).toEqual(new Set(['1/m', '7/m']))
    const { reads, read } = counted()
    expect(await keys.of('a', 0, read)).toEqual(new Set(['1/m', '7/m']))
    expect(reads).toHaveLength(0)
  })

  it('keep nothing of a read that failed', async () => {
    const keys = createStoredKeys(100)
    const broken = keys.of('a', 0, () => Promise.reject(new Error('no disk')))
    await expect(broken).rejects.toThrow('no disk')
    keys.add(commit('a', 7))
    const { reads, read } = counted(7)
    expect(await keys.of('a', 0, read)).toEqual(new Set(['7/m']))
    expect(reads).toHaveLength(1)
  })

  it('are let go of beyond their number, the longest unused first', async () => {
    const keys = createStoredKeys(6)
    for (const device of ['a', 'b']) await keys.of(device, 0, counted(1, 2).read)
    await keys.of('a', 0, counted().read)
    await keys.of('c', 0, counted(1, 2, 3).read)
    const reads = await Promise.all(
      ['a', 'c', 'b'].map(async (device) => {
        const again = counted(1)
        await keys.of(device, 0, again.read)
        return again.reads.length
      }),
    )
    expect(reads).toEqual([0, 0, 1])
    const large = counted(1, 2, 3, 4, 5, 6, 7)
    expect((await keys.of('d', 0, large.read)).size).toBe(7)
    await keys.of('d', 0, large.read)
    expect(large.reads).toHaveLength(2)
  })
})
