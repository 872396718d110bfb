import { isJsonObject, type JsonObject } from '../model/json.ts'
import type { ShadowDocument } from '../model/shadow.ts'
import { applyPatch, type SectionPatches } from './apply-patch.ts'
import type { Lifetimes } from './desired-lifetime.ts'
import { isAlive, newShadow } from './document.ts'
import { EMPTY, omit } from './json-tree.ts'
import { mergeDiff } from './merge-diff.ts'
import { parseBody } from './parse-body.ts'
import { sizeFault, twinPatchFault } from './twin-check.ts'
import type { TwinDialect } from './twin-dialect.ts'

/** Why a twin request is refused. */
export type TwinRejection = {
  readonly code: number
  readonly message: string
}

/** A refusal is a value. */
export type RefusedTwin = {
  readonly rejected: TwinRejection
}

/** What is to be written. Who may write which section is for the caller to know. */
export interface TwinUpdate {
  readonly patches: SectionPatches
  /** True: the sections named take the place of the old ones. */
  readonly replace?: boolean
  /** The version of the whole twin that must be the current one (If-Match). */
  readonly version?: number
}

/** What an update is done with. */
export interface TwinOptions extends Lifetimes {
  /** Epoch s. */
  readonly at: number
  readonly dialect: TwinDialect
}

/** The next document and what is told of it. */
export interface UpdatedTwin {
  readonly document: ShadowDocument
  /** `$version` of the reported section: the answer to the device. */
  readonly reportedVersion: number
  /** What the device is told: the change of its desired section with the new `$version`; absent if it was not named. */
  readonly desiredNotification?: JsonObject
}

/** What became of an update. */
export type TwinChange = UpdatedTwin | RefusedTwin

const SECTIONS = ['desired', 'reported', 'tags'] as const
const SERVICE_KEYS: ReadonlySet<string> = new Set(['$metadata', '$version'])

/** Reads the body of a patch of one section. */
export function parseTwinPatch(
  body: string | Uint8Array,
  dialect: TwinDialect,
): { readonly patch: JsonObject } | RefusedTwin {
  const parsed = parseBody(body, dialect.maxRequestBytes)
  if ('fault' in parsed)
    return refuse(parsed.fault === 'tooLarge' ? 413 : 400, FAULTS[parsed.fault])
  return isJsonObject(parsed.json)
    ? { patch: parsed.json }
    : refuse(400, 'Twin properties must be a JSON object')
}

const FAULTS = {
  tooLarge: 'The request is too large',
  notUtf8: 'The request is not in UTF-8',
  invalidJson: 'The request is not JSON',
}

/**
 * Applies one update of a twin.
 *
 * Total:  judges names, values, depth and sizes. What a back end sends back of a twin that it read (`$metadata`,
 *         `$version` at the top of a section) is no part of the update.
 * Source: learn.microsoft.com, iot-hub-devguide-device-twins.
 */
export function updateTwin(
  current: ShadowDocument | undefined,
  update: TwinUpdate,
  options: TwinOptions,
): TwinChange {
  const { at, dialect } = options
  const base = isAlive(current) ? current : newShadow(at)
  if (update.version !== undefined && update.version !== twinVersion(base, dialect)) {
    return refuse(
      412,
      `Precondition failed: expected version ${twinVersion(base, dialect)}, found ${update.version}`,
    )
  }
  const patches = withoutServiceKeys(update.patches)
  for (const name of SECTIONS) {
    const patch = patches[name]
    const fault = isObject(patch) ? twinPatchFault(patch, dialect) : undefined
    if (fault !== undefined) return refuse(400, fault)
  }
  const document = applyPatch(update.replace === true ? without(base, patches) : base, patches, {
    at,
    merge: dialect.merge,
    expiresAt: options.expiresAt,
    once: options.once,
    by: options.by,
  })
  for (const name of SECTIONS) {
    const bytes = dialect.measure(document[name] ?? EMPTY)
    const limit = dialect.maxSectionBytes[name]
    if (patches[name] !== undefined && bytes > limit) return refuse(400, sizeFault(bytes, limit))
  }
  const told =
    patches.desired === undefined
      ? {}
      : { desiredNotification: notification(base, document, update, dialect) }
  return { document, reportedVersion: document.reportedVersion + dialect.firstVersion, ...told }
}

/** The version of the whole twin, which its ETag stands for. */
export function twinVersion(document: ShadowDocument, dialect: TwinDialect): number {
  return document.version + dialect.firstVersion
}

/** A section without what the service adds at its top. Source: Azure/iotedge `JsonEx.StripMetadata`. */
export function withoutServiceProperties(section: JsonObject): JsonObject {
  return '$metadata' in section || '$version' in section ? omit(section, SERVICE_KEYS) : section
}

function withoutServiceKeys({ desired, reported, tags }: SectionPatches): SectionPatches {
  return {
    ...(desired === undefined ? {} : { desired: desired && withoutServiceProperties(desired) }),
    ...(reported === undefined ? {} : { reported: reported && withoutServiceProperties(reported) }),
    ...(tags === undefined ? {} : { tags }),
  }
}

/** A merge is told as it came; after a replacement, what leads from the old section to the new one. */
function notification(
  before: ShadowDocument,
  after: ShadowDocument,
  { patches, replace }: TwinUpdate,
  dialect: TwinDialect,
): JsonObject {
  const plain = replace !== true && isObject(patches.desired)
  const change = plain
    ? withoutServiceProperties(patches.desired)
    : mergeDiff(before.desired ?? EMPTY, after.desired ?? EMPTY)
  return { ...change, $version: after.desiredVersion + dialect.firstVersion }
}

function without(document: ShadowDocument, patches: SectionPatches): ShadowDocument {
  const { desired, reported, tags, ...rest } = document
  return {
    ...(desired === undefined || patches.desired !== undefined ? {} : { desired }),
    ...(reported === undefined || patches.reported !== undefined ? {} : { reported }),
    ...(tags === undefined || patches.tags !== undefined ? {} : { tags }),
    ...rest,
  }
}

function isObject(value: JsonObject | null | undefined): value is JsonObject {
  return value !== null && value !== undefined
}

function refuse(code: number, message: string): RefusedTwin {
  return { rejected: { code, message } }
}
