import type { Match } from './etag.ts'

const EMPTY_OBJECT = /^\s*\{\s*\}\s*$/

/**
 * An update that is refused unless the shadow has this version: the field `version` of AWS shadows says so inside the
 * step, so that nobody comes between. What the sender says himself stands after it, and counts.
 */
export function withVersion(body: Uint8Array, version: number): Uint8Array {
  const text = new TextDecoder().decode(body)
  const field = `{"version":${version}`
  const made = EMPTY_OBJECT.test(text) ? `${field}}` : text.replace(/^\s*\{/, `${field},`)
  return new TextEncoder().encode(made)
}

/** The version that a change is meant for, of those that would do; `undefined` if the one that is there is none of them. */
export function wantedVersion(match: Match, version: number | undefined): number | undefined {
  if (version === undefined) return undefined
  return match === '*' || match.includes(version) ? version : undefined
}
