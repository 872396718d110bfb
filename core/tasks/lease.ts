import { CoreError } from '../errors.ts'
import { newDeviceRecord } from '../model/device-record.ts'
import type { Clock, DeviceStore } from '../ports.ts'

/** A record that is no device: who of all processes works on tasks now. Tables have no compare-and-set, records have. */
const RECORD_ID = '$lock/tasks'

/** Who has not renewed it for so long has lost it. Unit: ms. */
const LEASE_MS = 30_000

/** It is renewed when so much of it is over. Unit: ms. */
const RENEW_MS = 5_000

/** The right to work on tasks, held by one process at a time. */
export interface Lease {
  /** Makes sure that it is still held. Gives false if it is lost: somebody else may be at work. */
  renew(): Promise<boolean>
  /** Lets others have it. What cannot be told now ends by itself. */
  release(): Promise<void>
}

/** Takes the right to work on tasks; `undefined` if somebody else has it. */
export async function takeLease(
  devices: Pick<DeviceStore, 'load' | 'commit'>,
  clock: Clock,
): Promise<Lease | undefined> {
  const now = clock.now()
  const before = (await devices.load(RECORD_ID)) ?? newDeviceRecord(RECORD_ID, now)
  if ((before.leaseUntil ?? 0) > now) return undefined
  let held = before
  let takenAt = now

  async function hold(leaseUntil: number): Promise<boolean> {
    const record = { ...held, version: held.version + 1, leaseUntil }
    const expectedVersion = held.version
    try {
      await devices.commit({ record, expectedVersion, rows: [], cold: [], commands: [] })
    } catch (error) {
      if (error instanceof CoreError && error.code === 'store.conflict') return false
      throw error
    }
    held = record
    return true
  }

  if (!(await hold(now + LEASE_MS))) return undefined
  return {
    async renew() {
      const at = clock.now()
      if (at - takenAt < RENEW_MS) return true
      takenAt = at
      return hold(at + LEASE_MS)
    },
    async release() {
      await hold(0).catch(() => undefined)
    },
  }
}
