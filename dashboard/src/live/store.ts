import type { DeviceSummary, Latency } from '../api.ts'
import { type Device, toDevice } from './device.ts'

export type StreamState = 'connecting' | 'live' | 'lost'

/** Counters of so many seconds make a rate, so that it does not tremble. */
const WINDOW = 5
const PULSE = 90

/** The counters of the cloud, and what follows from them. */
export interface LiveStats {
  readonly counters: Readonly<Record<string, number>>
  /** Messages per second; `undefined` until two readings are there. */
  readonly rate: number | undefined
  /** Time and rate in turn. */
  readonly pulse: readonly number[]
  readonly latency: Latency | undefined
}

/** An alarm that was raised or cleared while somebody looks. */
export interface AlarmNews {
  readonly deviceId: string
  readonly alarmId: string
  readonly severity: string
  readonly text: string
  readonly is: 'raised' | 'cleared'
}

type Listener = () => void

/**
 * What the live stream told so far. It lives outside of React: the stream changes it at once, however often; whoever
 * subscribed is told with the next frame, once.
 */
export interface LiveStore {
  /** All devices that are known, by id. The same map always. */
  readonly devices: ReadonlyMap<string, Device>
  /** Grows with every change of any device. */
  version(): number
  /** Grows when a device came or its alarms changed: when an order may have to be made anew. */
  orderVersion(): number
  stats(): LiveStats
  state(): StreamState
  /** Since when the stream is lost. Epoch ms. */
  lostAt(): number
  /** True once the first snapshot is there. */
  heardAll(): boolean
  /** Whether all devices that were ever heard of are here. */
  isWhole(): boolean
  subscribe(listener: Listener): () => void
  subscribeDevice(deviceId: string, listener: Listener): () => void
  subscribeStats(listener: Listener): () => void
  subscribeAlarms(listener: (news: readonly AlarmNews[]) => void): () => void
  /** `whole`: there are no others. */
  takeSnapshot(devices: readonly DeviceSummary[], counters: StatsEvent, whole: boolean): void
  takeDevices(devices: readonly DeviceSummary[]): void
  /** Devices that were asked for: what the stream has told of them meanwhile is newer. */
  takeOthers(devices: readonly DeviceSummary[], whole: boolean): void
  takeStats(counters: StatsEvent): void
  takeState(state: StreamState): void
  /** Tells those who look at a device that its history grew at the front. */
  touch(deviceId: string): void
}

/** The counters as the stream tells them, with what else may stand among them. */
export type StatsEvent = Readonly<Record<string, unknown>>

const NO_STATS: LiveStats = { counters: {}, rate: undefined, pulse: [], latency: undefined }

