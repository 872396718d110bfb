import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import type { ShadowDocument } from '../model/shadow.ts'
import { isAlive, newShadow } from './document.ts'
import { type Draft, EMPTY, own, setKey } from './json-tree.ts'
import { newestMark, newestStamp } from './metadata.ts'
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

/** The twin as the back end gets it, except for what the registry knows of the device. */
export function twinForBackEnd(
  document: ShadowDocument | undefined,
  dialect: TwinDialect,
): JsonObject {
  const twin = isAlive(document) ? document : newShadow(0)
  const { metadata, updatedAt } = twin
  const device = twinForDevice(twin, dialect)
  const parent = { at: updatedAt, version: twin.desiredVersion }
  const { firstVersion } = dialect
  const versions = twin.desiredVersions
  const numbered = versions === undefined ? undefined : { versions, firstVersion }
  const desired = twinMetadata(twin.desired ?? EMPTY, metadata.desired, parent, numbered)
  const reported = twinMetadata(twin.reported ?? EMPTY, metadata.reported, parent, undefined)
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

/** The versions that wrote the values of a part of the desired section, and what the dialect counts from. */
interface Versions {
  readonly versions: Json | undefined
  readonly firstVersion: number
}

/**
 * `$lastUpdated`, and where there are versions `$lastUpdatedVersion`, at every level: of an object, the newest below it.
 * What has neither has those of its parent.
 */
function twinMetadata(
  state: Json,
  metadata: Json | undefined,
  parent: { readonly at: number; readonly version: number },
  section: Versions | undefined,
): JsonObject {
  const at = newestStamp(state, metadata) ?? parent.at
  const version = newestMark(section?.versions) ?? parent.version
  const tree: Draft = { $lastUpdated: isoTime(at) }
  if (section !== undefined) tree['$lastUpdatedVersion'] = version + section.firstVersion
  if (!isJsonObject(state)) return tree
  for (const key in state) {
    const value = state[key]
    if (value === undefined) continue
    const below =
      section === undefined ? undefined : { ...section, versions: child(section.versions, key) }
    setKey(tree, key, twinMetadata(value, child(metadata, key), { at, version }, below))
  }
  return tree
}

function child(tree: Json | undefined, key: string): Json | undefined {
  return isJsonObject(tree) ? own(tree, key) : undefined
}

function isoTime(epochSeconds: number): string {
  return new Date(Math.round(epochSeconds * 1_000)).toISOString()
}
