import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import type { ShadowDocument } from '../model/shadow.ts'
import { shadowDelta } from './delta.ts'
import { EMPTY, isEmpty, own, pointerStep } from './json-tree.ts'
import { newestStamp } from './metadata.ts'

/** One value that is wanted and not reported. Times are epoch seconds; `undefined` where nothing was stamped. */
export interface DeltaLeaf {
  /** JSON pointer into the desired section. Source: RFC 6901. */
  readonly pointer: string
  readonly desired: Json
  readonly wantedSince: number | undefined
  /** `undefined`: the device never reported it, or removed it. */
  readonly reported: Json | undefined
  readonly reportedAt: number | undefined
}

/** Why there is a delta: every value of it, since when it is wanted, and what the device said last. */
export function explainDelta(document: ShadowDocument): readonly DeltaLeaf[] {
  const delta = shadowDelta(document.desired, document.reported)
  if (delta === undefined) return []
  const leaves: DeltaLeaf[] = []
  const wanted = document.metadata.desired ?? EMPTY
  const said = document.metadata.reported ?? EMPTY
  collect(leaves, '', { delta, wanted, reported: document.reported ?? EMPTY, said })
  return leaves
}

/** A part of the delta beside what belongs to it; each may be anything where the device reports another shape. */
interface Level {
  readonly delta: JsonObject
  readonly wanted: Json | undefined
  readonly reported: Json | undefined
  readonly said: Json | undefined
}

function collect(leaves: DeltaLeaf[], path: string, level: Level): void {
  for (const key in level.delta) {
    const desired = level.delta[key]
    if (desired === undefined) continue
    const pointer = path + pointerStep(key)
    const wanted = child(level.wanted, key)
    const reported = child(level.reported, key)
    const said = child(level.said, key)
    if (
      isJsonObject(desired) &&
      !isEmpty(desired) &&
      (reported === undefined || isJsonObject(reported))
    ) {
      collect(leaves, pointer, { delta: desired, wanted, reported, said })
    } else {
      const wantedSince = newestStamp(desired, wanted)
      const reportedAt = reported === undefined ? undefined : newestStamp(reported, said)
      leaves.push({ pointer, desired, wantedSince, reported, reportedAt })
    }
  }
}

function child(value: Json | undefined, key: string): Json | undefined {
  return isJsonObject(value) ? own(value, key) : undefined
}
