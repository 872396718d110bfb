import type { MetricValue, TelemetryRow } from '../../core/index.ts'

/** How much is stored. */
export interface Size {
  readonly devices: number
  readonly rowsOfEach: number
}

/** The size by which the two processes of the bench name it. */
export function sizeOf(name: string): Size {
  return name === 'full' ? { devices: 1_000, rowsOfEach: 10_000 } : { devices: 10, rowsOfEach: 500 }
}

/** The newest row is from half past an hour, so that the last hour is over by half. Epoch ms. */
export const END = Date.UTC(2026, 0, 15, 12, 30)

export const HOUR = 3_600_000
export const DAY = 24 * HOUR

/** A device measures every so often. Unit: ms. */
const INTERVAL = 10_000

export function deviceName(device: number): string {
  return `device-${String(device).padStart(4, '0')}`
}

/** The row of that number of one device: two numbers with a few decimals, a state, an id as the built-in codec makes them. */
export function rowOf({ rowsOfEach }: Size, device: number, index: number): TelemetryRow {
  const at = END - (rowsOfEach - index) * INTERVAL + ((device * 7) % 1_000)
  const random = mix(device * 1_000_003 + index)
  const metrics: Record<string, MetricValue> = {
    temperature: Math.round(2_000 + 500 * Math.sin(index / 800) + (random % 40)) / 100,
    humidity: Math.round(400 + 100 * Math.cos(index / 1_100) + (random % 7)) / 10,
    heating: random % 97 < 30,
  }
  const messageId = `${word(random)}${word(mix(random))}`
  return { at, messageId, metrics }
}

function word(value: number): string {
  return value.toString(36).padStart(7, '0')
}

/** Source: the finishing step of MurmurHash3 (public domain). */
function mix(seed: number): number {
  let word = seed ^ (seed >>> 16)
  word = Math.imul(word, 0x85ebca6b)
  word ^= word >>> 13
  word = Math.imul(word, 0xc2b2ae35)
  return (word ^ (word >>> 16)) >>> 0
}
