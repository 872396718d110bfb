import {
  calendarFields,
  DAYS,
  daysInMonth,
  MONTHS,
  type PatternPiece,
  splitPattern,
  weekStart,
} from './calendar.ts'
import { findTimeZone, localToEpoch, type TimeZone, utcMs } from './time-zone.ts'

/** Reads a time text. Unit: epoch ms. Result: `undefined` if it does not fit the pattern, or names no moment. */
export type ParseTime = (text: string) => number | undefined

/** What the letters of a pattern have found so far. */
interface Found {
  fields: Map<Field, number>
  zone: TimeZone | undefined
}

type Field =
  | 'era'
  | 'year'
  | 'yearOfEra'
  | 'quarter'
  | 'month'
  | 'day'
  | 'dayOfYear'
  | 'weekYear'
  | 'week'
  | 'dayOfWeek'
  | 'half'
  | 'hour'
  | 'hourOfHalf'
  | 'minute'
  | 'second'
  | 'nano'
  | 'milliOfDay'

/** Reads one piece at an offset. Result: the offset after it, or -1 if it does not fit. */
type ReadPiece = (text: string, at: number, found: Found) => number

const DAY_MS = 86_400_000
const UTC: TimeZone = { id: 'UTC', offsetAt: () => 0, nameAt: () => 'UTC' }

/**
 * Compiles a pattern of java.time for reading.
 *
 * Result: `undefined` if it is none.
 * Source: java.time.format.DateTimeFormatter, JDK 11. Text fields are English.
 */
export function compileJavaTime(pattern: string): ParseTime | undefined {
  const pieces = splitPattern(pattern)
  if (pieces === undefined || pieces.length === 0) return undefined
  const read = compilePieces(pieces)
  if (read === undefined) return undefined
  return (text) => {
    const found: Found = { fields: new Map(), zone: undefined }
    return read(text, 0, found) === text.length ? resolve(found) : undefined
  }
}

/** `[` and `]` mark a part that may be missing. */
function compilePieces(pieces: readonly PatternPiece[]): ReadPiece | undefined {
  const open: ReadPiece[][] = [[]]
  for (const [index, piece] of pieces.entries()) {
    const current = open.at(-1)
    if (current === undefined) return undefined
    if ('text' in piece && piece.text === '[') {
      open.push([])
    } else if ('text' in piece && piece.text === ']') {
      const inner = open.pop()
      const outer = open.at(-1)
      if (inner === undefined || outer === undefined) return undefined
      outer.push(optional(sequence(inner)))
    } else {
      const reader = 'text' in piece ? literal(piece.text) : letterReader(piece, pieces[index + 1])
      if (reader === undefined) return undefined
      current.push(reader)
    }
  }
  while (open.length > 1) {
    const inner = open.pop()
    if (inner !== undefined) open.at(-1)?.push(optional(sequence(inner)))
  }
  return sequence(open[0] ?? [])
}

function sequence(readers: readonly ReadPiece[]): ReadPiece {
  return (text, at, found) => {
    let position = at
    for (const read of readers) {
      position = read(text, position, found)
      if (position === -1) return -1
    }
    return position
  }
}

function optional(read: ReadPiece): ReadPiece {
  return (text, at, found) => {
    const before = { fields: new Map(found.fields), zone: found.zone }
    const end = read(text, at, found)
    if (end !== -1) return end
    found.fields = before.fields
    found.zone = before.zone
    return at
  }
}

function literal(wanted: string): ReadPiece {
  return (text, at) => (text.startsWith(wanted, at) ? at + wanted.length : -1)
}

