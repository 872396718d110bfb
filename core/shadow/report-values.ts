import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import type { ShadowDocument } from '../model/shadow.ts'
import { applyPatch } from './apply-patch.ts'
import { newShadow } from './document.ts'
import { type Draft, EMPTY, setKey } from './json-tree.ts'
import { withoutNulls } from './merge-patch.ts'

const MERGE = { fresh: withoutNulls, nullRemoves: true }

/**
 * Mirrors measured values into the reported section: the hot path of telemetry.
 *
 * Shape:  `values` is flat and already validated; `at` is in epoch seconds.
 * Result: the same as an update with `{reported: values}`, without the ceremony of a request: no size limit is looked
 *         at. A reported section in which nothing changes stays the same object, as does every untouched subtree. A
 *         tombstone comes to life and goes on counting: whoever forgets old tombstones does it before.
 */
export function reportValues(
  current: ShadowDocument | undefined,
  values: JsonObject,
  at: number,
): ShadowDocument {
  const document = current ?? newShadow(at)
  const before = document.reported ?? EMPTY
  const leaf = { timestamp: at }
  const stamped = document.metadata.reported ?? EMPTY
  let stamps: Draft | undefined
  let reported: Draft | undefined
  let some = false
  for (const key in values) {
    const value = values[key]
    // Nulls delete and objects merge: those take the general way.
    if (value === undefined || typeof value === 'object') return general(document, values, at)
    some = true
    // A device that speaks many times within a second has its stamps already.
    if (!isStamped(stamped[key], at)) {
      stamps ??= { ...stamped }
      setKey(stamps, key, leaf)
    }
    if (before[key] === value) continue
    reported ??= { ...before }
    setKey(reported, key, value)
  }
  if (!some || document.deletedAt !== undefined) return general(document, values, at)
  return {
    ...document,
    reported: reported ?? before,
    metadata: stamps === undefined ? document.metadata : { ...document.metadata, reported: stamps },
    version: document.version + 1,
    reportedVersion: document.reportedVersion + 1,
    updatedAt: at,
  }
}

/** Whether this is the stamp of a single value, and of this second. */
function isStamped(stamp: Json | undefined, at: number): boolean {
  return isJsonObject(stamp) && stamp['timestamp'] === at
}

function general(document: ShadowDocument, values: JsonObject, at: number): ShadowDocument {
  return applyPatch(document, { reported: values }, { at, merge: MERGE })
}
