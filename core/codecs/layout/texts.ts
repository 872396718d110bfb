import type { Json } from '../../model/json.ts'
import { faultAt, truncatedAt } from '../fault.ts'
import { type Context, labelOf, measureOf, restOf, type ValueWire } from './context.ts'
import { badLayout, badValue } from './fault.ts'
import type { LayoutField } from './options.ts'
import { align, type Reader, room, take } from './state.ts'

/** Types whose value is a text. */
export const TEXT_TYPES: ReadonlySet<string> = new Set(['ascii', 'utf8', 'hex', 'base64'])

/** How bytes are said as a text. */
interface Spelling {
  read(bytes: Uint8Array, at: number, label: string): string
  /** `undefined` for a text that is none of it. */
  write(text: string): readonly number[] | undefined
}

/**
 * Prepares a text of fixed or told length, or one that ends before a certain byte.
 * @throws CoreError `codec.bad_options`.
 */
export function textWire(field: LayoutField, context: Context, path: string): ValueWire {
  const label = labelOf(field)
  const { until, length, type } = field
  const spelling = SPELLINGS[type]
  if (spelling === undefined || (length === undefined) === (until === undefined))
    throw badLayout(path, `expected length or until for ${type}, found neither or both`)
  const measure = measureOf(length ?? 'rest', restOf, context, `${path}.length`)
  return {
    read(reader) {
      const size = until === undefined ? measure(reader, label) : sizeUntil(reader, until, label)
      const at = take(reader, size, label)
      if (until !== undefined) take(reader, 1, label)
      return spelling.read(reader.bytes.subarray(at, at + size), at, label)
    },
    write(writer, value) {
      const bytes = typeof value === 'string' ? spelling.write(value) : undefined
      if (bytes === undefined) throw badValue(label, `a text in ${type}`, value)
      const size = typeof length === 'number' ? length : bytes.length
      if (bytes.length > size) throw badValue(label, `a text of at most ${size} bytes`, value)
      const at = room(writer, size + (until === undefined ? 0 : 1))
      bytes.forEach((byte, index) => {
        writer.bytes[at + index] = byte
      })
      if (until !== undefined) writer.bytes[at + size] = until
    },
  }
}

/** Bytes that a text takes, for the field that counts them. */
export function sizeOfText(type: string, value: Json | undefined): number | undefined {
  return typeof value === 'string' ? SPELLINGS[type]?.write(value)?.length : undefined
}

function sizeUntil(reader: Reader, until: number, label: string): number {
  align(reader)
  const { bytes, at, end } = reader
  const found = bytes.indexOf(until, Math.max(0, at))
  if (found < 0 || found >= end)
    throw truncatedAt(`layout: ${label} and the byte that ends it`, end - at + 1, end - at, at)
  return found - at
}

const HEX = /^(?:[0-9a-f]{2})*$/i

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const utf8Encoder = new TextEncoder()

const SPELLINGS: Readonly<Record<string, Spelling>> = {
  // What fills a field up to its length is zeros.
  ascii: {
    read(bytes, at, label) {
      let text = ''
      let size = bytes.length
      while (size > 0 && bytes[size - 1] === 0) size--
      for (let index = 0; index < size; index++) {
        const byte = bytes[index] ?? 0
        if (byte > 0x7f)
          throw faultAt('codec.malformed', `layout: ${label}: expected ASCII`, at + index)
        text += String.fromCharCode(byte)
      }
      return text
    },
    write: (text) =>
      [...text].every((letter) => letter <= '\x7f')
        ? Array.from(text, (letter) => letter.charCodeAt(0))
        : undefined,
  },
  utf8: {
    read(bytes, at, label) {
      let size = bytes.length
      while (size > 0 && bytes[size - 1] === 0) size--
      try {
        return utf8.decode(bytes.subarray(0, size))
      } catch {
        throw faultAt('codec.malformed', `layout: ${label}: expected UTF-8`, at)
      }
    },
    write: (text) => [...utf8Encoder.encode(text)],
  },
  hex: {
    read: (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(''),
    write: (text) =>
      HEX.test(text)
        ? (text.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16))
        : undefined,
  },
  base64: { read: toBase64, write: fromBase64 },
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const bits = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
    const left = bytes.length - at
    text += (DIGITS[bits >> 18] ?? '') + (DIGITS[(bits >> 12) & 63] ?? '')
    text += left > 1 ? DIGITS[(bits >> 6) & 63] : '='
    text += left > 2 ? DIGITS[bits & 63] : '='
  }
  return text
}

function fromBase64(text: string): readonly number[] | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  const bytes: number[] = []
  let bits = 0
  let held = 0
  for (const digit of text.replaceAll('=', '')) {
    bits = ((bits << 6) | DIGITS.indexOf(digit)) & 0xffff
    held += 6
    if (held < 8) continue
    held -= 8
    bytes.push((bits >> held) & 0xff)
  }
  return bytes
}
