import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import type { Leaf } from './document.ts'
import { type Draft, EMPTY, isEmpty, omit, own, setKey } from './json-tree.ts'

/** The metadata of a value that is written whole: the leaf for every scalar in it, arrays element by element. */
export function stampTree(value: Json, leaf: Leaf): Json {
  if (typeof value !== 'object' || value === null) return leaf
  if (!isJsonObject(value)) return value.map((item) => stampTree(item, leaf))
  const tree: Draft = {}
  for (const key in value) {
    const child = value[key]
    if (child !== undefined) setKey(tree, key, stampTree(child, leaf))
  }
  return tree
}

/** The tree of a value that is written whole, with the mark in place of all that is not an object with keys. */
export function markTree(value: Json, mark: number): Json {
  if (!isJsonObject(value) || isEmpty(value)) return mark
  const tree: Draft = {}
  for (const key in value) {
    const child = value[key]
    if (child !== undefined) setKey(tree, key, markTree(child, mark))
  }
  return tree
}

/** The greatest mark in a tree of marks; `undefined` if it holds none. */
export function newestMark(tree: Json | undefined): number | undefined {
  if (typeof tree === 'number') return tree
  if (tree === undefined || !isJsonObject(tree)) return undefined
  let newest: number | undefined
  for (const key in tree) {
    const mark = newestMark(tree[key])
    if (mark !== undefined && (newest === undefined || mark > newest)) newest = mark
  }
  return newest
}

/** A section before and after a patch, and the patch. */
export interface PatchedSection {
  readonly before: JsonObject
  readonly after: JsonObject
  readonly patch: JsonObject
}

/**
 * The metadata after a patch: `stamp` of every value that the patch names, changed or not; none for what it removed; the
 * rest shared.
 */
export function patchMetadata(
  metadata: JsonObject,
  section: PatchedSection,
  stamp: (value: Json) => Json,
): JsonObject {
  const { before, after, patch } = section
  const draft: Draft = { ...metadata }
  let removed: Set<string> | undefined
  for (const key in patch) {
    const asked = patch[key]
    const value = own(after, key)
    if (value === undefined) {
      removed ??= new Set()
      removed.add(key)
    } else if (isJsonObject(asked) && isJsonObject(value) && !isEmpty(value)) {
      const old = own(before, key)
      // A scalar's stamp and an object's metadata look alike: only the section tells which one is stored.
      const stored = isJsonObject(old) ? own(metadata, key) : undefined
      const inner = { before: isJsonObject(old) ? old : EMPTY, after: value, patch: asked }
      setKey(draft, key, patchMetadata(isJsonObject(stored) ? stored : EMPTY, inner, stamp))
    } else {
      setKey(draft, key, stamp(value))
    }
  }
  return removed === undefined ? draft : omit(draft, removed)
}

/** The part of a section's metadata that belongs to a part of that section. */
export function selectMetadata(metadata: JsonObject, part: JsonObject): JsonObject {
  const selected: Draft = {}
  for (const key in part) {
    const value = part[key]
    const stored = own(metadata, key)
    if (stored === undefined) continue
    const inner =
      isJsonObject(value) && isJsonObject(stored) ? selectMetadata(stored, value) : stored
    setKey(selected, key, inner)
  }
  return selected
}

/** When the newest scalar of a value was written, epoch s; `undefined` if the value holds no scalar. */
export function newestStamp(value: Json, metadata: Json | undefined): number | undefined {
  if (metadata === undefined || metadata === null || typeof metadata !== 'object') return undefined
  if (typeof value !== 'object' || value === null) {
    const stamp = isJsonObject(metadata) ? own(metadata, 'timestamp') : undefined
    return typeof stamp === 'number' ? stamp : undefined
  }
  let newest: number | undefined
  const see = (child: Json | undefined, stored: Json | undefined) => {
    const stamp = child === undefined ? undefined : newestStamp(child, stored)
    if (stamp !== undefined && (newest === undefined || stamp > newest)) newest = stamp
  }
  if (isJsonObject(value)) {
    if (isJsonObject(metadata)) for (const key in value) see(value[key], own(metadata, key))
  } else if (!isJsonObject(metadata)) {
    for (const [index, item] of value.entries()) see(item, metadata[index])
  }
  return newest
}
