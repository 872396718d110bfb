import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import type { ShadowDocument, Wish } from '../model/shadow.ts'
import { type Draft, EMPTY, isEmpty, jsonEqual, own, pointerStep, setKey } from './json-tree.ts'
import { newestMark, selectMetadata } from './metadata.ts'

/** What goes with the desired values of one update. None of it is in the wire format of any cloud. */
export interface Lifetimes {
  /** When they stop being wanted, epoch s. Without it they stay. */
  readonly expiresAt?: number | undefined
  /** They go as soon as the device reports them. */
  readonly once?: boolean | undefined
  /** Who wants them, in words for people. */
  readonly by?: string | undefined
}

/** Wishes are looked through for what is gone when there are more than this. */
const MAX_WISHES = 32

/** Longer names of who wants something are cut. Unit: UTF-16 units. */
const MAX_BY = 128

/** The document of an update with what goes with its desired values, and without those that are reached. */
export function settleLifetimes(
  document: ShadowDocument,
  patch: JsonObject | null | undefined,
  lifetimes: Lifetimes,
): ShadowDocument {
  if (patch === undefined) {
    const rest = withoutReached(document)
    return rest === document ? document : { ...rest, desiredVersion: rest.desiredVersion + 1 }
  }
  const dated = dateDesired(document, patch, lifetimes.expiresAt)
  return withoutReached(patch === null ? dated : noteWish(dated, lifetimes))
}

/**
 * The document without the desired values that were wanted once and are reported now, as one more update; the same
 * document if there are none.
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
  if (document.expires === undefined) return undefined
  let next: number | undefined
  for (const at of Object.values(document.expires)) if (next === undefined || at < next) next = at
  return next
}

/** Whether one of the values of a wish, all of which are desired already, stops being wanted before the given time. */
export function endsBefore(document: ShadowDocument, wish: JsonObject, at: number): boolean {
  const { expires } = document
  if (expires === undefined) return false
  return leafPointers(wish, '').some((pointer) => (expires[pointer] ?? at) < at)
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

/** Remembers who wants the values of the update that was the last, and whether only until they are there. */
function noteWish(document: ShadowDocument, { by, once }: Lifetimes): ShadowDocument {
  if (document.desired === undefined || (by === undefined && once !== true)) return document
  const wish: Wish = {
    ...(by === undefined ? {} : { by: by.slice(0, MAX_BY) }),
    ...(once === true ? { once } : {}),
  }
  const wishes = { ...document.wishes, [document.desiredVersion]: wish }
  const isLong = Object.keys(wishes).length > MAX_WISHES
  return { ...document, wishes: isLong ? keepWishes(wishes, document.desiredVersions) : wishes }
}

/** Those wishes of which a value is still there. */
function keepWishes(
  wishes: Readonly<Record<string, Wish>>,
  versions: Json | undefined,
): Readonly<Record<string, Wish>> {
  const live = new Set<string>()
  const see = (tree: Json | undefined): void => {
    if (typeof tree === 'number') live.add(String(tree))
    else if (tree !== undefined && isJsonObject(tree)) for (const key in tree) see(tree[key])
  }
  see(versions)
  return Object.fromEntries(Object.entries(wishes).filter(([version]) => live.has(version)))
}

function withoutReached(document: ShadowDocument): ShadowDocument {
  const { desired, reported, wishes, desiredVersions } = document
  if (desired === undefined || reported === undefined || wishes === undefined) return document
  if (!Object.values(wishes).some(({ once }) => once)) return document
  const isOnce = (versions: Json | undefined): boolean =>
    wishes[newestMark(versions) ?? 0]?.once === true
  const rest = stillWanted(desired, reported, desiredVersions ?? EMPTY, isOnce)
  return rest === desired ? document : keepDesired(document, rest)
}

/** The values but for those that are reached and were wanted once; the same object if all of them stay. */
function stillWanted(
  desired: JsonObject,
  reported: JsonObject,
  versions: Json,
  isOnce: (versions: Json | undefined) => boolean,
): JsonObject | undefined {
  const rest: Draft = {}
  let some = false
  for (const key in desired) {
    const wanted = desired[key]
    if (wanted === undefined) continue
    const actual = own(reported, key)
    const version = isJsonObject(versions) ? own(versions, key) : undefined
    let kept: Json | undefined = wanted
    if (actual !== undefined) {
      if (isJsonObject(wanted) && !isEmpty(wanted)) {
        if (isJsonObject(actual)) kept = stillWanted(wanted, actual, version ?? EMPTY, isOnce)
      } else if (isReached(wanted, actual) && isOnce(version)) kept = undefined
    }
    if (kept !== wanted) some = true
    if (kept !== undefined) setKey(rest, key, kept)
  }
  return some ? (isEmpty(rest) ? undefined : rest) : desired
}

/** As the delta has it: in an object without keys there is nothing to differ. */
function isReached(wanted: Json, actual: Json): boolean {
  return isJsonObject(wanted) ? isJsonObject(actual) : jsonEqual(wanted, actual)
}

/** The document with only a part of its desired section left. */
function keepDesired(document: ShadowDocument, rest: JsonObject | undefined): ShadowDocument {
  const { desired: _, expires, metadata, desiredVersions, wishes, ...others } = document
  const { desired: stamps, ...otherStamps } = metadata
  if (rest === undefined) return { ...others, metadata: otherStamps }
  const kept = expires === undefined ? undefined : keepExpiries(expires, rest)
  return {
    ...others,
    desired: rest,
    metadata: { ...otherStamps, desired: selectMetadata(stamps ?? EMPTY, rest) },
    ...(desiredVersions === undefined
      ? {}
      : { desiredVersions: selectMetadata(desiredVersions, rest) }),
    ...(wishes === undefined ? {} : { wishes }),
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
