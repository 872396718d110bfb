import { deviceSummary } from '../../core/api/index.ts'
import type { DeviceRecord, Json } from '../../core/index.ts'

/** How often the pages are told of changes, whatever their number. Unit: ms. */
const EVERY_MS = 250

/** Of so many devices one event tells at most; the others come with the next. */
const MAX_DEVICES = 1_000

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
  /** Adds a listener; what it returns takes it away. */
  subscribe(listener: Listener): () => void
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
  const listeners = new Set<Listener>()
  const changes = new Map<string, DeviceRecord>()
  let timer: NodeJS.Timeout | undefined
  let closed = false

  function broadcast(name: string, data: Json): void {
    if (listeners.size === 0) return
    const event = toEvent(name, data)
    for (const listener of listeners) listener.send(event)
  }

  function flush(): void {
    timer = undefined
    const devices: Json[] = []
    for (const [deviceId, record] of changes) {
      changes.delete(deviceId)
      if (devices.push(deviceSummary(record)) === MAX_DEVICES) break
    }
    broadcast('devices', devices)
    if (listeners.size === 0) changes.clear()
    if (changes.size > 0) timer = setTimeout(flush, EVERY_MS)
  }

  return {
    get listeners() {
      return listeners.size
    },
    changed(record) {
      if (listeners.size === 0) return
      changes.set(record.deviceId, record)
      timer ??= setTimeout(flush, EVERY_MS)
    },
    subscribe(listener) {
      if (closed) listener.end()
      else listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    broadcast,
    close() {
      closed = true
      clearTimeout(timer)
      for (const listener of listeners) listener.end()
      listeners.clear()
    },
  }
}
