import { isJsonObject, type Json } from '../model/json.ts'
import { isDeeperThan } from './json-tree.ts'
import { mergeObjects } from './merge-patch.ts'
import { depthFault } from './twin-check.ts'
import type { TwinDialect } from './twin-dialect.ts'
import type { RefusedTwin } from './update-twin.ts'

/** What a merge is done with. */
export interface MergeTwinOptions {
  readonly dialect: TwinDialect
  /** False: nulls are kept, as when two patches are folded into one. Usually true. */
  readonly nullRemoves?: boolean
}

/** Merges a patch into a section as the system does; refuses what is nested deeper than a twin may be. */
export function mergeTwin(
  target: Json,
  patch: Json,
  options: MergeTwinOptions,
): { readonly result: Json } | RefusedTwin {
  const { dialect, nullRemoves = dialect.merge.nullRemoves } = options
  const levels = dialect.maxDepth + 1
  if (isDeeperThan(target, levels) || isDeeperThan(patch, levels)) {
    return { rejected: { code: 400, message: depthFault(dialect) } }
  }
  if (!isJsonObject(target) || !isJsonObject(patch)) return { result: patch }
  return { result: mergeObjects(target, patch, { ...dialect.merge, nullRemoves }) }
}
