import { CoreError } from '../errors.ts'
import type { Json } from '../model/json.ts'
import type { Codec } from './codec.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** JSON of any shape, in UTF-8. Source: RFC 8259. */
export const json: Codec = {
  name: 'json',
  decode(bytes) {
    const text = readText(bytes)
    try {
      const value: Json = JSON.parse(text)
      return value
    } catch (cause) {
      throw new CoreError('codec.malformed', describe(cause, text))
    }
  },
  exactText(bytes) {
    const text = readText(bytes)
    return LONG_NUMBER.test(text) ? text : undefined
  },
}

/** A whole number of 16 digits or more. Digits behind a point are not meant: a double prints them as they came. */
const LONG_NUMBER = /(?:^|[^.\d])\d{16}/

function readText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new CoreError(
      'codec.malformed',
      `expected JSON in UTF-8, found ${bytes.length} bytes that are not UTF-8`,
    )
  }
}

/** The engine's own message quotes the payload; only the position is taken from it. */
function describe(cause: unknown, text: string): string {
  if (text.trim() === '') return 'expected JSON, found an empty message'
  const position = /position (\d+)/.exec(cause instanceof Error ? cause.message : '')?.[1]
  if (position === undefined || Number(position) >= text.length) {
    return `expected JSON, found a text that ends too early, after ${text.length} characters`
  }
  const before = text.slice(0, Number(position))
  const line = before.split('\n').length
  const column = Number(position) - before.lastIndexOf('\n')
  return `expected JSON, found a syntax error at line ${line}, column ${column}`
}
