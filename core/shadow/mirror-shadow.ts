import { isJsonObject, type JsonObject } from '../model/json.ts'
import type { ShadowDocument } from '../model/shadow.ts'
import { applyPatch } from './apply-patch.ts'
import { newShadow } from './document.ts'
import { mergeDiff } from './merge-diff.ts'
import { type MergeRules, mergeObjects } from './merge-patch.ts'
import type { ShadowDialect } from './shadow-dialect.ts'

/** A shadow as the cloud that owns it has it. */
export interface OwnersShadow {
  readonly state: {
    readonly desired?: JsonObject
    readonly reported?: JsonObject
    /** Left as they are where the owner says nothing of them. */
    readonly tags?: JsonObject
  }
  /** The owner's own count of changes. */
  readonly version: number
  /** True: `state` is only what changed since the version before, null for what is gone. */
  readonly partial?: boolean
}

export interface MirrorOptions {
  /** Epoch s. */
  readonly at: number
  readonly dialect: ShadowDialect
  /** Reported values that are kept by measuring: the owner knows nothing of them, and does not take them away. */
  readonly measured?: Readonly<Record<string, unknown>> | undefined
}

/**
 * Brings our copy of a shadow to what its owner has.
 *
 * Result: the same object if the owner's document is older than the one seen last, or was seen before.
 */
export function mirrorShadow(
  current: ShadowDocument | undefined,
  owners: OwnersShadow,
  { at, dialect, measured }: MirrorOptions,
): ShadowDocument {
  const base = current ?? newShadow(at)
  const { version, partial = false } = owners
  if (version <= (base.ownerVersion ?? 0)) return base
  const { desired, reported, tags } = partial
    ? afterChange(base, owners.state, dialect.merge)
    : owners.state
  const difference = {
    desired: mergeDiff(base.desired ?? {}, desired ?? {}),
    reported: mergeDiff(
      partial ? (base.reported ?? {}) : ownPart(base.reported, reported, measured),
      reported ?? {},
    ),
    tags: tags === undefined ? {} : mergeDiff(base.tags ?? {}, tags),
  }
  const patch = {
    ...(isEmpty(difference.desired) ? {} : { desired: difference.desired }),
    ...(isEmpty(difference.reported) ? {} : { reported: difference.reported }),
    ...(isEmpty(difference.tags) ? {} : { tags: difference.tags }),
  }
  const changed = isEmpty(patch) ? base : applyPatch(base, patch, { at, merge: dialect.merge })
  return { ...changed, ownerVersion: version }
}

/** What the owner has now, by what it says that has changed. */
function afterChange(
  base: ShadowDocument,
  { desired = {}, reported = {}, tags }: OwnersShadow['state'],
  merge: MergeRules,
): OwnersShadow['state'] {
  return {
    desired: mergeObjects(base.desired ?? {}, desired, merge),
    reported: mergeObjects(base.reported ?? {}, reported, merge),
    ...(tags === undefined ? {} : { tags: mergeObjects(base.tags ?? {}, tags, merge) }),
  }
}

/** What we have as reported, without values of measuring that the owner does not have. */
function ownPart(
  ours: JsonObject | undefined,
  owners: JsonObject | undefined,
  measured: Readonly<Record<string, unknown>> | undefined,
): JsonObject {
  if (ours === undefined || measured === undefined) return ours ?? {}
  return Object.fromEntries(
    Object.entries(ours).filter(
      ([key, value]) =>
        isJsonObject(value) ||
        !Object.hasOwn(measured, key) ||
        (owners !== undefined && Object.hasOwn(owners, key)),
    ),
  )
}

function isEmpty(object: object): boolean {
  return Object.keys(object).length === 0
}
