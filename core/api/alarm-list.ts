import * as z from 'zod'
import type { Caller } from '../access/index.ts'
import type { Core } from '../create-core.ts'
import { type AlarmState, standingOf } from '../model/alarm.ts'
import { BEFORE_DEVICES, isDeviceId } from '../model/device-id.ts'
import type { DeviceRecord } from '../model/device-record.ts'
import type { JsonObject } from '../model/json.ts'
import { SEVERITIES } from '../model/notification.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import { After, Instant, limit } from './schemas.ts'

/** Records that one request looks through at most, and that are read at once: who asks goes on with `next`. */
const MOST_RECORDS = 5_000
const PAGE = 500

/** Devices that one request names at most. */
const MOST_NAMED = 100

export const STANDINGS = [
  'normal',
  'pending',
  'active',
  'acknowledged',
  'cleared',
  'shelved',
] as const

const AlarmEntry = z
  .object({
    deviceId: z.string(),
    alarmId: z.string(),
    severity: z.enum(SEVERITIES),
    text: z.string().meta({ description: 'The sentence for people.' }),
    standing: z.enum(STANDINGS),
    status: z.enum(['quiet', 'pending', 'active', 'cleared']),
    since: Instant.meta({ description: 'Event time at which the condition became true.' }),
    raisedAt: Instant.optional(),
    clearedAt: Instant.optional(),
    acknowledgedAt: Instant.optional(),
    acknowledgedBy: z.string().optional(),
    assignedTo: z.string().optional(),
    shelvedUntil: Instant.optional(),
    shelvedBy: z.string().optional(),
    shelvedFor: z.string().optional(),
    comments: z.int().meta({ description: 'How many.' }),
  })
  .meta({ id: 'AlarmEntry' })

/** Some of several words, with commas between them. */
function someOf<const W extends readonly [string, ...string[]]>(words: W) {
  const known = z.enum(words)
  return z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(known, `expected some of ${words.join(', ')}, with commas between them`))
    .optional()
}

export interface AlarmListOptions {
  readonly core: Core
  /** Whether a caller who is limited to groups may see a device. */
  readonly reaches: (caller: Caller, deviceId: string) => Promise<boolean>
}

/** Where a walk over the alarms of a fleet is: behind this device, or behind this alarm of it. */
interface Place {
  readonly deviceId: string
  readonly alarmId: string | undefined
}

