import { isJsonObject, type JsonObject } from '../model/json.ts'
import type { ShadowDocument } from '../model/shadow.ts'
import { shadowDelta } from './delta.ts'
import { type Draft, EMPTY, isEmpty, jsonEqual, own, pointerStep, setKey } from './json-tree.ts'
import { selectMetadata } from './metadata.ts'

/** How long desired values live. Neither is in the wire format of any cloud. */
export interface Lifetimes {
  /** When the desired values of this update stop being wanted, epoch s. Without it they stay. */
  readonly expiresAt?: number | undefined
  /** Drops a desired value as soon as the device reports it. */
  readonly clearReached?: boolean | undefined
}

/** The document of an update with its expiries brought up to date and, if asked for, without what is reached. */
export function settleLifetimes(
  document: ShadowDocument,
  patch: JsonObject | null | undefined,
  lifetimes: Lifetimes,
): ShadowDocument {
  const dated = patch === undefined ? document : dateDesired(document, patch, lifetimes.expiresAt)
  return lifetimes.clearReached === true ? withoutReached(dated) : dated
}

/**
 * The document without the desired values that the device reports already, as one more update; the same document if
 * there are none.
 */
export function clearReachedDesired(document: ShadowDocument, at: number): ShadowDocument {
  return countDesired(document, withoutReached(document), at)
}

/**
 * The document without the desired values whose time is over (`<= at`), as one more update; the same document if
 * there are none. Objects that held nothing else go with them.
 */
export function expireDesired(document: ShadowDocument, at: number): ShadowDocument {
  const { desired, expires } = document
  if (desired === undefined || expires === undefined) return document
  const due = new Set<string>()
  for (const pointer in expires) if ((expires[pointer] ?? at) <= at) due.add(pointer)
  if (due.size === 0) return document
  return countDesired(document, keepDesired(document, withoutPointers(desired, due, '')), at)
}

/** When `expireDesired` next has something to do, epoch s; `undefined` if nothing expires. */
export function nextDesiredExpiry(document: ShadowDocument): number | undefined {
  let next: number | undefined
  for (const at of Object.values(document.expires ?? {}))
    if (next === undefined || at < next) next = at
  return next
}

function countDesired(before: ShadowDocument, after: ShadowDocument, at: number): ShadowDocument {
  if (after === before) return before
  return {
    ...after,
    version: before.version + 1,
    desiredVersion: before.desiredVersion + 1,
    updatedAt: at,
  }
}

/** What is not reached is the delta: the same keys, the same path to the root, arrays whole. */
function withoutReached(document: ShadowDocument): ShadowDocument {
  const { desired } = document
  if (desired === undefined) return document
  const rest = shadowDelta(desired, document.reported)
  return rest !== undefined && jsonEqual(rest, desired) ? document : keepDesired(document, rest)
}

/** The document with only a part of its desired section left. */
function keepDesired(document: ShadowDocument, rest: JsonObject | undefined): ShadowDocument {
  const { desired: _, expires, metadata, ...others } = document
  const { desired: stamps, ...otherStamps } = metadata
  if (rest === undefined) return { ...others, metadata: otherStamps }
  const kept = expires === undefined ? undefined : keepExpiries(expires, rest)
  return {
    ...others,
    desired: rest,
    metadata: { ...otherStamps, desired: selectMetadata(stamps ?? EMPTY, rest) },
    ...(kept === undefined ? {} : { expires: kept }),
  }
}

function keepExpiries(expires: Readonly<Record<string, number>>, desired: JsonObject) {
  const leaves = new Set(leafPointers(desired, ''))
  const kept = Object.entries(expires).filter(([pointer]) => leaves.has(pointer))
  return kept.length === 0 ? undefined : Object.fromEntries(kept)
}

/** A value written again loses the expiry it had, and gets the one of this update. */
function dateDesired(
  document: ShadowDocument,
  patch: JsonObject | null,
  expiresAt: number | undefined,
): ShadowDocument {
  if (document.expires === undefined && expiresAt === undefined) return document
  const { expires: before, ...rest } = document
  if (document.desired === undefined || patch === null) return rest
  const stored = new Set(leafPointers(document.desired, ''))
  const written = leafPointers(patch, '')
  const after: Record<string, number> = {}
  for (const [pointer, at] of Object.entries(before ?? {})) {
    const rewritten = written.some((other) => pointer === other || pointer.startsWith(`${other}/`))
    if (stored.has(pointer) && !rewritten) after[pointer] = at
  }
  if (expiresAt !== undefined)
    for (const pointer of written) if (stored.has(pointer)) after[pointer] = expiresAt
  return isEmpty(after) ? rest : { ...rest, expires: after }
}

/** Pointers to all that is not an object with keys. */
function leafPointers(tree: JsonObject, path: string): string[] {
  const pointers: string[] = []
  for (const key in tree) {
    const value = tree[key]
    const pointer = path + pointerStep(key)
    if (isJsonObject(value) && !isEmpty(value)) pointers.push(...leafPointers(value, pointer))
    else pointers.push(pointer)
  }
  return pointers
}

function withoutPointers(
  tree: JsonObject,
  gone: ReadonlySet<string>,
  path: string,
): JsonObject | undefined {
  const rest: Draft = {}
  for (const key in tree) {
    const value = own(tree, key)
    const pointer = path + pointerStep(key)
    if (value === undefined || gone.has(pointer)) continue
    const kept =
      isJsonObject(value) && !isEmpty(value) ? withoutPointers(value, gone, pointer) : value
    if (kept !== undefined) setKey(rest, key, kept)
  }
  return isEmpty(rest) ? undefined : rest
}
