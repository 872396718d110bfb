import type { Json } from '../model/json.ts'
import type { Step } from './ast.ts'
import { element, member, type Value, type ValueObject } from './value.ts'

/** Follows a path. JSON gives JSON. */
export interface ReadPath {
  (value: Json | undefined): Json | undefined
  (value: Value): Value
}

/**
 * Compiles the steps of a path. Only own keys of objects and indexes of arrays count: `constructor` or
 * `__proto__` is Undefined unless the message has such a key, and so are the keys of strings and arrays.
 */
export function compilePath(steps: readonly Step[]): ReadPath {
  const keys = steps.filter((step) => typeof step === 'string').map(asPropertyName)
  if (keys.length < steps.length || !keys.every(isPlainKey)) return readSteps(steps)
  const [first, second, third] = keys
  if (first === undefined) return readSteps(steps)
  if (second === undefined) return readOne(first)
  if (third === undefined) return readTwo(first, second)
  return keys.length === 3 ? readThree(first, second, third) : readKeys(keys)
}

/**
 * The same text as engines keep the names of properties: a part cut out of a statement has to be looked up among them
 * each time that it is used as a key.
 */
export function asPropertyName(key: string): string {
  return Object.keys({ [key]: true })[0] ?? key
}

/** What objects and bytes have without being given it. */
const INHERITED: ReadonlySet<string> = new Set(
  [Uint8Array.prototype, Object.getPrototypeOf(Uint8Array.prototype), Object.prototype].flatMap(
    (prototype) => Object.getOwnPropertyNames(prototype),
  ),
)

/** True for keys that no object has from its prototype: reading them needs no further check. */
export function isPlainKey(key: string): boolean {
  const first = key.charCodeAt(0)
  return !INHERITED.has(key) && !(first >= 48 && first <= 57)
}

/** Sound for plain keys only: decimals and bytes pass, and have no such key. */
function hasKeys(value: Value): value is ValueObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function readOne(first: string): ReadPath {
  function read(value: Json | undefined): Json | undefined
  function read(value: Value): Value
  function read(value: Value): Value {
    return hasKeys(value) ? value[first] : undefined
  }
  return read
}

function readTwo(first: string, second: string): ReadPath {
  function read(value: Json | undefined): Json | undefined
  function read(value: Value): Value
  function read(value: Value): Value {
    if (!hasKeys(value)) return undefined
    const inner = value[first]
    return hasKeys(inner) ? inner[second] : undefined
  }
  return read
}

function readThree(first: string, second: string, third: string): ReadPath {
  function read(value: Json | undefined): Json | undefined
  function read(value: Value): Value
  function read(value: Value): Value {
    if (!hasKeys(value)) return undefined
    const inner = value[first]
    if (!hasKeys(inner)) return undefined
    const innermost = inner[second]
    return hasKeys(innermost) ? innermost[third] : undefined
  }
  return read
}

function readKeys(keys: readonly string[]): ReadPath {
  function read(value: Json | undefined): Json | undefined
  function read(value: Value): Value
  function read(value: Value): Value {
    let at = value
    for (const key of keys) {
      if (!hasKeys(at)) return undefined
      at = at[key]
    }
    return at
  }
  return read
}

function readSteps(steps: readonly Step[]): ReadPath {
  function read(value: Json | undefined): Json | undefined
  function read(value: Value): Value
  function read(value: Value): Value {
    let at = value
    for (const step of steps) at = typeof step === 'string' ? member(at, step) : element(at, step)
    return at
  }
  return read
}