/** Result: `undefined` for a letter that is not read. */
function letterReader(
  { letter, count }: { readonly letter: string; readonly count: number },
  next: PatternPiece | undefined,
): ReadPiece | undefined {
  // A number directly before another one takes exactly its width, as java.time's adjacent values do.
  const adjacent =
    next !== undefined &&
    'letter' in next &&
    /[A-Za-z]/.test(next.letter) &&
    'GVzOXxZaEL'.includes(next.letter) === false
  const number = (field: Field, least: number, most: number): ReadPiece =>
    digits(field, count, adjacent || count > 1 ? Math.max(count, 1) : 19, least, most)
  switch (letter) {
    case 'G':
      return words('era', ['BC', 'AD', 'Before Christ', 'Anno Domini'], (index) => index % 2)
    case 'u':
      return yearReader('year', count, adjacent)
    case 'y':
      return yearReader('yearOfEra', count, adjacent)
    case 'Y':
      return yearReader('weekYear', count, adjacent)
    case 'Q':
    case 'q':
      return count <= 2
        ? number('quarter', 1, 4)
        : words('quarter', ['Q1', 'Q2', 'Q3', 'Q4'], (index) => index + 1)
    case 'M':
    case 'L':
      return count <= 2 ? number('month', 1, 12) : names('month', MONTHS, count)
    case 'd':
      return number('day', 1, 31)
    case 'D':
      return number('dayOfYear', 1, 366)
    case 'w':
      return number('week', 1, 53)
    case 'E':
      return names('dayOfWeek', DAYS, Math.max(3, count))
    case 'e':
    case 'c':
      return count <= 2 ? number('dayOfWeek', 1, 7) : names('dayOfWeek', DAYS, count)
    case 'a':
      return words('half', ['AM', 'PM'], (index) => index)
    case 'H':
      return number('hour', 0, 23)
    case 'k':
      return clockHour('hour', count, adjacent, 24)
    case 'K':
      return number('hourOfHalf', 0, 11)
    case 'h':
      return clockHour('hourOfHalf', count, adjacent, 12)
    case 'm':
      return number('minute', 0, 59)
    case 's':
      return number('second', 0, 59)
    case 'S':
      return fraction(count)
    case 'n':
      return number('nano', 0, 999_999_999)
    case 'A':
      return number('milliOfDay', 0, DAY_MS - 1)
    case 'V':
      return count === 2 ? zoneId : undefined
    case 'z':
      return zoneId
    case 'O':
      return offset(/(?:GMT|UTC)(?:[+-]\d{1,2}(?::\d{2}){0,2})?/y)
    case 'X':
      return offset(OFFSETS_WITH_Z[count])
    case 'x':
      return offset(OFFSETS[count])
    case 'Z':
      return offset(
        count === 4
          ? /GMT(?:[+-]\d{1,2}(?::\d{2}){0,2})?/y
          : count === 5
            ? OFFSETS_WITH_Z[3]
            : OFFSETS[2],
      )
    default:
      return undefined
  }
}

/** The forms of an offset by the number of letters. Source: DateTimeFormatter, "Offset X and x". */
const OFFSETS: Readonly<Record<number, RegExp>> = {
  1: /[+-]\d{2}(?:\d{2})?/y,
  2: /[+-]\d{4}/y,
  3: /[+-]\d{2}:\d{2}/y,
  4: /[+-]\d{4}(?:\d{2})?/y,
  5: /[+-]\d{2}:\d{2}(?::\d{2})?/y,
}
const OFFSETS_WITH_Z: Readonly<Record<number, RegExp>> = Object.fromEntries(
  Object.entries(OFFSETS).map(([count, form]) => [count, new RegExp(`Z|${form.source}`, 'y')]),
)

function offset(form: RegExp | undefined): ReadPiece | undefined {
  if (form === undefined) return undefined
  return (text, at, found) => {
    const matched = matchAt(form, text, at)
    const zone = matched === undefined ? undefined : findTimeZone(matched)
    if (matched === undefined || zone === undefined) return -1
    found.zone = zone
    return at + matched.length
  }
}

/** The longest zone at this place: `UTC+01:00`, `America/Los_Angeles`, `PST`, `Z`. */
const zoneId: ReadPiece = (text, at, found) => {
  const matched = matchAt(
    /(?:UTC|GMT|UT)?[+-]\d{1,2}(?::?\d{2}){0,2}|[A-Za-z]+(?:[/_+-][A-Za-z0-9]+)*/y,
    text,
    at,
  )
  const zone = matched === undefined ? undefined : findTimeZone(matched)
  if (matched === undefined || zone === undefined) return -1
  found.zone = zone
  return at + matched.length
}

function matchAt(form: RegExp, text: string, at: number): string | undefined {
  const sticky = new RegExp(form.source, 'y')
  sticky.lastIndex = at
  return sticky.exec(text)?.[0]
}

/** A number of `least` to `most` digits within a range. */
function digits(
  field: Field,
  least: number,
  most: number,
  from: number,
  to: number,
  map: (value: number) => number = (value) => value,
): ReadPiece {
  return (text, at, found) => {
    let end = at
    while (end - at < most && isDigit(text, end)) end += 1
    if (end - at < least) return -1
    const value = Number(text.slice(at, end))
    if (value < from || value > to) return -1
    found.fields.set(field, map(value))
    return end
  }
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 48 && code <= 57
}

