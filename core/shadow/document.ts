import type { ShadowDocument } from '../model/shadow.ts'
import type { ShadowDialect } from './shadow-dialect.ts'

/** The stamp of one value, shared by all values that one update writes. */
export type Leaf = {
  readonly timestamp: number
}

/** The document before its first update. */
export function newShadow(at: number): ShadowDocument {
  return { metadata: {}, version: 0, desiredVersion: 0, reportedVersion: 0, updatedAt: at }
}

/** Whether the shadow exists for its users: stored and not deleted. */
export function isAlive(document: ShadowDocument | undefined): document is ShadowDocument {
  return document !== undefined && document.deletedAt === undefined
}

/** Whether a tombstone has been kept long enough: a new shadow counts from 1 again. `at` is in epoch seconds. */
export function isForgotten(
  document: ShadowDocument,
  at: number,
  dialect: Pick<ShadowDialect, 'tombstoneSeconds'>,
): boolean {
  return document.deletedAt !== undefined && at - document.deletedAt > dialect.tombstoneSeconds
}
