import { CoreError } from '../errors.ts'
import { isDeviceId } from '../model/device-id.ts'
import type { DeviceRecord } from '../model/device-record.ts'
import type { Ports } from '../ports.ts'

/**
 * The record of a device.
 * @throws CoreError `input.not_found` if it was never heard of.
 */
export async function findDevice(ports: Ports, deviceId: string): Promise<DeviceRecord> {
  const record = isDeviceId(deviceId) ? await ports.devices.load(deviceId) : undefined
  if (record !== undefined) return record
  throw new CoreError('input.not_found', `no device ${JSON.stringify(deviceId)} has been heard of`)
}
