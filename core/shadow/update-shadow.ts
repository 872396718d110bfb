import type { JsonObject } from '../model/json.ts'
import type { ShadowDocument } from '../model/shadow.ts'
import { applyPatch } from './apply-patch.ts'
import type { Lifetimes } from './desired-lifetime.ts'
import { isAlive, isForgotten, newShadow } from './document.ts'
import { jsonBytes } from './json-tree.ts'
import { stampTree } from './metadata.ts'
import { type RejectionReason, reject, type ShadowRejection } from './rejection.ts'
import { deltaBody, snapshotBody } from './shadow-bodies.ts'
import type { ShadowDialect } from './shadow-dialect.ts'
import type { ShadowUpdate } from './shadow-request.ts'

/** What an update is done with. */
export interface UpdateOptions extends Lifetimes {
  /** Epoch s. */
  readonly at: number
  readonly dialect: ShadowDialect
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
  if (stateBytes(document) > dialect.maxStateBytes) return refuse('tooLarge')
  const { version } = document
  const token = clientToken === undefined ? {} : { clientToken }
  const delta = deltaBody(document)
  return {
    document,
    // A removed key is stamped like a written one, a cleared section or state as a whole.
    accepted: {
      state,
      metadata: stampTree(state, { timestamp: at }),
      version,
      timestamp: at,
      ...token,
    },
    ...(delta === undefined ? {} : { delta: { version, timestamp: at, ...delta, ...token } }),
    documents: {
      previous: isAlive(base) ? snapshotBody(base) : null,
      current: snapshotBody(document),
      timestamp: at,
      ...token,
    },
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

function stateBytes({ desired, reported }: ShadowDocument): number {
  return (
    (desired === undefined ? 0 : jsonBytes(desired)) +
    (reported === undefined ? 0 : jsonBytes(reported))
  )
}
