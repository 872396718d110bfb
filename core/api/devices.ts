import * as z from 'zod'
import type { Core } from '../create-core.ts'
import { BEFORE_DEVICES, isDeviceId } from '../model/device-id.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import { findDevice } from './find-device.ts'
import { After, AnyObject, DeviceParams, limit } from './schemas.ts'
import { deviceDetail, deviceSummary } from './views.ts'

/** The devices that were heard of. */
export function deviceEndpoints({ ports }: Core): readonly Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/devices',
      operation: 'listDevices',
      tag: 'Devices',
      summary: 'Devices in the order of their ids.',
      needs: 'devices:read',
      query: z.strictObject({ limit: limit(100, 1_000), after: After }),
      answer: z.object({ devices: z.array(AnyObject), next: z.string().optional() }),
      async handle({ query: { limit, after } }) {
        const records = await ports.devices.list(after || BEFORE_DEVICES, limit)
        const next = records.length === limit ? records.at(-1)?.deviceId : undefined
        return {
          devices: records.filter(({ deviceId }) => isDeviceId(deviceId)).map(deviceSummary),
          ...(next === undefined ? {} : { next }),
        }
      },
    }),
    endpoint({
      method: 'get',
      path: '/devices/{deviceId}',
      operation: 'getDevice',
      tag: 'Devices',
      summary: 'One device with all that is remembered of it.',
      needs: 'devices:read',
      params: DeviceParams,
      answer: AnyObject,
      handle: async ({ params: { deviceId } }) => deviceDetail(await findDevice(ports, deviceId)),
    }),
  ]
}
