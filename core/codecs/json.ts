import * as z from 'zod'
import { CoreError } from '../errors.ts'
import type { Json } from '../model/json.ts'
import { firstBadByte } from './binary/text.ts'
import { type Codec, type CodecKind, NO_WARNINGS } from './codec.ts'
import { FieldOptions } from './options.ts'
import { type Fields, withFields } from './with-fields.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

const utf8Encoder = new TextEncoder()

/** JSON of any shape, in UTF-8. Source: RFC 8259. */
const jsonCodec: Codec = {
  name: 'json',
  decode: (bytes) => ({ value: readJson(bytes), warnings: NO_WARNINGS }),
  encode: (value) => ({ bytes: utf8Encoder.encode(JSON.stringify(value)), warnings: NO_WARNINGS }),
  split: undefined,
  exactText(bytes) {
    return hasLongNumber(bytes) ? readText(bytes) : undefined
  },
}

/**
 * The value of a JSON text in UTF-8.
 * @throws CoreError `codec.malformed`.
 */
export function readJson(bytes: Uint8Array): Json {
  const text = readText(bytes)
  try {
    const value: Json = JSON.parse(text)
    return value
  } catch (cause) {
    throw describe(cause, text)
  }
}

function openJson(options: Fields): Codec {
  return withFields(jsonCodec, options)
}

/** JSON, as most devices speak it. */
export const json: CodecKind = {
  name: 'json',
  summary: 'JSON of any shape, in UTF-8 (RFC 8259).',
  options: z.strictObject({ type: z.literal('json'), ...FieldOptions }),
  open: openJson,
}

/** More digits than this may be more than a double keeps. */
const SAFE_DIGITS = 15

/**
 * Whether there is a whole number of 16 digits or more. Digits behind a point are not meant: a double prints them as
 * they came. So many digits in a row have one at every sixteenth byte, and most bytes need not be looked at.
 */
function hasLongNumber(bytes: Uint8Array): boolean {
  for (let at = SAFE_DIGITS; at < bytes.length; at += SAFE_DIGITS + 1) {
    if (!isDigit(bytes[at])) continue
    let start = at
    while (isDigit(bytes[start - 1])) start--
    let end = at + 1
    while (isDigit(bytes[end])) end++
    if (end - start > SAFE_DIGITS && bytes[start - 1] !== POINT) return true
  }
  return false
}

const POINT = 0x2e

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}

function readText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new CoreError(
      'codec.malformed',
      `expected JSON in UTF-8, found ${bytes.length} bytes that are not UTF-8`,
      { details: { offset: firstBadByte(bytes) } },
    )
  }
}

/** The engine's own message quotes the payload; only the position is taken from it. */
function describe(cause: unknown, text: string): CoreError {
  if (text.trim() === '') return faultIn(text, 'an empty message', 0)
  const message = cause instanceof Error ? cause.message : ''
  const stated = / in JSON at position (\d+)(?: \(line \d+ column \d+\))?$/.exec(message)?.[1]
  const position = stated === undefined ? findUnknownToken(text) : Number(stated)
  if (position === undefined && !message.startsWith('Unexpected end'))
    return new CoreError('codec.malformed', 'expected JSON, found a syntax error')
  if (position === undefined || position >= text.length) {
    const sentence = `a text that ends too early, after ${text.length} characters`
    return faultIn(text, sentence, text.length)
  }
  const before = text.slice(0, position)
  const line = before.split('\n').length
  const column = position - before.lastIndexOf('\n')
  return faultIn(text, `a syntax error at line ${line}, column ${column}`, position)
}

/** `position` in UTF-16 units, as the engine counts. */
function faultIn(text: string, found: string, position: number): CoreError {
  const offset = utf8Encoder.encode(text.slice(0, position)).length
  return new CoreError('codec.malformed', `expected JSON, found ${found}`, { details: { offset } })
}

/** Where something stands that is no token of JSON, such as NaN: there the engine gives no position. */
function findUnknownToken(text: string): number | undefined {
  const token =
    /[ \t\r\n]*(?:[{}[\]:,]|"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|(?:true|false|null)\b|$)/y
  let at = 0
  while (at < text.length) {
    token.lastIndex = at
    if (!token.test(text)) return at + text.slice(at).search(/[^ \t\r\n]/)
    at = token.lastIndex
  }
  return undefined
}
