import type { MetricValue } from '../../../core/index.ts'
import {
  type ChunkReader,
  type ChunkWriter,
  readByte,
  readCount,
  readDouble,
  readSigned,
  readText,
} from './bytes.ts'

/** The values of one metric, one for each row; `undefined` where a row does not have it. */
export type Values = readonly (MetricValue | undefined)[]

/** How the values of a column are written. */
const DECIMALS = 0
const DOUBLES = 1
const BOOLEANS = 2
const TEXTS = 3
const MIXED = 4

/** Decimals have at most so many digits after the point. */
const MOST_DIGITS = 6
const POWERS = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000] as const

/** The whole number that a decimal is written as lies within this, so that changes are exact. */
const LARGEST = 2 ** 51

/** Writes one column. Which rows have a value comes first, then how the values are written, then these. */
export function writeColumn(writer: ChunkWriter, values: Values): void {
  const present = values.filter((value) => value !== undefined)
  const isFull = present.length === values.length
  writer.byte(isFull ? 1 : 0)
  if (!isFull) writeBits(writer, values, (value) => value !== undefined)
  if (present.every((value) => typeof value === 'number')) writeNumbers(writer, present)
  else if (present.every((value) => typeof value === 'boolean')) {
    writer.byte(BOOLEANS)
    writeBits(writer, present, (value) => value)
  } else if (present.every((value) => typeof value === 'string')) writeTexts(writer, present)
  else {
    writer.byte(MIXED)
    writer.text(JSON.stringify(present))
  }
}

/** Reads a column as it was written. */
export function readColumn(reader: ChunkReader, count: number): Values {
  if (readByte(reader) === 1) return readValues(reader, count)
  const has = readBits(reader, count)
  const present = readValues(
    reader,
    has.reduce((sum, one) => sum + (one ? 1 : 0), 0),
  )
  let next = 0
  return has.map((one) => (one ? present[next++] : undefined))
}

function readValues(reader: ChunkReader, count: number): MetricValue[] {
  const kind = readByte(reader)
  switch (kind) {
    case DECIMALS:
      return readDecimals(reader, count)
    case DOUBLES:
      return Array.from({ length: count }, () => readDouble(reader))
    case BOOLEANS:
      return readBits(reader, count)
    case TEXTS:
      return readTexts(reader, count)
    case MIXED:
      return JSON.parse(readText(reader))
    default:
      throw new RangeError(`a chunk of telemetry has a column of the kind ${kind}`)
  }
}

/** Measured values have few digits: as whole numbers, of which each is near the one before, they take a byte or two. */
function writeNumbers(writer: ChunkWriter, values: readonly number[]): void {
  const digits = digitsOf(values)
  if (digits === undefined) {
    writer.byte(DOUBLES)
    for (const value of values) writer.double(value)
    return
  }
  writer.byte(DECIMALS)
  writer.byte(digits)
  const power = POWERS[digits] ?? 1
  let last = 0
  for (const value of values) {
    const whole = Math.round(value * power)
    writer.signed(whole - last)
    last = whole
  }
}

/** A whole number divided by a power of ten gives the double that is nearest to the decimal: the one that was read from it. */
function readDecimals(reader: ChunkReader, count: number): number[] {
  const power = POWERS[readByte(reader)] ?? Number.NaN
  const values: number[] = new Array(count)
  let whole = 0
  for (let index = 0; index < count; index++) {
    whole += readSigned(reader)
    values[index] = whole / power
  }
  return values
}

/** With how many digits after the point all values come back as they were; `undefined` if with none of those tried. */
function digitsOf(values: readonly number[]): number | undefined {
  let digits = 0
  for (const value of values) {
    while (!comesBack(value, POWERS[digits] ?? 1)) if (++digits > MOST_DIGITS) return undefined
  }
  // One that came back with few digits may not with more: it is then too large.
  const power = POWERS[digits] ?? 1
  return values.every((value) => comesBack(value, power)) ? digits : undefined
}

function comesBack(value: number, power: number): boolean {
  // Zero has two signs, as whole number only one.
  const whole = Math.round(value * power) + 0
  return Math.abs(whole) <= LARGEST && Object.is(whole / power, value)
}

/** Texts repeat: each is written once, and then by its number. */
function writeTexts(writer: ChunkWriter, values: readonly string[]): void {
  const numbers = new Map<string, number>()
  for (const value of values) if (!numbers.has(value)) numbers.set(value, numbers.size)
  writer.byte(TEXTS)
  writer.text(JSON.stringify([...numbers.keys()]))
  for (const value of values) writer.count(numbers.get(value) ?? 0)
}

function readTexts(reader: ChunkReader, count: number): string[] {
  const texts: string[] = JSON.parse(readText(reader))
  return Array.from({ length: count }, () => texts[readCount(reader)] ?? '')
}

function writeBits<T>(writer: ChunkWriter, values: readonly T[], isSet: (value: T) => boolean) {
  for (let index = 0; index < values.length; index += 8) {
    let byte = 0
    for (const [bit, value] of values.slice(index, index + 8).entries())
      if (isSet(value)) byte |= 1 << bit
    writer.byte(byte)
  }
}

function readBits(reader: ChunkReader, count: number): boolean[] {
  const bits: boolean[] = new Array(count)
  let byte = 0
  for (let index = 0; index < count; index++) {
    if (index % 8 === 0) byte = readByte(reader)
    bits[index] = (byte & (1 << (index % 8))) !== 0
  }
  return bits
}
