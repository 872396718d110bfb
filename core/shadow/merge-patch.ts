import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import { type Draft, EMPTY, isEmpty, omit, own, setKey } from './json-tree.ts'

/**
 * What becomes of an object that a patch brings where the target has none: the object to store, or `undefined` to
 * store nothing. Its nulls have nothing to delete, and here the systems differ.
 */
export type FreshSubtree = (subtree: JsonObject) => JsonObject | undefined

/** How one system merges. */
export interface MergeRules {
  readonly fresh: FreshSubtree
  /** False: a null is stored like any value, as when two patches are folded into one. */
  readonly nullRemoves: boolean
}

/**
 * Applies a JSON merge patch.
 *
 * Result: shares every untouched subtree with the target and every new one with the patch; the target itself if the
 *         patch changes nothing. Neither input is changed.
 * Total:  for values whose depth is bounded (`isDeeperThan`); recurses as deep as the patch.
 * Source: RFC 7396.
 */
export function mergePatch(target: Json, patch: Json): Json {
  if (!isJsonObject(patch)) return patch
  return mergeObjects(isJsonObject(target) ? target : EMPTY, patch, RFC_7396)
}

/** `mergePatch` for two objects, by the rules of the caller's choice. */
export function mergeObjects(target: JsonObject, patch: JsonObject, rules: MergeRules): JsonObject {
  let draft: Draft | undefined
  let removed: Set<string> | undefined
  for (const key in patch) {
    const value = patch[key]
    const before = own(target, key)
    const removes = value === undefined || (value === null && rules.nullRemoves)
    const after = removes ? undefined : mergeValue(before, value, rules)
    if (after === before) continue
    if (after === undefined) {
      removed ??= new Set()
      removed.add(key)
    } else {
      draft ??= { ...target }
      setKey(draft, key, after)
    }
  }
  const merged = draft ?? target
  return removed === undefined ? merged : omit(merged, removed)
}

function mergeValue(before: Json | undefined, value: Json, rules: MergeRules): Json | undefined {
  if (!isJsonObject(value)) return value
  return isJsonObject(before) ? mergeObjects(before, value, rules) : rules.fresh(value)
}

/** Drops the nulls and keeps the objects that held them. Source: RFC 7396 section 2. */
export function withoutNulls(subtree: JsonObject): JsonObject {
  return hasNull(subtree) ? rebuild(subtree, withoutNulls) : subtree
}

/**
 * Drops the nulls, and the objects that held nothing else. An object that came empty stays.
 * Source: aws-greengrass-shadow-manager `JsonMerger.createMergeTree`.
 */
export function withoutNullSubtrees(subtree: JsonObject): JsonObject | undefined {
  if (!hasNull(subtree)) return subtree
  const rest = rebuild(subtree, withoutNullSubtrees)
  return isEmpty(rest) ? undefined : rest
}

/** Takes the object as it came, nulls included. Source: Azure/iotedge `JsonEx.Merge`. */
export function withNulls(subtree: JsonObject): JsonObject {
  return subtree
}

function rebuild(subtree: JsonObject, fresh: FreshSubtree): JsonObject {
  const rest: Draft = {}
  for (const key in subtree) {
    const value = subtree[key]
    if (value === undefined || value === null) continue
    const kept = isJsonObject(value) ? fresh(value) : value
    if (kept !== undefined) setKey(rest, key, kept)
  }
  return rest
}

function hasNull(subtree: JsonObject): boolean {
  for (const key in subtree) {
    const value = subtree[key]
    if (value === null || (isJsonObject(value) && hasNull(value))) return true
  }
  return false
}

const RFC_7396: MergeRules = { fresh: withoutNulls, nullRemoves: true }
