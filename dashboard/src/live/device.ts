import type { DeviceSummary } from '../api.ts'

/** Points of one metric that are remembered for its trend. */
const HISTORY = 90

/** Without a connection, a device that was heard of so lately is online all the same. Unit: ms. */
const ONLINE_MS = 60_000

/** What is most likely to be what a device is about. */
const MAIN_METRICS = ['temp', 'temperature', 'value', 'level', 'humidity', 'pressure', 'power']

const WEIGHTS: ReadonlyMap<string, number> = new Map([
  ['info', 1],
  ['warning', 2],
  ['critical', 3],
])

/** `silent`: never held a connection and is not heard of; `never`: registered, and nothing came yet. */
export type PresenceShown =
  | 'connected'
  | 'heard'
  | 'silent'
  | 'never'
  | 'offline'
  | 'late'
  | 'unreachable'

export const PRESENCE_TEXTS: Readonly<Record<PresenceShown, string>> = {
  connected: 'connected',
  heard: 'not connected, heard of lately',
  silent: 'not connected',
  never: 'registered, never heard of',
  offline: 'offline',
  late: 'connected, but silent for longer than expected',
  unreachable: 'its gateway is gone',
}

/** A device as the page knows it. A new object for every change of it; `history` is one and the same. */
export interface Device extends DeviceSummary {
  /** The metric whose trend is drawn. */
  readonly main: string | undefined
  /** Time and value in turn, in the order of time. */
  readonly history: number[]
  /** Worst open alarm: 1 to 3; 0 is none. */
  readonly rank: number
}

/** 1 to 3; 0 for what is no severity. */
export function weight(severity: string): number {
  return WEIGHTS.get(severity) ?? 0
}

/** What the page makes of news of one device. */
export function toDevice(summary: DeviceSummary, before: Device | undefined): Device {
  const main = mainMetric(summary, before?.main)
  // Another main metric is another history.
  const history = before !== undefined && before.main === main ? before.history : []
  const device = {
    ...before,
    ...summary,
    main,
    history,
    rank: summary.alarms.reduce((most, { severity }) => Math.max(most, weight(severity)), 0),
  }
  remember(device)
  return device
}

/** Who never held a connection (a device that posts over HTTP, say) is online while it has been heard of lately. */
export function presenceOf(
  device: Pick<DeviceSummary, 'status' | 'connected' | 'expected' | 'presenceChangedAt' | 'seenAt'>,
  now: number,
): PresenceShown {
  const { status, connected, expected, presenceChangedAt, seenAt } = device
  if (status === 'late' || status === 'unreachable') return status
  if (connected) return 'connected'
  if (status === 'online' && expected) return 'heard'
  if (status === 'offline' || presenceChangedAt > 0) return 'offline'
  if (seenAt === 0) return 'never'
  return now - seenAt < ONLINE_MS ? 'heard' : 'silent'
}

export function isOnline(presence: PresenceShown): boolean {
  return presence === 'connected' || presence === 'heard'
}

/** The metric whose trend is drawn: it stays the same while the device reports it. */
function mainMetric({ last }: DeviceSummary, main: string | undefined): string | undefined {
  if (main !== undefined && Object.hasOwn(last, main) && typeof last[main]?.value === 'number')
    return main
  const numeric = Object.keys(last).filter((metric) => typeof last[metric]?.value === 'number')
  const named = (metric: string): string => metric.split('.').pop()?.toLowerCase() ?? ''
  const known = MAIN_METRICS.flatMap((name) => numeric.filter((metric) => named(metric) === name))
  return known[0] ?? numeric[0]
}

function remember({ main, last, history }: Device): void {
  const newest = main === undefined ? undefined : last[main]
  if (newest === undefined || typeof newest.value !== 'number') return
  const lastAt = history[history.length - 2]
  if (lastAt !== undefined && newest.at <= lastAt) return
  history.push(newest.at, newest.value)
  if (history.length > HISTORY * 2) history.splice(0, history.length - HISTORY * 2)
}

/** Puts what was stored before the page was opened in front of what it saw. Rows stand newest first. */
export function putHistory(
  { main, history }: Device,
  rows: readonly { readonly at: number; readonly metrics: Readonly<Record<string, unknown>> }[],
): void {
  if (main === undefined) return
  const firstAt = history[0] ?? Number.POSITIVE_INFINITY
  const older: number[] = []
  for (const { at, metrics } of rows.toReversed()) {
    const value = metrics[main]
    if (at < firstAt && typeof value === 'number') older.push(at, value)
  }
  history.unshift(...older)
  if (history.length > HISTORY * 2) history.splice(0, history.length - HISTORY * 2)
}

const collator = new Intl.Collator('en', { numeric: true })

export function byName(a: { deviceId: string }, b: { deviceId: string }): number {
  return collator.compare(a.deviceId, b.deviceId)
}
