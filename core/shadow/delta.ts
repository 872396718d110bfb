import { isJsonObject, type JsonObject } from '../model/json.ts'
import { type Draft, jsonEqual, own, setKey } from './json-tree.ts'

/**
 * What is desired and not yet reported, with the path to the root.
 *
 * Result: `undefined` if nothing differs (then nothing is allocated). Keys that only the reported section has are not
 *         in it. Arrays are values: they are equal or they differ as a whole. Subtrees are shared with `desired`.
 *         Numbers compare by value; that the cloud too takes 1 and 1.0 for equal is not verified (Greengrass does).
 * Source: AWS IoT developer guide, device-shadow-document, "Delta property".
 */
export function shadowDelta(
  desired: JsonObject | undefined,
  reported: JsonObject | undefined,
): JsonObject | undefined {
  if (desired === undefined || desired === reported) return undefined
  let delta: Draft | undefined
  for (const key in desired) {
    const wanted = desired[key]
    // What an object inherits is never a JSON value, so equal here means equal.
    if (wanted === undefined || wanted === reported?.[key]) continue
    const actual = reported === undefined ? undefined : own(reported, key)
    let difference = wanted
    if (actual !== undefined && typeof wanted === 'object') {
      if (isJsonObject(wanted) && isJsonObject(actual)) {
        const inner = shadowDelta(wanted, actual)
        if (inner === undefined) continue
        difference = inner
      } else if (jsonEqual(wanted, actual)) continue
    }
    delta ??= {}
    setKey(delta, key, difference)
  }
  return delta
}
