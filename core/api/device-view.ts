import * as z from 'zod'
import { isEnabled, type Subject, tagsOf } from '../devices/search/search.ts'
import { newDeviceRecord } from '../model/device-record.ts'
import type { JsonObject } from '../model/json.ts'
import { RegisteredDeviceView, registeredDeviceView } from './registry-view.ts'
import { AnyJson, AnyObject, Instant } from './schemas.ts'
import { deviceDetail, deviceSummary } from './views.ts'

const Status = z.enum(['unknown', 'online', 'late', 'offline', 'unreachable']).meta({
  id: 'DeviceStatus',
  description: 'late: connected, but silent for too long; unreachable: its gateway is gone.',
})

const OpenAlarm = z
  .object({
    alarmId: z.string(),
    severity: z.enum(['info', 'warning', 'critical']),
    text: z.string(),
    raisedAt: Instant.nullable(),
    acknowledgedAt: Instant.nullable(),
    shelvedUntil: Instant.optional(),
    assignedTo: z.string().optional(),
  })
  .meta({ id: 'OpenAlarm' })

/** One device in a list. */
export const DeviceSummaryView = z
  .object({
    deviceId: z.string(),
    type: z.string().optional().meta({
      description: 'As registered, else the device type of the config that covers it.',
    }),
    tags: z.record(z.string(), AnyJson).meta({
      description: 'Of its twin where that has some, else of the registry.',
    }),
    enabled: z.boolean(),
    registered: z.boolean(),
    connected: z.boolean(),
    status: Status,
    expected: z
      .boolean()
      .meta({ description: 'Whether it promised to be heard of at an interval.' }),
    seenAt: Instant.meta({ description: 'Epoch milliseconds; 0: never.' }),
    presenceChangedAt: Instant,
    accepted: z.int().meta({ description: 'How many messages were accepted.' }),
    last: z.record(
      z.string(),
      z.object({ value: z.union([z.number(), z.boolean(), z.string()]), at: Instant }),
    ),
    alarms: z.array(OpenAlarm).meta({ description: 'Those that are active.' }),
    desired: AnyObject.nullable().meta({ description: 'Of the classic shadow.' }),
    pendingCommands: z.int(),
  })
  .meta({ id: 'DeviceSummary' })

/** One device with all that is remembered of it. */
export const DeviceDetailView = DeviceSummaryView.extend({
  version: z.int().meta({ description: 'Counts what happened to it; 0: it was never heard of.' }),
  createdAt: Instant,
  presence: AnyObject,
  alarmStates: z.record(z.string(), AnyObject),
  shadows: z.record(
    z.string(),
    z.object({ desired: AnyObject, reported: AnyObject, version: z.int() }),
  ),
  waitingEffects: z.int(),
  registration: RegisteredDeviceView.optional(),
}).meta({ id: 'Device' })

/** A device in a list. */
export function deviceSummaryView(subject: Subject): JsonObject {
  return { ...deviceSummary(recordOf(subject)), ...facts(subject) }
}

/** A device with all that is remembered of it. */
export function deviceDetailView(subject: Subject, now: number): JsonObject {
  const { registered } = subject
  return {
    ...deviceDetail(recordOf(subject)),
    ...facts(subject),
    ...(registered === undefined ? {} : { registration: registeredDeviceView(registered, now) }),
  }
}

/** Who was never heard of looks like somebody who has just begun. */
function recordOf({ deviceId, record, registered }: Subject) {
  return record ?? newDeviceRecord(deviceId, registered?.createdAt ?? 0)
}

function facts(subject: Subject): JsonObject {
  const { type, registered } = subject
  return {
    ...(type === undefined ? {} : { type }),
    tags: { ...tagsOf(subject) },
    enabled: isEnabled(subject),
    registered: registered !== undefined,
  }
}
