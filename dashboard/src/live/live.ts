import { useEffect, useState, useSyncExternalStore } from 'react'
import { api, type DeviceList, type DeviceSummary } from '../api.ts'
import type { Device } from './device.ts'
import { createLiveStore, type LiveStats, type StatsEvent } from './store.ts'
import { followStream } from './stream.ts'

/** The one store of this page. */
export const live = createLiveStore()

/** Follows the cloud until the page is left. What it returns ends it. */
export function followCloud(): () => void {
  return followStream({
    path: '/live',
    onState: live.takeState,
    onEvent(name, data) {
      if (name === 'devices' && Array.isArray(data)) live.takeDevices(data)
      else if (name === 'snapshot' && isSnapshot(data)) {
        live.takeSnapshot(data.devices, data.stats ?? {}, data.next === undefined)
        if (data.next !== undefined) void askOthers(data.next)
      } else if (name === 'stats' && isRecord(data)) live.takeStats(data)
    },
  })
}

function isRecord(data: unknown): data is StatsEvent {
  return typeof data === 'object' && data !== null
}

function isSnapshot(data: unknown): data is Snapshot {
  return isRecord(data) && Array.isArray(data['devices'])
}

/** A snapshot holds so many devices at most; the others are asked for, up to so many. */
const MOST_DEVICES = 20_000
const PAGE = 1_000

async function askOthers(first: string): Promise<void> {
  try {
    let after: string | undefined = first
    while (after !== undefined && live.devices.size < MOST_DEVICES) {
      const { devices, next }: DeviceList = await api.devices({ limit: PAGE, after })
      after = next
      live.takeOthers(
        devices.filter(({ seenAt }) => seenAt > 0),
        next === undefined,
      )
    }
  } catch {
    // What is known is shown, and the next snapshot asks again.
  }
}

interface Snapshot {
  readonly devices: DeviceSummary[]
  readonly stats?: StatsEvent
  /** Where the devices go on that have no room in it. */
  readonly next?: string
}

/** One device, drawn again when it changes; `undefined` while nothing is known of it. */
export function useDevice(deviceId: string): Device | undefined {
  return useSyncExternalStore(
    (listener) => live.subscribeDevice(deviceId, listener),
    () => live.devices.get(deviceId),
  )
}

export function useStats(): LiveStats {
  return useSyncExternalStore(live.subscribeStats, live.stats)
}

/** Changes when a device came or an alarm changed. */
export function useOrderVersion(): number {
  return useSyncExternalStore(live.subscribe, live.orderVersion)
}

export function useStreamState() {
  return useSyncExternalStore(live.subscribe, live.state)
}

export function useHeardAll(): boolean {
  return useSyncExternalStore(live.subscribe, live.heardAll)
}

/** Changes with the fleet, but no more often than every so many ms: for what is counted over all devices. */
export function useFleetVersion(everyMs: number): number {
  const [version, setVersion] = useState(live.version)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const tell = (): void => {
      timer = undefined
      setVersion(live.version())
    }
    const end = live.subscribe(() => {
      timer ??= setTimeout(tell, everyMs)
    })
    return () => {
      clearTimeout(timer)
      end()
    }
  }, [everyMs])
  return version
}

/** One clock for all ages on the page: a second at a time, and still while nobody looks. */
const ticks = new Set<() => void>()
const clock = { now: Date.now() }
setInterval(() => {
  if (document.hidden) return
  clock.now = Date.now()
  for (const tick of ticks) tick()
}, 1_000)

/** The time, a second at a time. Epoch ms. */
export function useNow(): number {
  return useSyncExternalStore(
    (tick) => {
      ticks.add(tick)
      return () => void ticks.delete(tick)
    },
    () => clock.now,
  )
}
