import * as z from 'zod'
import type { Core } from '../create-core.ts'
import { CoreError } from '../errors.ts'
import type { Fleet } from '../fleet.ts'
import { readSearch, readSort, SearchText } from './device-query.ts'
import {
  DeviceDetailView,
  DeviceSummaryView,
  deviceDetailView,
  deviceSummaryView,
} from './device-view.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import { setEtag } from './etag.ts'
import { After, DeviceParams, limit } from './schemas.ts'

/** All devices: those that were heard of, and those that are registered. */
export function deviceEndpoints({ ports }: Core, fleet: Fleet): readonly Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/devices',
      operation: 'listDevices',
      tag: 'Devices',
      summary: 'Devices that were heard of or are registered, searched and sorted.',
      description:
        'A page may be shorter than `limit`, even empty, while there is a `next`: so many devices are looked at for one.',
      needs: 'devices:read',
      byGroups: true,
      query: z.strictObject({
        query: SearchText,
        sort: z.string().max(200).optional().meta({
          description:
            'id (unless given), type, state, seenAt, enabled, registered, alarms, commands, tags.<name> or last.<metric>; with - before it the other way round.',
          example: '-seenAt',
        }),
        limit: limit(100, 1_000),
        after: After,
      }),
      answer: z.object({
        devices: z.array(DeviceSummaryView),
        next: z.string().optional(),
        total: z.int().optional().meta({
          description: 'How many there are, where the order made it necessary to look at all.',
        }),
      }),
      async handle({ caller, query: { query, sort, limit, after = '' } }) {
        const { devices, ...rest } = await fleet.find({
          search: readSearch(query),
          sort: readSort(sort),
          limit,
          after,
          caller,
        })
        return { devices: devices.map(deviceSummaryView), ...rest }
      },
    }),
    endpoint({
      method: 'get',
      path: '/devices/{deviceId}',
      operation: 'getDevice',
      tag: 'Devices',
      summary: 'One device with all that is remembered of it, and what it was registered as.',
      needs: 'devices:read',
      params: DeviceParams,
      answer: DeviceDetailView,
      async handle({ context, params: { deviceId } }) {
        const subject = await fleet.get(deviceId)
        if (subject === undefined)
          throw new CoreError(
            'input.not_found',
            `no device ${JSON.stringify(deviceId)} has been heard of`,
          )
        const { record, registered } = subject
        setEtag(context, `${record?.version ?? 0}-${registered?.version ?? 0}`)
        return deviceDetailView(subject, ports.clock.now())
      },
    }),
  ]
}
