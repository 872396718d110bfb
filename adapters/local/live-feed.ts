import {
  alarmEntry,
  deviceSummary,
  type LiveItem,
  type LiveListener,
  liveEvent,
} from '../../core/api/index.ts'
import {
  type AlarmState,
  type Commit,
  type DeviceRecord,
  type Json,
  type JsonObject,
  type MetricValue,
  type Outcome,
  standingOf,
  type Uplink,
} from '../../core/index.ts'

/** How often the pages are told of changes, whatever their number. Unit: ms. */
const EVERY_MS = 250

/** Of so many devices one event tells at most; the others come with the next. */
const MAX_DEVICES = 1_000

/** Messages of watched devices that wait to be told at most; of more the oldest are passed over. */
const MAX_MESSAGES = 500

/** A payload is told up to here. Unit: bytes. */
const MAX_PAYLOAD_BYTES = 4_096

/** Rows that are at hand until what became of their messages is known. */
const MAX_ROWS = 1_000

/** One open page. */
export interface Listener {
  /** Takes one whole server-sent event. */
  send(event: string): void
  /** There will be no more. */
  end(): void
}

/** Tells open pages what changed. */
export interface LiveFeed {
  /** How many listen now. */
  readonly listeners: number
  /** A record became durable. */
  changed(record: DeviceRecord): void
  /** The rows of a commit became durable. */
  stored(commit: Pick<Commit, 'record' | 'rows'>): void
  /** Whether somebody wants to know of the messages of a device. */
  watches(deviceId: string): boolean
  /** It is known what became of a message of a device that is watched. */
  judged(deviceId: string, uplink: Uplink, outcome: Outcome): void
  /** Adds a listener; what it returns takes it away. */
  subscribe(listener: Listener): () => void
  /** As `subscribe`, for who looks into what is told. */
  follow(listener: LiveListener): () => void
  /** Sends one event to all who listen now. */
  broadcast(name: string, data: Json): void
  /** Ends all who listen; who comes later is ended at once. */
  close(): void
}

/** One server-sent event. Source: HTML, 9.2.6; JSON has no line breaks of its own. */
export function toEvent(name: string, data: Json): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}

