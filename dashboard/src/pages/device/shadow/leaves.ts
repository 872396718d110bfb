import type { Json, JsonObject } from '../../../api.ts'

/** One value of a shadow, by where it stands. */
export interface Leaf {
  readonly path: readonly string[]
  /** The path as one text: a JSON pointer. Source: RFC 6901. */
  readonly pointer: string
  readonly desired: Json | undefined
  readonly reported: Json | undefined
  /** `same`: reported as desired; `differs`: not yet; `only-reported`: nobody asks for it. */
  readonly standing: 'same' | 'differs' | 'only-reported'
}

/** Both sections side by side, what differs first, then what is desired, then the rest; each in the order of paths. */
export function leavesOf(desired: JsonObject, reported: JsonObject): readonly Leaf[] {
  const wanted = flatten(desired)
  const said = flatten(reported)
  const leaves = [...new Set([...wanted.keys(), ...said.keys()])].map((pointer): Leaf => {
    const want = wanted.get(pointer)
    const have = said.get(pointer)
    return {
      path: pathOf(pointer),
      pointer,
      desired: want,
      reported: have,
      standing: want === undefined ? 'only-reported' : sameJson(want, have) ? 'same' : 'differs',
    }
  })
  return leaves.sort(
    (a, b) =>
      ORDER[a.standing] - ORDER[b.standing] ||
      (a.pointer < b.pointer ? -1 : a.pointer > b.pointer ? 1 : 0),
  )
}

const ORDER = { differs: 0, same: 1, 'only-reported': 2 } as const

/** Arrays are values: a shadow changes them as a whole. */
function flatten(
  section: JsonObject,
  prefix = '',
  found = new Map<string, Json>(),
): Map<string, Json> {
  for (const [key, value] of Object.entries(section)) {
    const pointer = `${prefix}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
    if (isObject(value) && Object.keys(value).length > 0) flatten(value, pointer, found)
    else found.set(pointer, value)
  }
  return found
}

export function pathOf(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
}

export function pointerOf(path: readonly string[]): string {
  return path.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The changes as one object to be merged; `null` takes a value away. Source: RFC 7396. */
export function patchOf(changes: ReadonlyMap<string, Json>): JsonObject {
  return merged([...changes].map(([pointer, value]) => ({ path: pathOf(pointer), value })))
}

interface Change {
  readonly path: readonly string[]
  readonly value: Json
}

function merged(changes: readonly Change[]): JsonObject {
  const byName = Map.groupBy(changes, ({ path }) => path[0] ?? '')
  return Object.fromEntries(
    [...byName].map(([name, some]) => {
      const whole = some.findLast(({ path }) => path.length === 1)
      const inside = some.map(({ path, value }) => ({ path: path.slice(1), value }))
      return [name, whole === undefined ? merged(inside) : whole.value]
    }),
  )
}

/** What a person typed: JSON, or else a text. */
export function readValue(text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** A value as a person would type it. */
export function writeValue(value: Json): string {
  return typeof value === 'string' && typeof readValue(value) === 'string'
    ? value
    : JSON.stringify(value)
}

/** Key order is no difference. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  const keys = Object.keys(a)
  if (Array.isArray(a) !== Array.isArray(b) || keys.length !== Object.keys(b).length) return false
  return keys.every(
    (key) => Object.hasOwn(b, key) && sameJson(Reflect.get(a, key), Reflect.get(b, key)),
  )
}
