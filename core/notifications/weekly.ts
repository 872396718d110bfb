import { WEEKDAYS, type WeeklySpan } from '../model/weekly-span.ts'

// Times of the week, on the clock of some place.

/** Source: CLDR, the short days of the week in English. */
const DAY_NUMBERS = new Map(
  ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'].map((name, day) => [name, day]),
)

const DAY_MINUTES = 1_440
const MINUTE_MS = 60_000

/** Tells local time. Made once for each time zone: that costs more than all it is asked. */
export type LocalClock = (at: number) => { readonly day: number; readonly minute: number }

/** Shape: `timeZone` IANA. Total for time zones that were checked. */
export function createLocalClock(timeZone: string): LocalClock {
  const formatter = new Intl.DateTimeFormat('en-US', {
    timeZone,
    weekday: 'short',
    hour: 'numeric',
    minute: 'numeric',
    hourCycle: 'h23',
  })
  return (at) => {
    let day = 0
    let minute = 0
    for (const { type, value } of formatter.formatToParts(at)) {
      if (type === 'weekday') day = DAY_NUMBERS.get(value) ?? 0
      else if (type === 'hour') minute += Number(value) * 60
      else if (type === 'minute') minute += Number(value)
    }
    return { day, minute }
  }
}

/** Whether a moment lies in one of the spans. */
export function isWithin(spans: readonly WeeklySpan[], at: number, clock: LocalClock): boolean {
  return leftOf(spans, at, clock) > 0
}

/**
 * The moment at which none of the spans holds any more by the clock on the wall, or one that is asked again then: where
 * clocks are changed in between it may come an hour early. `at` itself if none holds.
 */
export function endOf(spans: readonly WeeklySpan[], at: number, clock: LocalClock): number {
  const left = leftOf(spans, at, clock)
  return left === 0 ? at : Math.floor(at / MINUTE_MS) * MINUTE_MS + left * MINUTE_MS
}

/** How many minutes of the spans that hold are left; 0: none holds. */
function leftOf(spans: readonly WeeklySpan[], at: number, clock: LocalClock): number {
  const { day, minute } = clock(at)
  let left = 0
  for (const { days, from, to } of spans) {
    const length = ((to - from + DAY_MINUTES - 1) % DAY_MINUTES) + 1
    for (const ago of [0, 1]) {
      const begins = WEEKDAYS[(day + 7 - ago) % 7]
      if (days !== undefined && (begins === undefined || !days.includes(begins))) continue
      const since = minute + ago * DAY_MINUTES - from
      if (since >= 0 && since < length) left = Math.max(left, length - since)
    }
  }
  return left
}
