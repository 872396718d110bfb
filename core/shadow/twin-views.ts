import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import type { ShadowDocument } from '../model/shadow.ts'
import { isAlive, newShadow } from './document.ts'
import { type Draft, EMPTY, own, setKey } from './json-tree.ts'
import { newestStamp } from './metadata.ts'
import type { TwinDialect } from './twin-dialect.ts'
import { twinVersion } from './update-twin.ts'

/** The twin as its device gets it: both sections with `$version`, without tags. A twin is there from the start. */
export function twinForDevice(
  document: ShadowDocument | undefined,
  dialect: TwinDialect,
): JsonObject {
  const { desired, reported, desiredVersion, reportedVersion } = isAlive(document)
    ? document
    : newShadow(0)
  return {
    desired: { ...desired, $version: desiredVersion + dialect.firstVersion },
    reported: { ...reported, $version: reportedVersion + dialect.firstVersion },
  }
}

/**
 * The twin as the back end gets it, except for what the registry knows of the device.
 *
 * Total: the stored stamps do not tell `$lastUpdatedVersion`, so there is none.
 */
export function twinForBackEnd(
  document: ShadowDocument | undefined,
  dialect: TwinDialect,
): JsonObject {
  const twin = isAlive(document) ? document : newShadow(0)
  const { metadata, updatedAt } = twin
  const device = twinForDevice(twin, dialect)
  const desired = twinMetadata(twin.desired ?? EMPTY, metadata.desired, updatedAt)
  const reported = twinMetadata(twin.reported ?? EMPTY, metadata.reported, updatedAt)
  return {
    version: twinVersion(twin, dialect),
    tags: twin.tags ?? EMPTY,
    properties: {
      desired: withMetadata(device['desired'], desired),
      reported: withMetadata(device['reported'], reported),
    },
  }
}

function withMetadata(section: Json | undefined, metadata: JsonObject): JsonObject {
  return isJsonObject(section) ? { ...section, $metadata: metadata } : { $metadata: metadata }
}

/** `$lastUpdated` at every level: of an object, the newest below it. What has no stamp has that of its parent. */
function twinMetadata(state: JsonObject, metadata: Json | undefined, parentAt: number): JsonObject {
  const at = newestStamp(state, metadata) ?? parentAt
  const tree: Draft = { $lastUpdated: isoTime(at) }
  for (const key in state) {
    const value = state[key]
    if (value === undefined) continue
    const stored = isJsonObject(metadata) ? own(metadata, key) : undefined
    const child = isJsonObject(value)
      ? twinMetadata(value, stored, at)
      : { $lastUpdated: isoTime(newestStamp(value, stored) ?? at) }
    setKey(tree, key, child)
  }
  return tree
}

function isoTime(epochSeconds: number): string {
  return new Date(Math.round(epochSeconds * 1_000)).toISOString()
}
