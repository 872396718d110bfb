/** A time zone: where its clocks stand, and how it is called. */
export interface TimeZone {
  readonly id: string
  /** Unit: ms to add to UTC. */
  offsetAt(epochMs: number): number
  nameAt(epochMs: number, style: 'short' | 'long'): string
}

/** Abbreviations as Java reads them: the zone, its summer time by the date. */
const ABBREVIATIONS: ReadonlyMap<string, string> = new Map([
  ['EST', 'America/New_York'],
  ['EDT', 'America/New_York'],
  ['CST', 'America/Chicago'],
  ['CDT', 'America/Chicago'],
  ['MST', 'America/Denver'],
  ['MDT', 'America/Denver'],
  ['PST', 'America/Los_Angeles'],
  ['PDT', 'America/Los_Angeles'],
  ['AKST', 'America/Anchorage'],
  ['AKDT', 'America/Anchorage'],
  ['HST', 'Pacific/Honolulu'],
  ['CET', 'Europe/Paris'],
  ['CEST', 'Europe/Paris'],
  ['EET', 'Europe/Bucharest'],
  ['EEST', 'Europe/Bucharest'],
  ['WET', 'Europe/Lisbon'],
  ['WEST', 'Europe/Lisbon'],
  ['BST', 'Europe/London'],
  ['MSK', 'Europe/Moscow'],
  ['IST', 'Asia/Kolkata'],
  ['JST', 'Asia/Tokyo'],
  ['KST', 'Asia/Seoul'],
  ['SGT', 'Asia/Singapore'],
  ['HKT', 'Asia/Hong_Kong'],
  ['AEST', 'Australia/Sydney'],
  ['AEDT', 'Australia/Sydney'],
  ['NZST', 'Pacific/Auckland'],
  ['NZDT', 'Pacific/Auckland'],
  ['SAST', 'Africa/Johannesburg'],
])

/** Short names that Intl does not give in English and Java does; these zones have no summer time. */
const SHORT_NAMES: ReadonlyMap<string, string> = new Map([
  ['Asia/Tokyo', 'JST'],
  ['Asia/Seoul', 'KST'],
  ['Asia/Shanghai', 'CST'],
  ['Asia/Singapore', 'SGT'],
  ['Asia/Hong_Kong', 'HKT'],
  ['Europe/Moscow', 'MSK'],
  ['America/Sao_Paulo', 'BRT'],
  ['America/Argentina/Buenos_Aires', 'ART'],
])

/** Kinds of English that know the short names of their own parts of the world. */
const ENGLISH: readonly string[] = ['en-US', 'en-GB', 'en-AU', 'en-IN', 'en-ZA']

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
/** Largest distance from UTC that a zone may have. Source: java.time.ZoneOffset. */
const MAX_OFFSET_MS = 18 * HOUR_MS

/**
 * Finds a zone by region (`Europe/Paris`), abbreviation (`PST`), offset (`+01:00`, `UTC+1`) or `Z`.
 *
 * Result: `undefined` if there is none.
 */
export function findTimeZone(name: string): TimeZone | undefined {
  const offset = /^(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2}))?(?::?(\d{2}))?$/.exec(name)
  if (offset !== null) {
    const [, sign, hours = '0', minutes = '0', seconds = '0'] = offset
    const size = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000
    if (Number(minutes) > 59 || Number(seconds) > 59 || size > MAX_OFFSET_MS) return undefined
    return fixedZone(name, sign === '-' ? -size : size)
  }
  if (name === 'Z' || name === 'UTC' || name === 'GMT' || name === 'UT' || name === 'Etc/UTC') {
    return {
      id: name,
      offsetAt: () => 0,
      nameAt: (_at, style) =>
        style === 'long' ? 'Coordinated Universal Time' : name === 'GMT' ? 'GMT' : 'UTC',
    }
  }
  return regionZone(ABBREVIATIONS.get(name) ?? name)
}

function fixedZone(id: string, offsetMs: number): TimeZone {
  return { id, offsetAt: () => offsetMs, nameAt: () => offsetText(offsetMs, ':') }
}

function regionZone(id: string): TimeZone | undefined {
  if (!/^[A-Za-z]+(?:[/_+-][A-Za-z0-9]+)*$/.test(id)) return undefined
  const clock = openClock(id)
  if (clock === undefined) return undefined
  return {
    id,
    offsetAt(epochMs) {
      const parts: Record<string, number> = {}
      for (const { type, value } of clock.formatToParts(epochMs)) parts[type] = Number(value)
      const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
      const local = utcMs(year, month, day) + hour * HOUR_MS + minute * MINUTE_MS + second * 1_000
      return local - Math.floor(epochMs / 1_000) * 1_000
    },
    nameAt(epochMs, style) {
      if (style === 'long') return intlName('en-US', id, epochMs, style)
      const known = SHORT_NAMES.get(id)
      if (known !== undefined) return known
      for (const locale of ENGLISH) {
        const name = intlName(locale, id, epochMs, style)
        if (!/^(?:GMT|UTC)[+-]/.test(name)) return name
      }
      return offsetText(this.offsetAt(epochMs), ':')
    },
  }
}

/** Result: `undefined` for a zone that does not exist. */
function openClock(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function intlName(
  locale: string,
  timeZone: string,
  epochMs: number,
  style: 'short' | 'long',
): string {
  const parts = new Intl.DateTimeFormat(locale, { timeZone, timeZoneName: style }).formatToParts(
    epochMs,
  )
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? timeZone
}

/** `+01:00`, or with another separator; seconds only where there are some. */
export function offsetText(offsetMs: number, separator: string): string {
  const size = Math.abs(offsetMs)
  const hours = `${Math.floor(size / HOUR_MS)}`.padStart(2, '0')
  const minutes = `${Math.floor((size % HOUR_MS) / MINUTE_MS)}`.padStart(2, '0')
  return `${offsetMs < 0 ? '-' : '+'}${hours}${separator}${minutes}`
}

/** Midnight UTC of a date, for any year. Unit: epoch ms. */
export function utcMs(year: number, month: number, day: number): number {
  // Date.UTC takes the years 0 to 99 for 1900 to 1999.
  return new Date(0).setUTCFullYear(year, month - 1, day)
}

/**
 * The moment at which the clocks of a zone show a local time.
 *
 * Unit:   `localMs` is the local time as if it were UTC, in epoch ms.
 * Result: the earlier moment of two; where clocks skip the time, as much later as they skip.
 * Source: java.time.ZonedDateTime.ofLocal.
 */
export function localToEpoch(localMs: number, zone: TimeZone): number {
  const before = zone.offsetAt(localMs - DAY_MS)
  const after = zone.offsetAt(localMs + DAY_MS)
  for (const offset of [before, after]) {
    if (zone.offsetAt(localMs - offset) === offset) return localMs - offset
  }
  return localMs - before
}
