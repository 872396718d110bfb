import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import type { ShadowDocument } from '../model/shadow.ts'
import { shadowDelta } from './delta.ts'
import { EMPTY, isEmpty, own, pointerStep } from './json-tree.ts'
import { newestMark, newestStamp } from './metadata.ts'

/** One value that is wanted and not reported. Times are epoch seconds; `undefined` where nothing was stamped. */
export interface DeltaLeaf {
  /** JSON pointer into the desired section. Source: RFC 6901. */
  readonly pointer: string
  readonly desired: Json
  readonly wantedSince: number | undefined
  /** Who wanted it, in words for people; `undefined` if that was not told. */
  readonly wantedBy: string | undefined
  /** When it stops being wanted, if it does. */
  readonly expiresAt: number | undefined
  /** `undefined`: the device never reported it, or removed it. */
  readonly reported: Json | undefined
  readonly reportedAt: number | undefined
}

/** Why there is a delta: every value of it, who wants it and since when, and what the device said last. */
export function explainDelta(document: ShadowDocument): readonly DeltaLeaf[] {
  const delta = shadowDelta(document.desired, document.reported)
  if (delta === undefined) return []
  const leaves: DeltaLeaf[] = []
  const wanted = document.metadata.desired ?? EMPTY
  const said = document.metadata.reported ?? EMPTY
  const versions = document.desiredVersions
  const level = { delta, wanted, versions, reported: document.reported ?? EMPTY, said }
  collect(leaves, '', level, document)
  return leaves
}

/** A part of the delta beside what belongs to it; each may be anything where the device reports another shape. */
interface Level {
  readonly delta: JsonObject
  readonly wanted: Json | undefined
  readonly versions: Json | undefined
  readonly reported: Json | undefined
  readonly said: Json | undefined
}

function collect(
  leaves: DeltaLeaf[],
  path: string,
  level: Level,
  facts: Pick<ShadowDocument, 'wishes' | 'expires'>,
): void {
  for (const key in level.delta) {
    const desired = level.delta[key]
    if (desired === undefined) continue
    const pointer = path + pointerStep(key)
    const wanted = child(level.wanted, key)
    const versions = child(level.versions, key)
    const reported = child(level.reported, key)
    const said = child(level.said, key)
    if (
      isJsonObject(desired) &&
      !isEmpty(desired) &&
      (reported === undefined || isJsonObject(reported))
    ) {
      collect(leaves, pointer, { delta: desired, wanted, versions, reported, said }, facts)
    } else {
      const wantedSince = newestStamp(desired, wanted)
      const reportedAt = reported === undefined ? undefined : newestStamp(reported, said)
      const wantedBy = facts.wishes?.[newestMark(versions) ?? 0]?.by
      const expiresAt = facts.expires?.[pointer]
      leaves.push({ pointer, desired, wantedSince, wantedBy, expiresAt, reported, reportedAt })
    }
  }
}

function child(value: Json | undefined, key: string): Json | undefined {
  return isJsonObject(value) ? own(value, key) : undefined
}
