/** Points of one metric that are remembered for its trend. */
const HISTORY = 90

/** Without a connection, a device that was heard of so lately is online all the same. Unit: ms. */
const ONLINE_MS = 60_000

/** What is most likely to be what a device is about. */
const MAIN_METRICS = ['temp', 'temperature', 'value', 'level', 'humidity', 'pressure', 'power']

const SEVERITIES = ['info', 'warning', 'critical']

/**
 * @typedef {object} Alarm
 * @property {string} alarmId
 * @property {string} severity
 * @property {string} text
 * @property {number | null} raisedAt
 * @property {number | null} acknowledgedAt
 */

/**
 * @typedef {object} Summary One device as the cloud tells it.
 * @property {string} deviceId
 * @property {boolean} connected
 * @property {'unknown' | 'online' | 'late' | 'offline' | 'unreachable'} status The judgement of the cloud.
 * @property {boolean} expected Whether it promised to be heard of at an interval, and is judged by that.
 * @property {number} seenAt Epoch ms.
 * @property {number} presenceChangedAt Epoch ms; 0: it never held a connection.
 * @property {number} accepted
 * @property {Record<string, {value: number | boolean | string, at: number}>} last
 * @property {Alarm[]} alarms
 * @property {Record<string, unknown> | null} desired
 * @property {number} [pendingCommands] Absent in what an older server sends.
 */

/**
 * @typedef {Summary & {
 *   main: string | undefined,
 *   history: number[],
 *   historyAsked: boolean,
 *   rank: number,
 *   text: string | undefined,
 * }} Device What the page knows of one device. `history` is time and value in turn.
 */

/** What the page adds to a device that it has just heard of. */
const UNKNOWN = { main: undefined, historyAsked: false, rank: 0, text: undefined }

/** All devices that the page knows. */
export function createFleet() {
  /** @type {Map<string, Device>} */
  const devices = new Map()

  /**
   * Takes news of one device in.
   *
   * @param {Summary} summary
   */
  function update(summary) {
    const before = devices.get(summary.deviceId)
    const alarmsBefore = before?.alarms ?? []
    const device =
      before === undefined
        ? { ...summary, ...UNKNOWN, history: [] }
        : Object.assign(before, summary)
    if (before === undefined) devices.set(summary.deviceId, device)
    device.text = undefined
    device.main = mainMetric(device)
    device.rank = device.alarms.reduce((most, { severity }) => Math.max(most, weight(severity)), 0)
    remember(device)
    return { device, isNew: before === undefined, alarmsBefore }
  }

  return { devices, update }
}

/** @param {string} severity 1 to 3; 0 is no alarm. */
export function weight(severity) {
  return SEVERITIES.indexOf(severity) + 1
}

/**
 * Who never held a connection (a device that posts over HTTP, say) is online while it has been heard of lately.
 *
 * @param {Summary} device
 * @param {number} now Epoch ms.
 * @returns {'connected' | 'heard' | 'silent' | 'offline' | 'late' | 'unreachable'}
 */
export function presence(device, now) {
  if (device.status === 'late' || device.status === 'unreachable') return device.status
  if (device.connected) return 'connected'
  if (device.status === 'online' && device.expected) return 'heard'
  if (device.status === 'offline' || device.presenceChangedAt) return 'offline'
  return now - device.seenAt < ONLINE_MS ? 'heard' : 'silent'
}

/** @type {Record<string, (a: Device, b: Device) => number>} */
const ORDERS = {
  alarms: (a, b) => b.rank - a.rank || byName(a, b),
  offline: (a, b) => Number(a.connected) - Number(b.connected) || byName(a, b),
  name: byName,
}

const collator = new Intl.Collator('en', { numeric: true })

/**
 * @param {Device} a
 * @param {Device} b
 */
function byName(a, b) {
  return collator.compare(a.deviceId, b.deviceId)
}

/**
 * @param {Iterable<Device>} devices
 * @param {string} sort
 */
export function ordered(devices, sort) {
  return [...devices].sort(ORDERS[sort] ?? byName)
}

/**
 * Whether a device has every word that is searched for, in its id, its alarms or its values.
 *
 * @param {Device} device
 * @param {readonly string[]} words In lower case.
 */
export function matches(device, words) {
  if (words.length === 0) return true
  device.text ??= searchText(device)
  const { text } = device
  return words.every((word) => text.includes(word))
}

/** @param {Device} device */
function searchText(device) {
  const alarms = device.alarms.map(
    ({ alarmId, severity, text }) => `${alarmId} ${severity} ${text}`,
  )
  const values = Object.entries(device.last).map(([metric, { value }]) => `${metric} ${value}`)
  const state = device.connected ? 'connected' : 'offline'
  return [device.deviceId, state, ...alarms, ...values].join('\n').toLowerCase()
}

/**
 * The metric whose trend is drawn: it stays the same while the device reports it.
 *
 * @param {Device} device
 */
function mainMetric({ main, last }) {
  if (main !== undefined && typeof last[main]?.value === 'number') return main
  const numeric = Object.keys(last).filter((metric) => typeof last[metric]?.value === 'number')
  const named = (/** @type {string} */ metric) => metric.split('.').pop()?.toLowerCase() ?? ''
  const known = MAIN_METRICS.flatMap((name) => numeric.filter((metric) => named(metric) === name))
  return known[0] ?? numeric[0]
}

/** @param {Device} device */
function remember({ main, last, history }) {
  const newest = main === undefined ? undefined : last[main]
  if (newest === undefined || typeof newest.value !== 'number') return
  const lastAt = history[history.length - 2]
  if (lastAt !== undefined && newest.at <= lastAt) return
  history.push(newest.at, newest.value)
  if (history.length > HISTORY * 2) history.splice(0, history.length - HISTORY * 2)
}

/**
 * Puts what was stored before the page was opened in front of what it saw.
 *
 * @param {Device} device
 * @param {readonly {at: number, metrics: Record<string, unknown>}[]} rows Newest first.
 */
export function putHistory(device, rows) {
  const { main, history } = device
  if (main === undefined) return
  const firstAt = history[0] ?? Number.POSITIVE_INFINITY
  const older = []
  for (const { at, metrics } of [...rows].reverse()) {
    const value = metrics[main]
    if (at < firstAt && typeof value === 'number') older.push(at, value)
  }
  history.unshift(...older)
  if (history.length > HISTORY * 2) history.splice(0, history.length - HISTORY * 2)
}
