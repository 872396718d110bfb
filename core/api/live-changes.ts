import type { AlarmState } from '../model/alarm.ts'
import { BEFORE_DEVICES, isDeviceId } from '../model/device-id.ts'
import type { DeviceRecord } from '../model/device-record.ts'
import type { JsonObject } from '../model/json.ts'
import type { Ports } from '../ports.ts'
import { alarmEntry } from './alarm-list.ts'
import { encodeEvent } from './live-source.ts'
import { deviceSummary } from './views.ts'

/** Records that one answer looks through at most, and that are read at once. */
const MOST_RECORDS = 2_000
const PAGE = 500

/** Messages of a device that one answer tells at most. */
const MOST_MESSAGES = 100

/** Clocks of several hosts differ, and a commit takes its time: so much is told twice. Unit: ms. */
const OVERLAP_MS = 2_000

/** How long a browser waits before it asks again. Unit: ms. */
const RETRY_MS = 5_000

/** Where somebody is who asks again and again: it travels in `Last-Event-ID`. */
interface Place {
  /** What changed after this was not told yet. Epoch ms. */
  readonly since: number
  /** When the walk over all devices began that is under way, and the last device that it has seen. */
  readonly began: number
  readonly after: string
  /** Event time of the newest message that was told. */
  readonly rowAt: number
}

export interface ChangesOptions {
  readonly ports: Pick<Ports, 'devices' | 'telemetry' | 'clock'>
  readonly deviceId: string | undefined
  readonly sees: ((deviceId: string) => Promise<boolean>) | undefined
  /** As the client sent it. */
  readonly lastEventId: string | undefined
}

/**
 * What changed since somebody asked last, as server-sent events: for hosts that live no longer than a request.
 *
 * A record counts as changed by the time at which it was heard of, or at which something happened to its alarms.
 */
export async function liveChanges(options: ChangesOptions): Promise<Uint8Array> {
  const place = readPlace(options.lastEventId)
  const parts = [encodeRetry()]
  const { next, events } =
    options.deviceId === undefined
      ? await ofFleet(options, place)
      : await ofDevice(options, options.deviceId, place)
  for (const [name, data] of events) parts.push(encodeEvent(name, data, writePlace(next)))
  return joined(parts)
}

type Events = readonly (readonly [name: string, data: JsonObject | readonly JsonObject[]])[]

interface Found {
  readonly next: Place
  readonly events: Events
}

async function ofFleet(
  { ports: { devices, clock }, sees }: ChangesOptions,
  place: Place | undefined,
): Promise<Found> {
  const now = clock.now()
  const began = place === undefined || place.after === '' ? now : place.began
  const changed: DeviceRecord[] = []
  let after = place?.after === '' || place === undefined ? BEFORE_DEVICES : place.after
  let looked = 0
  let isDone = false
  while (!isDone && looked < MOST_RECORDS) {
    const page = await devices.list(after, PAGE)
    looked += page.length
    after = page.at(-1)?.deviceId ?? after
    isDone = page.length < PAGE
    for (const record of page)
      if (
        isDeviceId(record.deviceId) &&
        (place === undefined || changedAt(record) > place.since - OVERLAP_MS) &&
        (sees === undefined || (await sees(record.deviceId)))
      )
        changed.push(record)
    // The first answer is what a page shows when it opens; the others come by and by.
    if (place === undefined && looked >= PAGE * 2) break
  }
  const next: Place = isDone
    ? { since: began, began: 0, after: '', rowAt: 0 }
    : { since: place?.since ?? 0, began, after, rowAt: 0 }
  const summaries = changed.map(deviceSummary)
  if (place === undefined) {
    const snapshot = { devices: summaries, ...(isDone ? {} : { next: after }) }
    return { next, events: [['snapshot', snapshot]] }
  }
  return { next, events: [['devices', summaries], ...alarmsOf(changed, place.since)] }
}

async function ofDevice(
  { ports: { devices, telemetry, clock }, sees }: ChangesOptions,
  deviceId: string,
  place: Place | undefined,
): Promise<Found> {
  const now = clock.now()
  const mayTell = isDeviceId(deviceId) && (sees === undefined || (await sees(deviceId)))
  const record = mayTell ? await devices.load(deviceId) : undefined
  const nothing: Place = { since: now, began: 0, after: '', rowAt: place?.rowAt ?? 0 }
  if (record === undefined)
    return {
      next: nothing,
      events: [place === undefined ? ['snapshot', { devices: [] }] : ['devices', []]],
    }
  const from = place === undefined ? 0 : place.rowAt + 1
  const query = {
    from,
    to: 8.64e15,
    limit: place === undefined ? 1 : MOST_MESSAGES,
    descending: true,
  }
  const rows = (await telemetry.range(deviceId, query)).toReversed()
  const next: Place = { ...nothing, rowAt: rows.at(-1)?.at ?? nothing.rowAt }
  if (place === undefined)
    return { next, events: [['snapshot', { devices: [deviceSummary(record)] }]] }
  const isChanged = changedAt(record) > place.since - OVERLAP_MS
  const messages = rows.map(({ at, messageId, metrics }): JsonObject => {
    return {
      deviceId,
      at,
      messageId,
      topic: `devices/${deviceId}/telemetry`,
      metrics,
      outcome: 'accepted',
    }
  })
  return {
    next,
    events: [
      ['devices', isChanged ? [deviceSummary(record)] : []],
      ...alarmsOf(isChanged ? [record] : [], place.since),
      ...(messages.length === 0 ? [] : [['messages', messages] as const]),
    ],
  }
}

function alarmsOf(records: readonly DeviceRecord[], since: number): Events {
  const entries = records.flatMap((record) =>
    Object.entries(record.alarms).flatMap(([alarmId, state]): JsonObject[] =>
      state.status !== 'quiet' && Math.max(...momentsOf(state)) > since - OVERLAP_MS
        ? [{ ...alarmEntry(record, alarmId, state) }]
        : [],
    ),
  )
  return entries.length === 0 ? [] : [['alarms', entries]]
}

/** Our clock where it is known, else event time. Epoch ms. */
function changedAt({ presence, alarms, createdAt }: DeviceRecord): number {
  const { seenAt, changedAt, judged } = presence
  return Math.max(
    createdAt,
    seenAt,
    changedAt,
    judged?.since ?? 0,
    ...Object.values(alarms).flatMap(momentsOf),
  )
}

function momentsOf({ since, raisedAt, clearedAt, acknowledgedAt, care }: AlarmState): number[] {
  return [
    since,
    raisedAt ?? 0,
    clearedAt ?? 0,
    acknowledgedAt ?? 0,
    care?.history?.at(-1)?.at ?? 0,
    care?.comments?.at(-1)?.at ?? 0,
  ]
}

/** What is none of ours is as if nothing had been sent. */
function readPlace(id: string | undefined): Place | undefined {
  const found = /^(\d{1,15})~(\d{1,15})~([\w:.-]{0,128})~(\d{1,16})$/.exec(id ?? '')
  if (found === null) return undefined
  const [, since, began, after = '', rowAt] = found
  return { since: Number(since), began: Number(began), after, rowAt: Number(rowAt) }
}

function writePlace({ since, began, after, rowAt }: Place): string {
  return `${since}~${began}~${after}~${rowAt}`
}

function encodeRetry(): Uint8Array {
  return new TextEncoder().encode(`retry: ${RETRY_MS}\n\n`)
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
