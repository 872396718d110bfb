import { isJsonObject, type JsonObject } from '../model/json.ts'
import { own } from './json-tree.ts'
import { mergePatch } from './merge-patch.ts'

/** What became of a notification. */
export type FollowedDesired =
  | { readonly status: 'applied'; readonly section: JsonObject }
  /** Older than what is known: nothing to do. */
  | { readonly status: 'stale' }
  /** One before it was lost: read the twin again. */
  | { readonly status: 'gap' }

/**
 * Takes a notification about desired properties into the section known so far; both have `$version`.
 *
 * Source: learn.microsoft.com, iot-hub-devguide-device-twins, "Device reconnection flow".
 */
export function followDesired(section: JsonObject, notification: JsonObject): FollowedDesired {
  const known = version(section)
  const told = version(notification)
  if (told <= known) return { status: 'stale' }
  if (told > known + 1) return { status: 'gap' }
  const merged = mergePatch(section, notification)
  return isJsonObject(merged) ? { status: 'applied', section: merged } : { status: 'gap' }
}

function version(section: JsonObject): number {
  const value = own(section, '$version')
  return typeof value === 'number' ? value : 0
}
