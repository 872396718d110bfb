import { deviceSummary } from '../../core/api/index.ts'
import type { DeviceRecord, Json } from '../../core/index.ts'

/** How often the page is told of changes, whatever their number. Unit: ms. */
const EVERY_MS = 250

/** Tells open pages what changed. */
export interface LiveFeed {
  /** A record became durable. */
  changed(record: DeviceRecord): void
  /** Opens a stream of server-sent events; what it returns closes it. `send` gets whole events. */
  subscribe(send: (event: string) => void): () => void
  /** Sends one event to all who listen now. */
  broadcast(name: string, data: Json): void
  close(): void
}

/** Gathers changes and tells them at intervals, each device once. Nothing is gathered while nobody listens. */
export function createLiveFeed(): LiveFeed {
  const listeners = new Set<(event: string) => void>()
  let changes = new Map<string, DeviceRecord>()
  let timer: NodeJS.Timeout | undefined

  function broadcast(name: string, data: Json): void {
    const event = `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
    for (const send of listeners) send(event)
  }

  function flush(): void {
    timer = undefined
    const devices = [...changes.values()].map(deviceSummary)
    changes = new Map()
    broadcast('devices', devices)
  }

  return {
    changed(record) {
      if (listeners.size === 0) return
      changes.set(record.deviceId, record)
      timer ??= setTimeout(flush, EVERY_MS)
    },
    subscribe(send) {
      listeners.add(send)
      return () => listeners.delete(send)
    },
    broadcast,
    close() {
      clearTimeout(timer)
      listeners.clear()
    },
  }
}
