import { utcMs } from './time-zone.ts'

/** Month names; abbreviated to their first three letters. */
export const MONTHS: readonly string[] = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

/** Day names from Monday on, as ISO 8601 counts. */
export const DAYS: readonly string[] = [
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
  'Sunday',
]

const DAY_MS = 86_400_000

/** A local time taken apart. Months, days and weeks count from 1, days of the week from Monday. */
export interface CalendarFields {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly millisecond: number
  readonly dayOfWeek: number
  readonly dayOfYear: number
  /** ISO 8601: the week that holds the year's first Thursday is the first. */
  readonly week: number
  readonly weekYear: number
}

/** Takes a local time apart that is given as if it were UTC. Unit: epoch ms. */
export function calendarFields(localMs: number): CalendarFields {
  const date = new Date(localMs)
  const year = date.getUTCFullYear()
  const month = date.getUTCMonth() + 1
  const day = date.getUTCDate()
  const midnight = utcMs(year, month, day)
  const dayOfWeek = ((date.getUTCDay() + 6) % 7) + 1
  const thursday = new Date(midnight + (4 - dayOfWeek) * DAY_MS)
  const weekYear = thursday.getUTCFullYear()
  return {
    year,
    month,
    day,
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    millisecond: date.getUTCMilliseconds(),
    dayOfWeek,
    dayOfYear: (midnight - utcMs(year, 1, 1)) / DAY_MS + 1,
    week: Math.floor((thursday.getTime() - utcMs(weekYear, 1, 1)) / (7 * DAY_MS)) + 1,
    weekYear,
  }
}

/** Midnight of the first day of an ISO week, as if it were UTC. Unit: epoch ms. */
export function weekStart(weekYear: number, week: number): number {
  const fourth = utcMs(weekYear, 1, 4)
  const weekday = (new Date(fourth).getUTCDay() + 6) % 7
  return fourth + ((week - 1) * 7 - weekday) * DAY_MS
}

/** How many days a month has. */
export function daysInMonth(year: number, month: number): number {
  return (utcMs(year, month + 1, 1) - utcMs(year, month, 1)) / DAY_MS
}

/** One piece of a date pattern: a run of one letter, or plain text. */
export type PatternPiece =
  | { readonly letter: string; readonly count: number }
  | { readonly text: string }

/**
 * Splits a date pattern of Java or Joda-Time: letters stand for fields, `'…'` is plain text, `''` a quote.
 *
 * Result: `undefined` if a quote is not closed.
 */
export function splitPattern(pattern: string): readonly PatternPiece[] | undefined {
  const pieces: PatternPiece[] = []
  let at = 0
  while (at < pattern.length) {
    const char = pattern[at] ?? ''
    if (char === "'") {
      const quoted = readQuoted(pattern, at)
      if (quoted === undefined) return undefined
      pieces.push({ text: quoted.text })
      at = quoted.end
    } else if (/[A-Za-z]/.test(char)) {
      let end = at
      while (pattern[end] === char) end += 1
      pieces.push({ letter: char, count: end - at })
      at = end
    } else {
      pieces.push({ text: char })
      at += 1
    }
  }
  return pieces
}

function readQuoted(
  pattern: string,
  start: number,
): { readonly text: string; readonly end: number } | undefined {
  if (pattern[start + 1] === "'") return { text: "'", end: start + 2 }
  let text = ''
  let from = start + 1
  for (;;) {
    const close = pattern.indexOf("'", from)
    if (close === -1) return undefined
    text += pattern.slice(from, close)
    if (pattern[close + 1] !== "'") return { text, end: close + 1 }
    text += "'"
    from = close + 2
  }
}