/** The alarms of all devices. */
export function alarmListEndpoints({ core, reaches }: AlarmListOptions): readonly Endpoint[] {
  const { devices } = core.ports

  /** Records in the order of their ids, each with the alarm after which it counts. */
  async function* walk(named: readonly string[] | undefined, from: Place | undefined) {
    if (named !== undefined) {
      for (const deviceId of named.toSorted()) {
        if (from !== undefined && deviceId < from.deviceId) continue
        const isStart = deviceId === from?.deviceId
        if (isStart && from?.alarmId === undefined) continue
        const record = isDeviceId(deviceId) ? await devices.load(deviceId) : undefined
        if (record !== undefined) yield { record, behind: isStart ? from?.alarmId : undefined }
      }
      return
    }
    if (from?.alarmId !== undefined) {
      const record = await devices.load(from.deviceId)
      if (record !== undefined) yield { record, behind: from.alarmId }
    }
    for (let after = from?.deviceId ?? BEFORE_DEVICES; ; ) {
      const page = await devices.list(after, PAGE)
      for (const record of page)
        if (isDeviceId(record.deviceId)) yield { record, behind: undefined }
      const last = page.at(-1)
      if (last === undefined || page.length < PAGE) return
      after = last.deviceId
    }
  }

  return [
    endpoint({
      method: 'get',
      path: '/alarms',
      operation: 'listAlarms',
      tag: 'Alarms',
      summary: 'The open alarms of all devices, in the order of their ids.',
      description:
        'A request looks through 5,000 devices at most: a page may be short, or empty, and still have `next`.',
      needs: 'alarms:read',
      byGroups: true,
      query: z.strictObject({
        standing: someOf(STANDINGS).meta({
          description:
            'Such as `active,acknowledged`. Without it all that are raised, shelved ones too.',
        }),
        severity: someOf(SEVERITIES).meta({ description: 'Such as `warning,critical`.' }),
        alarm: z.string().max(64).optional().meta({ description: 'The id of an alarm.' }),
        device: z
          .string()
          .transform((text) => text.split(','))
          .refine((ids) => ids.length <= MOST_NAMED, `expected at most ${MOST_NAMED} devices`)
          .optional()
          .meta({ description: 'Ids of devices, with commas between them; all unless given.' }),
        limit: limit(100, 1_000),
        after: After,
      }),
      answer: z.object({ alarms: z.array(AlarmEntry), next: z.string().optional() }),
      async handle({ caller, query }) {
        const { standing, severity, alarm, device, limit, after } = query
        const wanted = (alarmId: string, state: AlarmState): boolean =>
          (standing === undefined
            ? state.status === 'active'
            : standing.includes(standingOf(state))) &&
          (severity === undefined || severity.includes(state.severity)) &&
          (alarm === undefined || alarm === alarmId)
        const found: JsonObject[] = []
        let looked = 0
        let place = readPlace(after)
        if (limit === 0) return { alarms: [] }
        for await (const { record, behind } of walk(device, place)) {
          if (looked++ >= MOST_RECORDS) return { alarms: found, next: writePlace(place) }
          const ids = Object.keys(record.alarms).toSorted()
          const entries = ids.flatMap((alarmId) => {
            const state = record.alarms[alarmId]
            const counts = behind === undefined || alarmId > behind
            return counts && state !== undefined && wanted(alarmId, state)
              ? [{ alarmId, entry: alarmEntry(record, alarmId, state) }]
              : []
          })
          if (entries.length > 0 && (await mayTell(caller, record)))
            for (const { alarmId, entry } of entries) {
              if (found.length === limit) return { alarms: found, next: writePlace(place) }
              found.push(entry)
              place = { deviceId: record.deviceId, alarmId }
            }
          place = { deviceId: record.deviceId, alarmId: undefined }
        }
        return { alarms: found }
      },
    }),
  ]

  async function mayTell(caller: Caller, { deviceId }: DeviceRecord): Promise<boolean> {
    return caller.groups === undefined || reaches(caller, deviceId)
  }
}

/** No device has a slash in its id. */
function readPlace(after: string | undefined): Place | undefined {
  if (after === undefined || after === '') return undefined
  const end = after.indexOf('/')
  return end < 0
    ? { deviceId: after, alarmId: undefined }
    : { deviceId: after.slice(0, end), alarmId: after.slice(end + 1) }
}

function writePlace(place: Place | undefined): string {
  if (place === undefined) return ''
  return place.alarmId === undefined ? place.deviceId : `${place.deviceId}/${place.alarmId}`
}

/** One alarm of a device, as lists and the live stream show it: without what was said and done about it. Times are epoch ms. */
export function alarmEntry(
  { deviceId }: DeviceRecord,
  alarmId: string,
  state: AlarmState,
): JsonObject {
  const { severity, text, status, since, care } = state
  const { raisedAt, clearedAt, acknowledgedAt, acknowledgedBy } = state
  const { shelf, comments = [], assignedTo } = care ?? {}
  return {
    deviceId,
    alarmId,
    severity,
    text,
    standing: standingOf(state),
    status,
    since,
    ...(raisedAt === undefined ? {} : { raisedAt }),
    ...(clearedAt === undefined ? {} : { clearedAt }),
    ...(acknowledgedAt === undefined ? {} : { acknowledgedAt }),
    ...(acknowledgedBy === undefined ? {} : { acknowledgedBy }),
    ...(assignedTo === undefined ? {} : { assignedTo }),
    ...(shelf === undefined ? {} : { shelvedUntil: shelf.until, shelvedBy: shelf.by }),
    ...(shelf?.reason === undefined ? {} : { shelvedFor: shelf.reason }),
    comments: comments.length,
  }
}
