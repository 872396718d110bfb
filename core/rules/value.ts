import { CoreError } from '../errors.ts'
import type { Json } from '../model/json.ts'
import { encodeBase64 } from './base64.ts'
import {
  type Decimal,
  isDecimal,
  isInt,
  type Numeric,
  numericText,
  parseNumeric,
  toDouble,
} from './decimal.ts'

export interface ValueObject {
  readonly [key: string]: Value
}

/** Whatever an expression gives. `undefined` is the language's Undefined; bytes are a payload that is not JSON. */
export type Value =
  | undefined
  | null
  | boolean
  | string
  | number
  | Decimal
  | Uint8Array
  | readonly Value[]
  | ValueObject

/** The types of the language, as its documentation names them. */
export type TypeName =
  | 'Undefined'
  | 'Null'
  | 'Boolean'
  | 'String'
  | 'Int'
  | 'Decimal'
  | 'Array'
  | 'Object'
  | 'Binary'

export function typeOf(value: Value): TypeName {
  if (value === undefined) return 'Undefined'
  if (value === null) return 'Null'
  if (typeof value === 'boolean') return 'Boolean'
  if (typeof value === 'string') return 'String'
  if (isNumeric(value)) return isInt(value) ? 'Int' : 'Decimal'
  if (isArray(value)) return 'Array'
  return isBytes(value) ? 'Binary' : 'Object'
}

export function isNumeric(value: Value): value is Numeric {
  return typeof value === 'number' || isDecimal(value)
}

export function isArray(value: Value): value is readonly Value[] {
  return Array.isArray(value)
}

export function isBytes(value: Value): value is Uint8Array {
  return value instanceof Uint8Array
}

export function isObject(value: Value): value is ValueObject {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !isBytes(value) &&
    !isDecimal(value)
  )
}

/** The member of an object under one of its own keys; Undefined for every other value. */
export function member(value: Value, key: string): Value {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

/** The element of an array; Undefined outside of it and for every other value. */
export function element(value: Value, index: number): Value {
  return isArray(value) ? value[index] : undefined
}

/**
 * Converts to Decimal where the language does so by itself.
 *
 * Result: `undefined` for Booleans, Null, Arrays, Objects, Undefined and text that is no number.
 * Source: AWS IoT SQL, data types, conversions.
 */
export function toNumeric(value: Value, keepsScale: boolean): Numeric | undefined {
  if (typeof value === 'number') return value
  if (typeof value === 'string') return parseNumeric(value, keepsScale)
  return isDecimal(value) ? value : undefined
}

/** Booleans, and the strings "true" and "false" in any case; `undefined` for all else. */
export function toBoolean(value: Value): boolean | undefined {
  if (typeof value === 'boolean') return value
  if (typeof value !== 'string' || value.length < 4 || value.length > 5) return undefined
  const word = value.toLowerCase()
  return word === 'true' ? true : word === 'false' ? false : undefined
}

/**
 * Converts to String; arrays and objects become compact JSON.
 *
 * Result: `undefined` for Null, Undefined and bytes that are not UTF-8.
 * Source: AWS IoT SQL, data types, conversions.
 * @throws CoreError `rule.limit` if the text would be longer than `maxLength`.
 */
export function toText(value: Value, maxLength: number): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  if (value === undefined || value === null) return undefined
  if (isNumeric(value)) return numericText(value)
  return isBytes(value) ? decodeUtf8(value) : jsonText(value, maxLength)
}

/** Result: `undefined` where the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/**
 * Compact JSON with every digit of its numbers; Undefined leaves its key or element out.
 *
 * @throws CoreError `rule.limit` if the text would be longer than `maxLength`.
 */
export function jsonText(value: Value, maxLength: number): string {
  const writer: JsonWriter = { text: '', maxLength }
  writeJson(value, writer)
  return writer.text
}

interface JsonWriter {
  text: string
  readonly maxLength: number
}

function put(writer: JsonWriter, text: string): void {
  writer.text += text
  if (writer.text.length > writer.maxLength) {
    throw new CoreError('rule.limit', `expected at most ${writer.maxLength} characters of text`)
  }
}

function writeJson(value: Value, writer: JsonWriter): void {
  if (value === undefined || value === null) put(writer, 'null')
  else if (typeof value === 'string') put(writer, JSON.stringify(value))
  else if (typeof value === 'boolean') put(writer, value ? 'true' : 'false')
  else if (isNumeric(value)) put(writer, numericText(value))
  else if (isBytes(value)) put(writer, JSON.stringify(encodeBase64(value)))
  else if (isArray(value)) writeArray(value, writer)
  else writeObject(value, writer)
}

function writeArray(values: readonly Value[], writer: JsonWriter): void {
  let separator = '['
  for (const value of values) {
    if (value === undefined) continue
    put(writer, separator)
    writeJson(value, writer)
    separator = ','
  }
  put(writer, separator === '[' ? '[]' : ']')
}

function writeObject(value: ValueObject, writer: JsonWriter): void {
  let separator = '{'
  for (const key of Object.keys(value)) {
    const item = value[key]
    if (item === undefined) continue
    put(writer, `${separator}${JSON.stringify(key)}:`)
    writeJson(item, writer)
    separator = ','
  }
  put(writer, separator === '{' ? '{}' : '}')
}

/**
 * The JSON that leaves a rule: decimals become the nearest doubles, bytes become base64. What is
 * JSON already is returned itself, not copied.
 */
export function toJson(value: Value): Json | undefined {
  if (typeof value !== 'object' || value === null) return value
  if (isDecimal(value)) return nearestDouble(value)
  if (isBytes(value)) return encodeBase64(value)
  if (isJson(value)) return value
  return isArray(value) ? arrayToJson(value) : objectToJson(value)
}

/** A double is finite in JSON: beyond its range stands the largest. */
function nearestDouble(value: Decimal): number {
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, toDouble(value)))
}

function isJson(value: Value): value is Json {
  if (value === undefined) return false
  if (typeof value !== 'object' || value === null) return true
  if (isDecimal(value) || isBytes(value)) return false
  if (isArray(value)) return value.every(isJson)
  for (const key of Object.keys(value)) if (!isJson(value[key])) return false
  return true
}

function arrayToJson(values: readonly Value[]): Json {
  const items: Json[] = []
  for (const value of values) {
    const item = toJson(value)
    if (item !== undefined) items.push(item)
  }
  return items
}

function objectToJson(value: ValueObject): Json {
  const json: Record<string, Json> = {}
  for (const key of Object.keys(value)) {
    const item = toJson(value[key])
    if (item !== undefined) setKey(json, key, item)
  }
  return json
}

/** Sets an own key; `__proto__` is a key like any other. */
export function setKey<T>(target: Record<string, T>, key: string, value: T): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    })
  } else {
    target[key] = value
  }
}
