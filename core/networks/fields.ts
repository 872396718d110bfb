import { CoreError } from '../errors.ts'
import { fromBase64 } from '../model/base64.ts'
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'

// Reading of what networks send. They add fields at any time, so that only what is needed is looked at.

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** A fault in the message of a network. The sentence quotes nothing of it but names. */
export function malformed(sentence: string): CoreError {
  return new CoreError('network.malformed', sentence)
}

/** The text of bytes. @throws CoreError `network.malformed` */
export function readText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw malformed(`expected UTF-8, found ${bytes.length} bytes that are none`)
  }
}

/** The JSON of bytes. @throws CoreError `network.malformed` */
export function readJson(bytes: Uint8Array): Json {
  const text = readText(bytes)
  try {
    return JSON.parse(text)
  } catch {
    const found = text.trim() === '' ? 'nothing' : `${text.length} characters that are none`
    throw malformed(`expected JSON, found ${found}`)
  }
}

/** The object that bytes say in JSON. @throws CoreError `network.malformed` */
export function readObject(bytes: Uint8Array): JsonObject {
  return asObject(readJson(bytes), 'a message')
}

/** @throws CoreError `network.malformed` unless the value is an object. */
export function asObject(value: Json | undefined, what: string): JsonObject {
  if (isJsonObject(value)) return value
  throw malformed(`${what}: expected an object, found ${kindOf(value)}`)
}

/** An own member. */
export function member(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

/** The member at the end of a path of names; `undefined` as soon as one is missing. */
export function at(object: Json | undefined, ...path: readonly string[]): Json | undefined {
  let value = object
  for (const name of path) value = isJsonObject(value) ? member(value, name) : undefined
  return value
}

/** A text that is not empty; `undefined` for anything else. */
export function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** A text, or a number as text: ids come as both. */
export function idOf(value: Json | undefined): string | undefined {
  return typeof value === 'number' ? String(value) : textOf(value)
}

/** A number, also where it came as text. */
export function numberOf(value: Json | undefined): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (typeof value !== 'string' || !/^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(value))
    return undefined
  const number = Number(value)
  return Number.isFinite(number) ? number : undefined
}

/** The members of an array that are objects. */
export function objectsOf(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : []
}

/** Bytes that stand as hex, with blanks, colons or dashes between them or without. @throws CoreError `network.malformed` */
export function readHex(value: Json | undefined, what: string): Uint8Array {
  const digits = typeof value === 'string' ? value.replace(/^0x|[\s:-]/gi, '') : undefined
  if (digits === undefined || digits.length % 2 !== 0 || /[^\da-f]/i.test(digits))
    throw malformed(`${what}: expected bytes in hex, found ${kindOf(value)} that is none`)
  const bytes = new Uint8Array(digits.length / 2)
  for (let index = 0; index < bytes.length; index++)
    bytes[index] = Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16)
  return bytes
}

/** Bytes that stand as base64, also that of URLs. @throws CoreError `network.malformed` */
export function readBase64(value: Json | undefined, what: string): Uint8Array {
  const text = typeof value === 'string' ? value.replaceAll('-', '+').replaceAll('_', '/') : ''
  const bytes = typeof value === 'string' ? fromBase64(text) : undefined
  if (bytes !== undefined) return bytes
  throw malformed(`${what}: expected bytes in base64, found ${kindOf(value)} that is none`)
}

/** Small letters of hex. */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

/**
 * Epoch ms of RFC 3339, with any digits behind the second.
 * @throws CoreError `network.malformed` for what is there and is no time.
 */
export function readTime(value: Json | undefined, what: string): number | undefined {
  if (value === undefined || value === null || value === '') return undefined
  const zoned =
    typeof value === 'string' &&
    /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/i.test(value)
  const ms = zoned ? Date.parse(value.replace(' ', 'T').replace(/(\.\d{3})\d+/, '$1')) : Number.NaN
  if (!Number.isNaN(ms)) return ms
  throw malformed(`${what}: expected a time such as 2026-01-31T12:00:00Z, found ${kindOf(value)}`)
}

/** Members that are there; those that are `undefined` are left out. */
export function facts(members: Readonly<Record<string, Json | undefined>>): JsonObject {
  const kept: Record<string, Json> = {}
  for (const [name, value] of Object.entries(members)) if (value !== undefined) kept[name] = value
  return kept
}

/** Members that are texts, numbers or truths: what a network says beside a message is told without being looked into. */
export function plainMembers(value: Json | undefined): JsonObject | undefined {
  if (!isJsonObject(value)) return undefined
  const plain = Object.entries(value).filter(([name, one]) => name !== '__proto__' && isPlain(one))
  return plain.length === 0 ? undefined : Object.fromEntries(plain.slice(0, 16))
}

function isPlain(value: Json): boolean {
  return typeof value === 'string'
    ? value.length <= 256
    : value !== null && typeof value !== 'object'
}

/** What a value is, in words that quote nothing of it. */
export function kindOf(value: Json | undefined): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'string') return `a text of ${value.length} characters`
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