/** 24 and 12 stand for 0. */
function clockHour(field: Field, count: number, adjacent: boolean, hours: number): ReadPiece {
  const most = adjacent || count > 1 ? count : 19
  return digits(field, count, most, 1, hours, (value) => value % hours)
}

/** `yy` is a year from 2000 on; four letters read four digits or, with a sign, more. */
function yearReader(field: Field, count: number, adjacent: boolean): ReadPiece {
  if (count === 2) return digits(field, 2, 2, 0, 99, (value) => 2_000 + value)
  return (text, at, found) => {
    const sign = text[at] === '-' || text[at] === '+' ? 1 : 0
    const most = sign === 1 ? 9 : adjacent || count === 4 ? Math.max(count, 4) : 9
    const end = digits(field, count, most, 0, 999_999_999)(text, at + sign, found)
    const value = found.fields.get(field)
    if (end !== -1 && text[at] === '-' && value !== undefined) found.fields.set(field, -value)
    return end
  }
}

/** `S` is a fraction of a second, one digit for each letter. */
function fraction(count: number): ReadPiece {
  return (text, at, found) => {
    const end = at + count
    const part = text.slice(at, end)
    if (part.length < count || !/^\d+$/.test(part)) return -1
    found.fields.set('nano', Number(part.padEnd(9, '0').slice(0, 9)))
    return end
  }
}

/** Names in full with four letters, else their first three. */
function names(field: Field, all: readonly string[], count: number): ReadPiece {
  const shown = count === 4 ? all : count === 3 ? all.map((name) => name.slice(0, 3)) : []
  return words(field, shown, (index) => index + 1)
}

function words(
  field: Field,
  all: readonly string[],
  numberOf: (index: number) => number,
): ReadPiece {
  return (text, at, found) => {
    const index = all.findLastIndex((word) => text.startsWith(word, at))
    const word = all[index]
    if (word === undefined) return -1
    found.fields.set(field, numberOf(index))
    return at + word.length
  }
}

/** Puts the fields together. Without a zone the time is UTC; without a time of day it is midnight. */
function resolve({ fields, zone }: Found): number | undefined {
  const date = resolveDate(fields)
  const time = resolveTime(fields)
  if (date === undefined || time === undefined) return undefined
  const weekday = fields.get('dayOfWeek')
  if (weekday !== undefined && calendarFields(date).dayOfWeek !== weekday) return undefined
  return localToEpoch(date + time, zone ?? UTC)
}

function resolveDate(fields: ReadonlyMap<Field, number>): number | undefined {
  const weekYear = fields.get('weekYear')
  const week = fields.get('week')
  if (weekYear !== undefined && week !== undefined) {
    return weekStart(weekYear, week) + ((fields.get('dayOfWeek') ?? 1) - 1) * DAY_MS
  }
  const yearOfEra = fields.get('yearOfEra')
  const year =
    fields.get('year') ??
    (fields.get('era') === 0 && yearOfEra !== undefined ? 1 - yearOfEra : yearOfEra)
  if (year === undefined || Math.abs(year) > 270_000) return undefined
  const dayOfYear = fields.get('dayOfYear')
  if (dayOfYear !== undefined) {
    const date = utcMs(year, 1, 1) + (dayOfYear - 1) * DAY_MS
    return date < utcMs(year + 1, 1, 1) ? date : undefined
  }
  const month = fields.get('month')
  const day = fields.get('day')
  if (month === undefined || day === undefined) return undefined
  // java.time resolves "smart": the 31st of a shorter month is its last day.
  return utcMs(year, month, Math.min(day, daysInMonth(year, month)))
}

function resolveTime(fields: ReadonlyMap<Field, number>): number | undefined {
  const milliOfDay = fields.get('milliOfDay')
  if (milliOfDay !== undefined) return milliOfDay
  const hourOfHalf = fields.get('hourOfHalf')
  const half = fields.get('half')
  if (hourOfHalf !== undefined && half === undefined && !fields.has('hour')) return undefined
  const hour = fields.get('hour') ?? (hourOfHalf === undefined ? 0 : hourOfHalf + 12 * (half ?? 0))
  const minutes = hour * 60 + (fields.get('minute') ?? 0)
  const seconds = minutes * 60 + (fields.get('second') ?? 0)
  return seconds * 1_000 + Math.floor((fields.get('nano') ?? 0) / 1_000_000)
}