/** Gathers changes and tells them at intervals, each device once. Nothing is gathered while nobody listens. */
export function createLiveFeed(): LiveFeed {
  const listeners = new Set<LiveListener>()
  /** By device: how many watch its messages. */
  const watched = new Map<string, number>()
  const changes = new Map<string, DeviceRecord>()
  /** What was told of the alarms of a device, in short. */
  const told = new Map<string, ReadonlyMap<string, string>>()
  const messages: LiveItem[] = []
  const rows = new Map<string, Readonly<Record<string, MetricValue>>>()
  let timer: NodeJS.Timeout | undefined
  let closed = false

  function send(name: string, data: Json, items?: readonly LiveItem[]): void {
    if (listeners.size === 0) return
    const event = liveEvent(name, data, items)
    // Messages are told to who asks for those of a device.
    for (const listener of listeners)
      if (name !== 'messages' || listener.deviceId !== undefined) listener.send(event)
  }

  function sendItems(name: string, items: readonly LiveItem[]): void {
    send(
      name,
      items.map(({ data }) => data),
      items,
    )
  }

  function flush(): void {
    timer = undefined
    const devices: LiveItem[] = []
    const alarms: LiveItem[] = []
    for (const [deviceId, record] of changes) {
      changes.delete(deviceId)
      gatherAlarms(record, alarms)
      if (devices.push({ deviceId, key: deviceId, data: deviceSummary(record) }) === MAX_DEVICES)
        break
    }
    if (devices.length > 0) sendItems('devices', devices)
    if (alarms.length > 0) sendItems('alarms', alarms)
    if (messages.length > 0) sendItems('messages', messages.splice(0))
    if (listeners.size === 0) forget()
    if (changes.size > 0) later()
  }

  function later(): void {
    timer ??= setTimeout(flush, EVERY_MS)
  }

  /** Alarms that are otherwise than they were told last. */
  function gatherAlarms(record: DeviceRecord, into: LiveItem[]): void {
    const { deviceId, alarms } = record
    const before = told.get(deviceId)
    const now = new Map<string, string>()
    for (const [alarmId, state] of Object.entries(alarms)) {
      const known = before?.get(alarmId)
      if (state.status === 'quiet' && known === undefined) continue
      const short = inShort(state)
      now.set(alarmId, short)
      if (short === known) continue
      into.push({
        deviceId,
        key: `${deviceId}/${alarmId}`,
        data: alarmEntry(record, alarmId, state),
      })
    }
    if (now.size > 0) told.set(deviceId, now)
    else told.delete(deviceId)
  }

  function forget(): void {
    changes.clear()
    told.clear()
    rows.clear()
    messages.length = 0
  }

  function follow(listener: LiveListener): () => void {
    if (closed) {
      listener.end()
      return () => undefined
    }
    const { deviceId } = listener
    listeners.add(listener)
    if (deviceId !== undefined) watched.set(deviceId, (watched.get(deviceId) ?? 0) + 1)
    return () => {
      if (!listeners.delete(listener)) return
      if (deviceId !== undefined) {
        const others = (watched.get(deviceId) ?? 1) - 1
        if (others > 0) watched.set(deviceId, others)
        else watched.delete(deviceId)
      }
      if (listeners.size === 0) forget()
    }
  }

  return {
    get listeners() {
      return listeners.size
    },
    changed(record) {
      if (listeners.size === 0) return
      changes.set(record.deviceId, record)
      later()
    },
    stored({ record, rows: stored }) {
      if (watched.size === 0 || !watched.has(record.deviceId)) return
      for (const { messageId, metrics } of stored) {
        if (rows.size >= MAX_ROWS) rows.clear()
        rows.set(`${record.deviceId}/${messageId}`, metrics)
      }
    },
    watches: (deviceId) => watched.size > 0 && watched.has(deviceId),
    judged(deviceId, uplink, outcome) {
      const { topic, payload, receivedAt: at } = uplink
      const data: Record<string, Json> = { deviceId, at, topic, outcome: outcome.status }
      if (outcome.status === 'accepted' || outcome.status === 'duplicate') {
        data['messageId'] = outcome.messageId
        const key = `${deviceId}/${outcome.messageId}`
        const metrics = rows.get(key)
        rows.delete(key)
        if (metrics !== undefined) data['metrics'] = metrics
      } else {
        data['code'] = outcome.error.code
        data['reason'] = outcome.error.message
        if (outcome.status === 'dead_lettered') data['deadLetterId'] = outcome.deadLetterId
      }
      Object.assign(data, payloadOf(payload))
      messages.push({ deviceId, key: '', data })
      if (messages.length > MAX_MESSAGES) messages.splice(0, messages.length - MAX_MESSAGES)
      later()
    },
    subscribe(listener) {
      return follow({
        send: ({ name, data }) => listener.send(toEvent(name, data)),
        end: () => listener.end(),
      })
    },
    follow,
    broadcast: (name, data) => send(name, data),
    close() {
      closed = true
      clearTimeout(timer)
      for (const listener of [...listeners]) listener.end()
      listeners.clear()
    },
  }
}

/** All of an alarm that is told, but for what every message moves. */
function inShort(state: AlarmState): string {
  const { severity, text, raisedAt, clearedAt, acknowledgedAt, care } = state
  const { comments = [], assignedTo } = care ?? {}
  return JSON.stringify([
    standingOf(state),
    severity,
    text,
    raisedAt,
    clearedAt,
    acknowledgedAt,
    care?.shelf?.until,
    assignedTo,
    comments.length,
  ])
}

/** As text where it is some, up to a limit. */
function payloadOf(payload: Uint8Array): JsonObject {
  const start = payload.subarray(0, MAX_PAYLOAD_BYTES)
  const text = Buffer.from(start).toString('utf8')
  const cut = payload.length > start.length ? { truncated: true } : {}
  return text.includes('\uFFFD')
    ? { payloadBase64: Buffer.from(start).toString('base64'), ...cut }
    : { payload: text, ...cut }
}
