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
  /** Where a cloud owns the shadow and this is a copy: the owner's own version of it. */
  readonly ownerVersion?: number
  /**
   * The `desiredVersion` that last wrote each value.
   *
   * Shape: the tree of the section with a number in place of all that is not an object with keys.
   */
  readonly desiredVersions?: JsonObject
  /** What else is known of the updates that wrote desired values, by their `desiredVersion`. */
  readonly wishes?: Readonly<Record<string, Wish>>
  /** When a desired value stops being wanted, by JSON pointer into `desired`. */
  readonly expires?: Readonly<Record<string, number>>
  /** Set in a tombstone: the shadow is gone, its version is remembered. */
  readonly deletedAt?: number
}

/** One change of a shadow, kept for people who ask what happened. `at` is in epoch seconds. */
export interface LoggedChange {
  /** '' is the classic one. */
  readonly name: string
  readonly version: number
  readonly at: number
  /** Who wanted it, where somebody did. */
  readonly by?: string
  readonly desired?: SectionChange
  readonly reported?: SectionChange
  readonly deleted?: true
}

/** What changed in a section: the merge patch, or, if it is long, the first names of its values. */
export interface SectionChange {
  readonly patch?: JsonObject
  readonly names?: readonly string[]
}

/** One update of the desired section. */
export interface Wish {
  /** Who wants it, in words for people: `admin`, `rule night-mode`. */
  readonly by?: string
  /** Its values go as soon as the device reports them. */
  readonly once?: true
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
