import type { JsonObject } from '../model/json.ts'
import type { ShadowDocument } from '../model/shadow.ts'
import { settleLifetimes } from './desired-lifetime.ts'
import type { Leaf } from './document.ts'
import { EMPTY, isEmpty } from './json-tree.ts'
import { type MergeRules, mergeObjects } from './merge-patch.ts'
import { patchMetadata } from './metadata.ts'

/** A merge patch for each section; `null` removes the section, absent leaves it. */
export type SectionPatches = {
  readonly desired?: JsonObject | null
  readonly reported?: JsonObject | null
  readonly tags?: JsonObject | null
}

/** What an update is applied with. */
export interface PatchOptions {
  /** Epoch s. */
  readonly at: number
  readonly merge: MergeRules
  /** When the desired values of this update stop being wanted, epoch s. Without it they stay. */
  readonly expiresAt?: number | undefined
  /** Drops a desired value as soon as the device reports it. */
  readonly clearReached?: boolean | undefined
}

/** The document after a patch that is already known to be valid: sections, metadata, versions and expiries. */
export function applyPatch(
  current: ShadowDocument,
  patches: SectionPatches,
  options: PatchOptions,
): ShadowDocument {
  const leaf = { timestamp: options.at }
  const desired = patchSection(section(current, 'desired'), patches.desired, leaf, options.merge)
  const reported = patchSection(section(current, 'reported'), patches.reported, leaf, options.merge)
  const tags =
    patches.tags === undefined ? current.tags : mergeTags(current.tags, patches.tags, options.merge)
  const next: ShadowDocument = {
    ...(desired === undefined ? {} : { desired: desired.state }),
    ...(reported === undefined ? {} : { reported: reported.state }),
    ...(tags === undefined ? {} : { tags }),
    metadata: {
      ...(desired === undefined ? {} : { desired: desired.metadata }),
      ...(reported === undefined ? {} : { reported: reported.metadata }),
    },
    version: current.version + 1,
    desiredVersion: current.desiredVersion + (patches.desired === undefined ? 0 : 1),
    reportedVersion: current.reportedVersion + (patches.reported === undefined ? 0 : 1),
    updatedAt: options.at,
    ...(current.expires === undefined ? {} : { expires: current.expires }),
  }
  return settleLifetimes(next, patches.desired, options)
}

/** A section that is there: its values and their stamps. */
interface Section {
  readonly state: JsonObject
  readonly metadata: JsonObject
}

function section(document: ShadowDocument, name: 'desired' | 'reported'): Section | undefined {
  const state = document[name]
  return state === undefined ? undefined : { state, metadata: document.metadata[name] ?? EMPTY }
}

function patchSection(
  current: Section | undefined,
  patch: JsonObject | null | undefined,
  leaf: Leaf,
  merge: MergeRules,
): Section | undefined {
  if (patch === undefined) return current
  if (patch === null) return undefined
  const before = current?.state ?? EMPTY
  const after = mergeObjects(before, patch, merge)
  if (isEmpty(after)) return undefined
  return {
    state: after,
    metadata: patchMetadata(current?.metadata ?? EMPTY, { before, after, patch }, leaf),
  }
}

function mergeTags(
  tags: JsonObject | undefined,
  patch: JsonObject | null,
  merge: MergeRules,
): JsonObject | undefined {
  if (patch === null) return undefined
  const merged = mergeObjects(tags ?? EMPTY, patch, merge)
  return isEmpty(merged) ? undefined : merged
}
