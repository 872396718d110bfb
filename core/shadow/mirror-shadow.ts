import { isJsonObject, type JsonObject } from '../model/json.ts'
import type { ShadowDocument } from '../model/shadow.ts'
import { applyPatch } from './apply-patch.ts'
import { newShadow } from './document.ts'
import { mergeDiff } from './merge-diff.ts'
import type { ShadowDialect } from './shadow-dialect.ts'

/** A shadow as the cloud that owns it has it. */
export interface OwnersShadow {
  readonly state: { readonly desired?: JsonObject; readonly reported?: JsonObject }
  /** The owner's own count of changes. */
  readonly version: number
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
  { state, version }: OwnersShadow,
  { at, dialect, measured }: MirrorOptions,
): ShadowDocument {
  const base = current ?? newShadow(at)
  if (version <= (base.ownerVersion ?? 0)) return base
  const desired = mergeDiff(base.desired ?? {}, state.desired ?? {})
  const reported = mergeDiff(ownPart(base.reported, state.reported, measured), state.reported ?? {})
  const patch = {
    ...(isEmpty(desired) ? {} : { desired }),
    ...(isEmpty(reported) ? {} : { reported }),
  }
  const changed = isEmpty(patch) ? base : applyPatch(base, patch, { at, merge: dialect.merge })
  return { ...changed, ownerVersion: version }
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
