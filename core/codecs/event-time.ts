import { CoreError } from '../errors.ts'
import { isJsonObject, type Json } from '../model/json.ts'

export type TimeUnit = 'auto' | 's' | 'ms' | 'iso'

/** Below it a bare number is taken for seconds: as milliseconds it would be before 4 March 1973. */
const SECONDS_BELOW = 1e11

/**
 * Reads an event time.
 *
 * Unit: epoch ms, rounded. Fractions of a second are kept to the millisecond.
 * @throws CoreError `uplink.bad_time` if it is no time in this unit.
 */
export function readEventTime(value: Json, unit: TimeUnit): number {
  const ms = toMs(value, unit)
  if (ms === undefined || !Number.isFinite(ms) || ms < 0 || ms > 8.64e15) {
    throw new CoreError(
      'uplink.bad_time',
      `expected an event time ${EXPECTED[unit]}, found ${kindOf(value)}`,
    )
  }
  // Zero has two signs and a time has none.
  return Math.round(ms) + 0
}

const EXPECTED: Record<TimeUnit, string> = {
  auto: 'in epoch seconds, epoch milliseconds or ISO 8601',
  s: 'in epoch seconds',
  ms: 'in epoch milliseconds',
  iso: 'in ISO 8601 with a zone, such as 2026-01-31T12:00:00Z',
}

function toMs(value: Json, unit: TimeUnit): number | undefined {
  if (typeof value === 'number') {
    if (unit === 'iso') return undefined
    return unit === 's' || (unit === 'auto' && value < SECONDS_BELOW) ? value * 1_000 : value
  }
  if (isJsonObject(value)) return typedToMs(value['$time'])
  if (typeof value !== 'string') return undefined
  if (unit !== 'iso' && /^\d+(\.\d+)?$/.test(value)) return toMs(Number(value), unit)
  return unit === 'iso' || unit === 'auto' ? isoToMs(value) : undefined
}

/** A time that its format has a type for, as CBOR and MessagePack do: epoch seconds or ISO 8601, whatever the unit of others. */
function typedToMs(time: Json | undefined): number | undefined {
  if (typeof time === 'number') return time * 1_000
  return typeof time === 'string' ? isoToMs(time) : undefined
}

/** A day that the month does not have is none: `Date.parse` makes 2 March of 30 February. */
function isoToMs(text: string): number | undefined {
  const parts = /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)$/.exec(
    text,
  )
  if (parts === null) return undefined
  const day = Number(parts[3])
  const exists =
    new Date(Date.UTC(Number(parts[1]), Number(parts[2]) - 1, day)).getUTCDate() === day
  return exists ? Date.parse(text) : undefined
}

function kindOf(value: Json): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'number') return `the number ${value}`
  if (typeof value === 'string') return `a text of ${value.length} characters`
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
