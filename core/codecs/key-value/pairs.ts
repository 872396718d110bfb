import { isJsonObject, type Json, type JsonObject } from '../../model/json.ts'
import { cannotSay, setKey } from '../binary/text.ts'
import { type CellType, type DecimalMark, readCell, writeCell } from '../text/cell.ts'
import { breaks, faultInText, MAX_CELLS } from '../text/lines.ts'

/** What may stand beside `type`, with defaults applied. */
export interface KeyValueOptions {
  readonly separator: string
  readonly equals: string
  readonly quote: string
  readonly decimal: DecimalMark
  readonly types: Readonly<Record<string, CellType>>
}

/**
 * The objects of a text of pairs: one for each line, unless lines end pairs.
 * @throws CoreError `codec.*` with the byte.
 */
export function readPairs(text: string, options: KeyValueOptions): readonly JsonObject[] {
  const objects: JsonObject[] = []
  const endsLine = !/[\r\n]/.test(options.separator)
  let object: { [key: string]: Json } = {}
  let count = 0
  let at = 0
  while (at < text.length) {
    const end = endOfPair(text, at, options, endsLine)
    if (text.slice(at, end).trim() !== '') {
      readPair(text, at, end, options, object)
      if (++count > MAX_CELLS)
        throw faultInText(
          'codec.too_large',
          `expected a line of at most ${MAX_CELLS} values, found more`,
          text,
          at,
        )
    }
    if (end >= text.length) break
    if (text.startsWith(options.separator, end)) {
      at = end + options.separator.length
      continue
    }
    at = end + 1
    if (count === 0) continue
    objects.push(object)
    object = {}
    count = 0
  }
  if (count > 0) objects.push(object)
  if (objects.length === 0)
    throw faultInText(
      'codec.truncated',
      'expected a key and a value, found nothing',
      text,
      text.length,
    )
  return objects
}

/** Where the separator, or the end of the line or of the text, stands; within quotes there is none. */
function endOfPair(
  text: string,
  start: number,
  options: KeyValueOptions,
  endsLine: boolean,
): number {
  const { separator, equals, quote } = options
  let at = start
  while (at < text.length) {
    if (text.startsWith(separator, at) || (endsLine && /[\r\n]/.test(text[at] ?? ''))) return at
    if (quote !== '' && text.startsWith(equals, at) && text.startsWith(quote, at + equals.length)) {
      const close = closingQuote(text, at + equals.length, quote)
      at = close + 1
    } else at++
  }
  return text.length
}

function closingQuote(text: string, opened: number, quote: string): number {
  let at = opened + 1
  for (;;) {
    const next = text.indexOf(quote, at)
    if (next < 0)
      throw faultInText(
        'codec.malformed',
        'expected the end of a quoted text, found none',
        text,
        opened,
      )
    if (text[next + 1] !== quote) return next
    at = next + 2
  }
}

function readPair(
  text: string,
  start: number,
  end: number,
  { equals, quote, decimal, types }: KeyValueOptions,
  into: { [key: string]: Json },
): void {
  const pair = text.slice(start, end)
  const middle = pair.indexOf(equals)
  const key = pair.slice(0, Math.max(middle, 0)).trim()
  if (key === '')
    throw faultInText(
      'codec.malformed',
      'expected a key, a mark and a value, found something else',
      text,
      start,
    )
  if (Object.hasOwn(into, key))
    throw faultInText('codec.duplicate_key', 'expected each key once, found one twice', text, start)
  const raw = pair.slice(middle + equals.length).trim()
  const type = (Object.hasOwn(types, key) ? types[key] : undefined) ?? 'auto'
  const isQuoted = quote !== '' && raw.length > 1 && raw.startsWith(quote) && raw.endsWith(quote)
  const content = isQuoted ? raw.slice(1, -1).replaceAll(quote + quote, quote) : raw
  const value = isQuoted && type === 'auto' ? content : readCell(content, type, decimal)
  if (value === undefined)
    throw faultInText(
      'codec.wrong_type',
      `expected a ${type}, found something else`,
      text,
      start + middle + equals.length,
    )
  setKey(into, key, value)
}

/**
 * The text of an object, or of objects, one in each line.
 * @throws CoreError `codec.wrong_type`.
 */
export function writePairs(value: Json, options: KeyValueOptions): string {
  const objects: readonly Json[] = Array.isArray(value) ? value : [value]
  return objects.map((object) => writeObject(object, options)).join('\n')
}

function writeObject(object: Json, options: KeyValueOptions): string {
  const { separator, equals, quote, decimal } = options
  if (!isJsonObject(object) || Object.keys(object).length === 0)
    throw cannotSay('key-value', 'expected an object of values by key, found something else')
  return Object.entries(object)
    .map(([key, value]) => {
      const text = writeCell(value, decimal)
      if (text === undefined)
        throw cannotSay('key-value', 'expected numbers, texts and booleans, found something else')
      if (key.trim() !== key || key === '' || breaks(key, separator) || breaks(key, equals))
        throw cannotSay('key-value', 'expected keys without marks, found one with a mark in it')
      const looksElse = typeof value === 'string' && readCell(text, 'auto', decimal) !== text
      const isPlain = !breaks(text, separator) && text.trim() === text && !looksElse
      if (isPlain && (quote === '' || !text.includes(quote))) return key + equals + text
      if (quote !== '') return key + equals + quote + text.replaceAll(quote, quote + quote) + quote
      if (breaks(text, separator))
        throw cannotSay(
          'key-value',
          'expected texts without separators, found one and no quotes to put it in',
        )
      return key + equals + text
    })
    .join(separator)
}
