import { isJsonObject, type JsonObject } from '../model/json.ts'
import { type Draft, isEmpty, jsonEqual, own, setKey } from './json-tree.ts'

/**
 * The merge patch that leads from one object to another.
 *
 * Result: `mergePatch(from, mergeDiff(from, to))` equals `to`, if `to` has no nulls. Empty if they are equal. Subtrees
 *         are shared with `to`.
 * Source: RFC 7396; Azure/iotedge `JsonEx.Diff`.
 */
export function mergeDiff(from: JsonObject, to: JsonObject): JsonObject {
  const patch: Draft = {}
  for (const key in from) {
    const before = from[key]
    const after = own(to, key)
    if (before === undefined || before === after) continue
    if (after === undefined) setKey(patch, key, null)
    else if (isJsonObject(before) && isJsonObject(after)) {
      const inner = mergeDiff(before, after)
      if (!isEmpty(inner)) setKey(patch, key, inner)
    } else if (!jsonEqual(before, after)) setKey(patch, key, after)
  }
  for (const key in to) {
    const after = to[key]
    if (after !== undefined && !Object.hasOwn(from, key)) setKey(patch, key, after)
  }
  return patch
}
