import type { Json, JsonObject } from '../model/json.ts'
import type { ShadowDocument } from '../model/shadow.ts'
import { type Lifetimes, settleLifetimes } from './desired-lifetime.ts'
import { EMPTY, isEmpty } from './json-tree.ts'
import { type MergeRules, mergeObjects } from './merge-patch.ts'
import { markTree, patchMetadata, stampTree } from './metadata.ts'

/** A merge patch for each section; `null` removes the section, absent leaves it. */
export type SectionPatches = {
  readonly desired?: JsonObject | null
  readonly reported?: JsonObject | null
  readonly tags?: JsonObject | null
}

/** What an update is applied with. */
export interface PatchOptions extends Lifetimes {
  /** Epoch s. */
  readonly at: number
  readonly merge: MergeRules
}

/** The document after a patch that is already known to be valid: sections, metadata, versions and expiries. */
export function applyPatch(
  current: ShadowDocument,
  patches: SectionPatches,
  options: PatchOptions,
): ShadowDocument {
  const leaf = { timestamp: options.at }
  const stamp = (value: Json): Json => stampTree(value, leaf)
  const desiredVersion = current.desiredVersion + (patches.desired === undefined ? 0 : 1)
  const desired = patchSection(section(current, 'desired'), patches.desired, stamp, options.merge)
  const reported = patchSection(
    section(current, 'reported'),
    patches.reported,
    stamp,
    options.merge,
  )
  const versions = patchVersions(current, desired?.state, patches.desired, desiredVersion)
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
    desiredVersion,
    reportedVersion: current.reportedVersion + (patches.reported === undefined ? 0 : 1),
    updatedAt: options.at,
    ...(current.ownerVersion === undefined ? {} : { ownerVersion: current.ownerVersion }),
    ...(versions === undefined ? {} : { desiredVersions: versions }),
    ...(desired === undefined || current.wishes === undefined ? {} : { wishes: current.wishes }),
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
  stamp: (value: Json) => Json,
  merge: MergeRules,
): Section | undefined {
  if (patch === undefined) return current
  if (patch === null) return undefined
  const before = current?.state ?? EMPTY
  const after = mergeObjects(before, patch, merge)
  if (isEmpty(after)) return undefined
  return {
    state: after,
    metadata: patchMetadata(current?.metadata ?? EMPTY, { before, after, patch }, stamp),
  }
}

function patchVersions(
  current: ShadowDocument,
  after: JsonObject | undefined,
  patch: JsonObject | null | undefined,
  version: number,
): JsonObject | undefined {
  if (after === undefined) return undefined
  const versions = current.desired === undefined ? undefined : current.desiredVersions
  if (patch === undefined || patch === null) return versions
  const changed = { before: current.desired ?? EMPTY, after, patch }
  return patchMetadata(versions ?? EMPTY, changed, (value) => markTree(value, version))
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
