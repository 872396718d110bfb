import { describe, expect, it } from 'vitest'
import { createTwinDesk } from '../../../adapters/local/twin-desk.ts'
import {
  type Core,
  type DeviceRecord,
  type JsonObject,
  newDeviceRecord,
} from '../../../core/index.ts'

/** A record whose twin is at this version. */
function recordAt(desiredVersion: number, desired: JsonObject): DeviceRecord {
  const shadow = {
    desired,
    metadata: {},
    version: desiredVersion,
    desiredVersion,
    reportedVersion: 0,
    updatedAt: 0,
  }
  return { ...newDeviceRecord('dev1', 0), shadows: { '': shadow } }
}

/** A desk whose store answers when it is told to. */
function openDesk() {
  const loads: { resolve(record: DeviceRecord): void; reject(error: Error): void }[] = []
  const devices = {
    load: () =>
      new Promise<DeviceRecord>((resolve, reject) => {
        loads.push({ resolve, reject })
      }),
  }
  const desk = createTwinDesk(() => ({ ports: { devices } }) as unknown as Core)
  const told: JsonObject[] = []
  const end = desk.watch('dev1', (patch) => void told.push(patch))
  const answer = async (record: DeviceRecord | Error): Promise<void> => {
    if (record instanceof Error) loads[0]?.reject(record)
    else loads[0]?.resolve(record)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { desk, told, end, answer }
}

describe('who watches what is desired', () => {
  it('is told changes, and nothing where only something else was stored', async () => {
    const { desk, told, end, answer } = openDesk()
    await answer(recordAt(1, { a: 1, b: { c: 1 } }))
    desk.committed(recordAt(1, { a: 1, b: { c: 1 } }))
    expect(told).toEqual([])
    desk.committed(recordAt(2, { a: 2, b: { c: 1 } }))
    desk.committed({ ...recordAt(3, {}), deviceId: 'dev2' })
    desk.committed(recordAt(4, { a: 2 }))
    expect(told).toEqual([
      { a: 2, $version: 3 },
      { b: null, $version: 5 },
    ])
    end()
    desk.committed(recordAt(5, { a: 3 }))
    expect(told).toHaveLength(2)
  })

  it('is told once what was stored before it is known what there was', async () => {
    const { desk, told, answer } = openDesk()
    desk.committed(recordAt(2, { a: 2 }))
    desk.committed(recordAt(3, { a: 3 }))
    expect(told).toEqual([])
    await answer(recordAt(1, { a: 1 }))
    expect(told).toEqual([{ a: 3, $version: 4 }])
  })

  it('is told nothing of what was stored already when it came', async () => {
    const { desk, told, answer } = openDesk()
    desk.committed(recordAt(2, { a: 2 }))
    await answer(recordAt(2, { a: 2 }))
    expect(told).toEqual([])
  })

  it('is told all where nobody can say what there was', async () => {
    const { desk, told, answer } = openDesk()
    await answer(new Error('the disk is gone'))
    desk.committed(recordAt(2, { a: 2 }))
    expect(told).toEqual([{ a: 2, $version: 3 }])
  })
})
