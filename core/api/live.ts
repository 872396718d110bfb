import * as z from 'zod'
import type { Caller } from '../access/index.ts'
import type { Core } from '../create-core.ts'
import { CoreError } from '../errors.ts'
import { BEFORE_DEVICES, isDeviceId } from '../model/device-id.ts'
import type { DeviceRecord } from '../model/device-record.ts'
import type { JsonObject } from '../model/json.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import { liveChanges } from './live-changes.ts'
import type { LiveSource } from './live-source.ts'
import { liveStream } from './live-stream.ts'
import { deviceSummary } from './views.ts'

/** Devices that a snapshot holds at most; a page asks for the others. */
const MOST_SHOWN = 1_000

/** Whether somebody may see a device is asked again after so long. Unit: ms. */
const KNOWN_MS = 10_000

/** Devices of which it is remembered whether somebody may see them. */
const MOST_KNOWN = 50_000

/** A stream is kept by nobody on its way. Source: nginx, `X-Accel-Buffering`. */
const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
}

export interface LiveApiOptions {
  readonly core: Core
  /** Without it each answer ends, and tells what changed since the one before. */
  readonly source?: LiveSource | undefined
  /** Whether a caller who is limited to groups may see a device. */
  readonly reaches: (caller: Caller, deviceId: string) => Promise<boolean>
}

/** What happens, as it happens. */
export function liveEndpoints({ core, source, reaches }: LiveApiOptions): readonly Endpoint[] {
  const { ports } = core

  async function snapshot(
    deviceId: string | undefined,
    sees: ((deviceId: string) => Promise<boolean>) | undefined,
  ): Promise<JsonObject> {
    if (deviceId !== undefined) {
      const mayTell = isDeviceId(deviceId) && (sees === undefined || (await sees(deviceId)))
      const record = mayTell ? await ports.devices.load(deviceId) : undefined
      return { devices: record === undefined ? [] : [deviceSummary(record)] }
    }
    const records = await ports.devices.list(BEFORE_DEVICES, MOST_SHOWN)
    const shown: DeviceRecord[] = []
    for (const record of records)
      if (isDeviceId(record.deviceId) && (sees === undefined || (await sees(record.deviceId))))
        shown.push(record)
    const next = records.length === MOST_SHOWN ? records.at(-1)?.deviceId : undefined
    return {
      devices: shown.map(deviceSummary),
      ...(next === undefined ? {} : { next }),
      ...(sees === undefined && source !== undefined ? { stats: await source.stats() } : {}),
    }
  }

  return [
    endpoint({
      method: 'get',
      path: '/live',
      operation: 'followLive',
      tag: 'Live',
      summary: 'What happens, as server-sent events.',
      description: [
        '`snapshot` first: `{devices, stats?, next?}`. Then `devices` (summaries that changed) and `alarms` (alarms that changed), each an array;',
        '`stats` (counters), for callers who may see all; and with `device` also `messages` of that device as they are judged.',
        'On functions an answer ends after what changed since `Last-Event-ID`, and an EventSource comes back after 5 s; there is no `stats` there.',
      ].join(' '),
      needs: 'devices:read',
      byGroups: true,
      query: z.strictObject({
        device: z.string().max(128).optional().meta({
          description: 'Tells of this device only, and also of its messages.',
        }),
      }),
      contentType: 'text/event-stream',
      async handle({ context, caller, query: { device } }) {
        const sees = caller.groups === undefined ? undefined : remembered(caller)
        if (device !== undefined && sees !== undefined && !(await sees(device)))
          throw new CoreError('access.forbidden', 'expected a device that is yours, found another')
        if (source === undefined) {
          const lastEventId = context.req.header('last-event-id')
          const told = await liveChanges({ ports, deviceId: device, sees, lastEventId })
          return new Response(new Uint8Array(told), { headers: HEADERS })
        }
        if (context.req.method === 'HEAD') return new Response(null, { headers: HEADERS })
        const stream = liveStream({
          source,
          deviceId: device,
          sees,
          clock: ports.clock,
          snapshot: () => snapshot(device, sees),
        })
        return new Response(stream, { headers: HEADERS })
      },
    }),
  ]

  /** Whether the caller may see a device, without asking for each event. */
  function remembered(caller: Caller): (deviceId: string) => Promise<boolean> {
    const known = new Map<string, { readonly may: Promise<boolean>; readonly until: number }>()
    return (deviceId) => {
      const now = ports.clock.now()
      const found = known.get(deviceId)
      if (found !== undefined && found.until > now) return found.may
      if (known.size >= MOST_KNOWN) known.clear()
      const may = reaches(caller, deviceId)
      may.catch(() => known.delete(deviceId))
      known.set(deviceId, { may, until: now + KNOWN_MS })
      return may
    }
  }
}
