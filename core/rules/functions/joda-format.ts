import { type CalendarFields, calendarFields, DAYS, MONTHS, splitPattern } from './calendar.ts'
import { offsetText, type TimeZone } from './time-zone.ts'

/** Writes a moment as one zone's clocks show it. Unit: epoch ms. Result: `undefined` beyond the range of dates. */
export type FormatTime = (epochMs: number, zone: TimeZone) => string | undefined

type WriteField = (fields: CalendarFields, epochMs: number, zone: TimeZone) => string

/** Largest moment that a Date holds. */
const MAX_EPOCH_MS = 8_640_000_000_000_000

/**
 * Compiles a Joda-Time pattern.
 *
 * Result: `undefined` if it is none.
 * Source: org.joda.time.format.DateTimeFormat.
 */
export function compileJodaFormat(pattern: string): FormatTime | undefined {
  const pieces = splitPattern(pattern)
  if (pieces === undefined || pieces.length === 0) return undefined
  const writers: WriteField[] = []
  for (const piece of pieces) {
    if ('text' in piece) {
      writers.push(() => piece.text)
      continue
    }
    const writer = fieldWriter(piece.letter, piece.count)
    if (writer === undefined) return undefined
    writers.push(writer)
  }
  return (epochMs, zone) => {
    if (!(Math.abs(epochMs) < MAX_EPOCH_MS - 86_400_000)) return undefined
    const fields = calendarFields(epochMs + zone.offsetAt(epochMs))
    return writers.map((write) => write(fields, epochMs, zone)).join('')
  }
}

/** Result: `undefined` for a letter that stands for nothing. */
function fieldWriter(letter: string, count: number): WriteField | undefined {
  switch (letter) {
    case 'G':
      return ({ year }) => (year > 0 ? 'AD' : 'BC')
    case 'C':
      return ({ year }) => padded(Math.floor(eraYear(year) / 100), count)
    case 'Y':
      return ({ year }) => yearText(eraYear(year), count)
    case 'y':
      return ({ year }) => yearText(year, count)
    case 'x':
      return ({ weekYear }) => yearText(weekYear, count)
    case 'w':
      return ({ week }) => padded(week, count)
    case 'e':
      return ({ dayOfWeek }) => padded(dayOfWeek, count)
    case 'E':
      return ({ dayOfWeek }) => named(DAYS, dayOfWeek, count >= 4)
    case 'D':
      return ({ dayOfYear }) => padded(dayOfYear, count)
    case 'M':
      return ({ month }) => (count >= 3 ? named(MONTHS, month, count >= 4) : padded(month, count))
    case 'd':
      return ({ day }) => padded(day, count)
    case 'a':
      return ({ hour }) => (hour < 12 ? 'AM' : 'PM')
    case 'K':
      return ({ hour }) => padded(hour % 12, count)
    case 'h':
      return ({ hour }) => padded(hour % 12 || 12, count)
    case 'H':
      return ({ hour }) => padded(hour, count)
    case 'k':
      return ({ hour }) => padded(hour || 24, count)
    case 'm':
      return ({ minute }) => padded(minute, count)
    case 's':
      return ({ second }) => padded(second, count)
    case 'S':
      return ({ millisecond }) =>
        `${millisecond}`.padStart(3, '0').padEnd(count, '0').slice(0, count)
    case 'z':
      return (_fields, epochMs, zone) => zone.nameAt(epochMs, count >= 4 ? 'long' : 'short')
    case 'Z':
      return (_fields, epochMs, zone) =>
        count >= 3 ? zone.id : offsetText(zone.offsetAt(epochMs), count === 2 ? ':' : '')
    default:
      return undefined
  }
}

function eraYear(year: number): number {
  return year > 0 ? year : 1 - year
}

function yearText(year: number, count: number): string {
  if (count === 2) return padded(((year % 100) + 100) % 100, 2)
  return padded(year, count)
}

function padded(value: number, count: number): string {
  const digits = `${Math.abs(value)}`.padStart(count, '0')
  return value < 0 ? `-${digits}` : digits
}

function named(names: readonly string[], number: number, full: boolean): string {
  const name = names[number - 1] ?? ''
  return full ? name : name.slice(0, 3)
}