export function createLiveStore(
  frame: (work: () => void) => void = (work) => void requestAnimationFrame(work),
): LiveStore {
  const devices = new Map<string, Device>()
  const listeners = new Set<Listener>()
  const ofDevice = new Map<string, Set<Listener>>()
  const ofStats = new Set<Listener>()
  const ofAlarms = new Set<(news: readonly AlarmNews[]) => void>()
  const changed = new Set<string>()
  let news: AlarmNews[] = []
  let version = 0
  let orderVersion = 0
  let stats = NO_STATS
  let readings: { at: number; received: number }[] = []
  let state: StreamState = 'connecting'
  let lostAt = 0
  let heardAll = false
  let whole = true
  let pending = false
  let fleetChanged = false
  let statsChanged = false

  function later(): void {
    if (pending) return
    pending = true
    frame(tell)
  }

  function tell(): void {
    pending = false
    const ids = [...changed]
    const said = news
    changed.clear()
    news = []
    for (const id of ids) for (const listener of ofDevice.get(id) ?? []) listener()
    if (fleetChanged || ids.length > 0) for (const listener of listeners) listener()
    if (statsChanged) for (const listener of ofStats) listener()
    if (said.length > 0) for (const listener of ofAlarms) listener(said)
    fleetChanged = false
    statsChanged = false
  }

  function take(summary: DeviceSummary, announce: boolean): void {
    const before = devices.get(summary.deviceId)
    const device = toDevice(summary, before)
    devices.set(summary.deviceId, device)
    changed.add(summary.deviceId)
    version++
    if (before === undefined || !sameAlarms(before, device)) {
      orderVersion++
      if (announce) compareAlarms(before, device)
    }
  }

  function compareAlarms(before: Device | undefined, { deviceId, alarms }: Device): void {
    const was = before?.alarms ?? []
    for (const { alarmId, severity, text } of alarms)
      if (!was.some((one) => one.alarmId === alarmId))
        news.push({ deviceId, alarmId, severity, text, is: 'raised' })
    for (const { alarmId, severity, text } of was)
      if (!alarms.some((one) => one.alarmId === alarmId))
        news.push({ deviceId, alarmId, severity, text, is: 'cleared' })
  }

  function count(event: StatsEvent): void {
    const counters: Record<string, number> = {}
    for (const [name, value] of Object.entries(event))
      if (typeof value === 'number') counters[name] = value
    const at = performance.now()
    const received = counters['uplink.received'] ?? 0
    const before = readings[0]
    if (before !== undefined && received < before.received) readings = []
    readings.push({ at, received })
    if (readings.length > WINDOW + 1) readings.shift()
    const first = readings[0]
    const rate =
      first === undefined || readings.length < 2
        ? undefined
        : (received - first.received) / ((at - first.at) / 1_000)
    const pulse = rate === undefined ? stats.pulse : [...stats.pulse, at, rate].slice(-PULSE * 2)
    stats = { counters, rate, pulse, latency: latencyOf(event) ?? stats.latency }
    statsChanged = true
  }

  return {
    devices,
    version: () => version,
    orderVersion: () => orderVersion,
    stats: () => stats,
    state: () => state,
    lostAt: () => lostAt,
    heardAll: () => heardAll,
    isWhole: () => whole,
    subscribe: (listener) => added(listeners, listener),
    subscribeDevice(deviceId, listener) {
      const set = ofDevice.get(deviceId) ?? new Set()
      ofDevice.set(deviceId, set.add(listener))
      return () => {
        set.delete(listener)
        if (set.size === 0) ofDevice.delete(deviceId)
      }
    },
    subscribeStats: (listener) => added(ofStats, listener),
    subscribeAlarms: (listener) => added(ofAlarms, listener),
    takeSnapshot(all, counters, isAll) {
      const first = !heardAll
      heardAll = true
      whole = isAll
      for (const summary of all) take(summary, !first)
      // What a stream counts has nothing to do with what was counted before it.
      readings = []
      stats = { ...stats, pulse: [], rate: undefined }
      count(counters)
      fleetChanged = true
      orderVersion++
      later()
    },
    takeDevices(some) {
      for (const summary of some) take(summary, true)
      later()
    },
    takeOthers(some, isAll) {
      for (const summary of some) if (!devices.has(summary.deviceId)) take(summary, false)
      whole = isAll
      fleetChanged = true
      orderVersion++
      later()
    },
    takeStats(counters) {
      count(counters)
      later()
    },
    takeState(next) {
      if (next === state) return
      state = next
      if (next === 'lost') lostAt = Date.now()
      fleetChanged = true
      statsChanged = true
      later()
    },
    touch(deviceId) {
      const device = devices.get(deviceId)
      if (device === undefined) return
      devices.set(deviceId, { ...device })
      changed.add(deviceId)
      later()
    },
  }
}

function added<T>(set: Set<T>, one: T): () => void {
  set.add(one)
  return () => void set.delete(one)
}

function sameAlarms(a: Device, b: Device): boolean {
  return (
    a.alarms.length === b.alarms.length &&
    a.alarms.every((one, index) => {
      const other = b.alarms[index]
      return (
        other !== undefined &&
        one.alarmId === other.alarmId &&
        one.severity === other.severity &&
        one.text === other.text &&
        one.acknowledgedAt === other.acknowledgedAt
      )
    })
  )
}

function latencyOf({ latency }: StatsEvent): Latency | undefined {
  if (typeof latency !== 'object' || latency === null) return undefined
  if (!('p50' in latency) || !('p95' in latency) || !('p99' in latency)) return undefined
  const { p50, p95, p99 } = latency
  return typeof p50 === 'number' && typeof p95 === 'number' && typeof p99 === 'number'
    ? { p50, p95, p99 }
    : undefined
}
