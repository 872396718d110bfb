import { isPending } from '../model/command.ts'
import type { DeadLetter } from '../model/dead-letter.ts'
import type { DeviceRecord, Presence, PresenceStatus } from '../model/device-record.ts'
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import { maskAddress } from '../notifications/channels/mask.ts'
import { alarmView } from './alarm-view.ts'

/** One device as lists and the live stream show it. Times are epoch ms; `presenceChangedAt` is 0 if it never connected. */
export function deviceSummary(record: DeviceRecord): JsonObject {
  const last: Record<string, JsonObject> = {}
  for (const [metric, { value, at }] of Object.entries(record.last)) last[metric] = { value, at }
  const alarms = Object.entries(record.alarms)
    .filter(([, state]) => state.status === 'active')
    .map(([alarmId, state]): JsonObject => {
      return {
        alarmId,
        severity: state.severity,
        text: state.text,
        raisedAt: state.raisedAt ?? null,
        acknowledgedAt: state.acknowledgedAt ?? null,
        ...(state.care?.shelf === undefined ? {} : { shelvedUntil: state.care.shelf.until }),
        ...(state.care?.assignedTo === undefined ? {} : { assignedTo: state.care.assignedTo }),
      }
    })
  const shadow = record.shadows['']
  return {
    deviceId: record.deviceId,
    connected: record.presence.connected,
    status: presenceStatus(record.presence),
    expected: record.presence.judged?.byInterval ?? false,
    seenAt: record.presence.seenAt,
    presenceChangedAt: record.presence.changedAt,
    accepted: record.accepted,
    last,
    alarms,
    desired: shadow?.desired ?? null,
    pendingCommands: (record.commands ?? []).filter(isPending).length,
  }
}

/** A device that nobody has judged yet is online while it is connected. */
function presenceStatus({ connected, judged }: Presence): PresenceStatus {
  return judged?.status ?? (connected ? 'online' : 'unknown')
}

function presenceView(presence: Presence): JsonObject {
  const { connected, changedAt, seenAt, gateway, judged } = presence
  return {
    status: presenceStatus(presence),
    since: judged?.since ?? changedAt,
    connected,
    changedAt,
    seenAt,
    ...(gateway === undefined ? {} : { gateway }),
    sequence: judged?.sequence ?? 0,
    flaps: judged?.flaps ?? 0,
  }
}

/** One device with all that is remembered of it, but for what only the core needs. */
export function deviceDetail(record: DeviceRecord): JsonObject {
  const alarms: Record<string, JsonObject> = {}
  for (const [alarmId, state] of Object.entries(record.alarms)) alarms[alarmId] = alarmView(state)
  const shadows: Record<string, JsonObject> = {}
  for (const [name, { desired, reported, version }] of Object.entries(record.shadows)) {
    shadows[name] = { desired: desired ?? {}, reported: reported ?? {}, version }
  }
  return {
    ...deviceSummary(record),
    version: record.version,
    createdAt: record.createdAt,
    presence: presenceView(record.presence),
    alarmStates: alarms,
    shadows,
    waitingEffects: record.outbox.length,
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** One dead letter. Its payload as text where it is text, else in hex. */
export function deadLetterView(letter: DeadLetter): JsonObject {
  const { payload, ...rest } = letter
  const view = payloadView(payload)
  return { ...rest, ...(letter.source === 'notify' ? withoutAddress(view) : view) }
}

/** A delivery that was given up, without the own address that it was for. */
function withoutAddress(view: JsonObject): JsonObject {
  const text = view['payloadText']
  try {
    const delivery: Json = typeof text === 'string' ? JSON.parse(text) : null
    if (!isJsonObject(delivery) || typeof delivery['to'] !== 'string') return view
    return { payloadText: JSON.stringify({ ...delivery, to: maskAddress(delivery['to']) }) }
  } catch {
    return view
  }
}

function payloadView(payload: Uint8Array): JsonObject {
  try {
    return { payloadText: utf8.decode(payload) }
  } catch {
    return {
      payloadHex: Array.from(payload, (byte) => byte.toString(16).padStart(2, '0')).join(''),
    }
  }
}
