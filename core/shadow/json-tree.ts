import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'

/** An object while it is being built; it becomes a `JsonObject` when it travels. */
export type Draft = { [key: string]: Json }

/** The shared object without keys. */
export const EMPTY: JsonObject = Object.freeze({})

/** The value under an own key. What an object inherits (`constructor`, `__proto__`) is not there. */
export function own(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

/** Sets an own key, also where the name is `__proto__`, which plain assignment takes for the prototype. */
export function setKey(draft: Draft, key: string, value: Json): void {
  if (key === '__proto__') {
    Object.defineProperty(draft, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    })
  } else {
    draft[key] = value
  }
}

/** True if the object has no key. */
export function isEmpty(object: JsonObject): boolean {
  for (const _ in object) return false
  return true
}

/** A copy without the given keys. Deleting from a copy would make it slow to read ever after. */
export function omit(object: JsonObject, keys: ReadonlySet<string>): JsonObject {
  const rest: Draft = {}
  for (const key in object) {
    const value = object[key]
    if (value !== undefined && !keys.has(key)) setKey(rest, key, value)
  }
  return rest
}

/** Whether two values are the same JSON. The order of keys does not count; 1, 1.0 and 1e0 are one number. */
export function jsonEqual(left: Json, right: Json): boolean {
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null)
    return false
  if (isJsonObject(left)) return isJsonObject(right) && objectsEqual(left, right)
  if (isJsonObject(right) || left.length !== right.length) return false
  for (let index = 0; index < left.length; index++) {
    const one = left[index]
    const other = right[index]
    if (one === undefined || other === undefined || !jsonEqual(one, other)) return false
  }
  return true
}

function objectsEqual(left: JsonObject, right: JsonObject): boolean {
  let count = 0
  for (const key in left) {
    const one = left[key]
    const other = own(right, key)
    if (one === undefined || other === undefined || !jsonEqual(one, other)) return false
    count++
  }
  for (const _ in right) count--
  return count === 0
}

/** Whether objects and arrays nest deeper than `levels`; looks no deeper than that itself. A scalar is level 0. */
export function isDeeperThan(value: Json, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  if (isJsonObject(value)) {
    for (const key in value) {
      const child = value[key]
      if (child !== undefined && isDeeperThan(child, levels - 1)) return true
    }
    return false
  }
  return value.some((item) => isDeeperThan(item, levels - 1))
}

/** How many bytes a text takes in UTF-8. A lone surrogate takes the 3 bytes of U+FFFD. */
export function utf8Bytes(text: string): number {
  let bytes = text.length
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit < 0x80) continue
    if (unit < 0x800) bytes += 1
    else if (unit >= 0xd800 && unit <= 0xdbff && isLowSurrogate(text.charCodeAt(index + 1))) {
      bytes += 2
      index++
    } else bytes += 2
  }
  return bytes
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}

/** How many bytes a value takes as JSON in UTF-8, without white space. */
export function jsonBytes(value: Json): number {
  return utf8Bytes(JSON.stringify(value))
}

/** One step of a JSON pointer. Source: RFC 6901 section 3. */
export function pointerStep(key: string): string {
  return `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
}
