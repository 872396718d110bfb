import fc from 'fast-check'
import type { Json, JsonObject } from '../../../core/model/json.ts'

/** Few keys, so that two documents meet; among them those that JavaScript objects inherit. */
const key = fc.constantFrom(
  'a',
  'b',
  'c',
  'd',
  '',
  'a/b',
  '__proto__',
  'constructor',
  'toString',
  'timestamp',
)

const scalar: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(0, 1, -1, 1.5, true, false, '', 'x', 'on'),
  fc
    .double({ noNaN: true, noDefaultInfinity: true })
    .map((value) => (Object.is(value, -0) ? 0 : value)),
)

const trees = (nullable: boolean) =>
  fc.letrec<{ value: Json; object: JsonObject; array: Json[] }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      nullable ? fc.oneof(scalar, fc.constant(null)) : scalar,
      tie('object'),
      tie('array'),
    ),
    object: fc.dictionary(key, tie('value'), { maxKeys: 4 }).map(plain),
    array: fc.array(nullable ? tie('value').filter((value) => value !== null) : tie('value'), {
      maxLength: 3,
    }),
  }))

/** As JSON.parse makes it: every key an own one, the prototype the usual. */
function plain(entries: Record<string, Json>): JsonObject {
  return Object.fromEntries(Object.entries(entries))
}

/** Any JSON, with nulls that delete. */
export const json: fc.Arbitrary<Json> = trees(true).value

/** A patch of a section. */
export const object: fc.Arbitrary<JsonObject> = trees(true).object

/** A stored section: no nulls. */
export const section: fc.Arbitrary<JsonObject> = trees(false).object

/** Measured values: flat, no nulls. */
export const flat: fc.Arbitrary<JsonObject> = fc.dictionary(key, scalar, { maxKeys: 8 }).map(plain)

/** Freezes a value all the way down: whoever changes it throws. */
export function freeze<T extends Json>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.freeze(value)
    for (const child of Object.values(value)) freeze(child)
  }
  return value
}

/** `levels` objects inside each other. */
export function nested(levels: number, leaf: Json = 1): Json {
  let value = leaf
  for (let level = 0; level < levels; level++) value = { n: value }
  return value
}
