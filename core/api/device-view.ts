import * as z from 'zod'
import { isEnabled, type Subject, tagsOf } from '../devices/search/search.ts'
import { newDeviceRecord } from '../model/device-record.ts'
import type { JsonObject } from '../model/json.ts'
import { SEVERITIES } from '../model/notification.ts'
import { STANDINGS } from './alarm-list.ts'
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

const PresenceView = z
  .object({
    status: Status,
    since: Instant,
    connected: z.boolean(),
    changedAt: Instant,
    seenAt: Instant,
    gateway: z.string().optional().meta({ description: 'Whose connection it shares.' }),
    sequence: z.int().meta({ description: 'How often rules were told something.' }),
    flaps: z.int().meta({ description: 'Connections that came back before anybody was told.' }),
  })
  .meta({ id: 'Presence' })

const ALARM_EVENTS = [
  'raised',
  'cleared',
  'escalated',
  'eased',
  'acknowledged',
  'shelved',
  'unshelved',
  'assigned',
] as const

/** One alarm of a device with all that people did about it. */
export const AlarmStateView = z
  .object({
    status: z.enum(['quiet', 'pending', 'active', 'cleared']),
    standing: z.enum(STANDINGS),
    severity: z.enum(['info', 'warning', 'critical']),
    text: z.string(),
    since: Instant,
    judgedAt: Instant,
    dueAt: Instant.optional().meta({
      description: 'When time alone moves it on, even if no message comes; epoch milliseconds.',
    }),
    raisedAt: Instant.optional(),
    clearedAt: Instant.optional(),
    acknowledgedAt: Instant.optional(),
    acknowledgedBy: z.string().optional(),
    assignedTo: z.string().optional(),
    clearingSince: Instant.optional(),
    hits: z.int().optional().meta({
      description: 'How often the condition was true, where it has to be several times.',
    }),
    shelvedUntil: Instant.optional(),
    shelvedBy: z.string().optional(),
    shelvedFor: z.string().optional(),
    comments: z
      .array(z.object({ at: Instant, by: z.string(), text: z.string() }))
      .optional()
      .meta({ description: 'Oldest first; the last ones.' }),
    history: z
      .array(
        z.object({
          at: Instant,
          is: z.enum(ALARM_EVENTS),
          severity: z.enum(SEVERITIES).optional(),
          by: z.string().optional(),
        }),
      )
      .optional()
      .meta({ description: 'Oldest first; the last ones.' }),
  })
  .meta({ id: 'AlarmState' })

/** One device with all that is remembered of it. */
export const DeviceDetailView = DeviceSummaryView.extend({
  version: z.int().meta({ description: 'Counts what happened to it; 0: it was never heard of.' }),
  createdAt: Instant,
  presence: PresenceView,
  alarmStates: z.record(z.string(), AlarmStateView).meta({ description: 'By the ids of alarms.' }),
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
