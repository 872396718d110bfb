import type { JsonObject } from '../model/json.ts'
import type { ShadowDocument } from '../model/shadow.ts'
import { EMPTY, jsonEqual } from './json-tree.ts'
import { mergeObjects } from './merge-patch.ts'
import type { ShadowDialect } from './shadow-dialect.ts'

/**
 * Whether a wish would leave the desired section other than it is: a value that is desired already does not, nor the
 * removal of one that is not there.
 */
export function changesDesired(
  document: ShadowDocument | undefined,
  wish: JsonObject,
  { merge }: Pick<ShadowDialect, 'merge'>,
): boolean {
  const desired = document?.desired ?? EMPTY
  return !jsonEqual(mergeObjects(desired, wish, merge), desired)
}
