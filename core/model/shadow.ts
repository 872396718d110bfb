import type { JsonObject } from './json.ts'

/**
 * One shadow as it is stored. The dialects only read and write it in their own words.
 *
 * Unit: every time is in epoch seconds. A section without keys is absent.
 */
export interface ShadowDocument {
  readonly desired?: JsonObject
  readonly reported?: JsonObject
  /** Only the back end sees and sets these. */
  readonly tags?: JsonObject
  readonly metadata: ShadowMetadata
  /** Counts accepted updates of any section, and goes on counting for a while after a deletion. */
  readonly version: number
  /** Counts accepted updates of one section, for the dialects that number sections. */
  readonly desiredVersion: number
  readonly reportedVersion: number
  readonly updatedAt: number
  /** When a desired value stops being wanted, by JSON pointer into `desired`. */
  readonly expires?: Readonly<Record<string, number>>
  /** Set in a tombstone: the shadow is gone, its version is remembered. */
  readonly deletedAt?: number
}

/**
 * When each value was last written.
 *
 * Shape: the tree of the section with `{timestamp}` (epoch s) in place of every scalar; arrays element by element.
 */
export type ShadowMetadata = {
  readonly desired?: JsonObject
  readonly reported?: JsonObject
}
