import type { JsonObject } from '../model/json.ts'
import type { ShadowDocument } from '../model/shadow.ts'
import { applyPatch } from './apply-patch.ts'
import type { Lifetimes } from './desired-lifetime.ts'
import { isForgotten, newShadow } from './document.ts'
import { type Draft, jsonBytes, setKey } from './json-tree.ts'
import { type RejectionReason, reject, type ShadowRejection } from './rejection.ts'
import { acceptedBody, changeBodies } from './shadow-bodies.ts'
import type { ShadowDialect } from './shadow-dialect.ts'
import type { ShadowUpdate } from './shadow-request.ts'

/** What an update is done with. */
export interface UpdateOptions extends Lifetimes {
  /** Epoch s. */
  readonly at: number
  readonly dialect: ShadowDialect
  /**
   * Top-level reported values that are kept by measuring and not by updates: they take up no room, so that a device
   * which measures much can still be told what is wanted of it.
   */
  readonly measured?: Readonly<Record<string, unknown>> | undefined
}

/** The next document and the messages that tell of it. Devices expect them in the order delta, documents, accepted. */
export interface UpdatedShadow {
  readonly document: ShadowDocument
  /** Answers the request: what it asked for, and the stamps. */
  readonly accepted: JsonObject
  /** All that differs now; absent if nothing does. */
  readonly delta?: JsonObject
  /** The document before and after. */
  readonly documents: JsonObject
}

/** A refusal is a value. */
export type RefusedShadow = {
  readonly rejected: ShadowRejection
}

/** What became of an update. */
export type ShadowChange = UpdatedShadow | RefusedShadow

/**
 * Applies one update.
 *
 * Total:  judges the limits that need the stored document; the others are judged when the request is read.
 * Source: AWS IoT developer guide, device-shadow-document and device-shadow-mqtt.
 */
export function updateShadow(
  current: ShadowDocument | undefined,
  request: ShadowUpdate,
  options: UpdateOptions,
): ShadowChange {
  const { at, dialect } = options
  const { state, clientToken } = request
  const refuse = (reason: RejectionReason): RefusedShadow => ({
    rejected: reject(dialect.rejections[reason], { at, clientToken }),
  })
  const base = current === undefined || isForgotten(current, at, dialect) ? undefined : current
  const fault = versionFault(base, request.version)
  if (fault !== undefined) return refuse(fault)
  const document = applyPatch(base ?? newShadow(at), state ?? { desired: null, reported: null }, {
    at,
    merge: dialect.merge,
    expiresAt: options.expiresAt,
    once: options.once,
    by: options.by,
  })
  if (isTooLarge(document, options)) return refuse('tooLarge')
  const told = { at, clientToken }
  return {
    document,
    accepted: acceptedBody(state, document, told),
    ...changeBodies(base, document, told),
  }
}

/** Source for a shadow that does not exist: aws-greengrass-shadow-manager `JsonUtil.validatePayload`. */
function versionFault(
  base: ShadowDocument | undefined,
  version: number | undefined,
): RejectionReason | undefined {
  if (version === undefined) return undefined
  if (base === undefined) return version === 1 ? undefined : 'invalidVersion'
  return version === base.version ? undefined : 'versionConflict'
}

function isTooLarge(
  { desired, reported }: ShadowDocument,
  { dialect, measured }: UpdateOptions,
): boolean {
  const wanted = desired === undefined ? 0 : jsonBytes(desired)
  const room = dialect.maxStateBytes - wanted
  if (reported === undefined || jsonBytes(reported) <= room) return room < 0
  return measured === undefined || jsonBytes(withoutMeasured(reported, measured)) > room
}

function withoutMeasured(
  reported: JsonObject,
  measured: Readonly<Record<string, unknown>>,
): JsonObject {
  const rest: Draft = {}
  for (const key in reported) {
    const value = reported[key]
    // What was measured is a scalar; an object of that name is the device's own report.
    if (value !== undefined && (typeof value === 'object' || !Object.hasOwn(measured, key)))
      setKey(rest, key, value)
  }
  return rest
}
