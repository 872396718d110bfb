import type { Json, JsonObject } from '../model/json.ts'
import type { ShadowDocument } from '../model/shadow.ts'
import { shadowDelta } from './delta.ts'
import { isAlive } from './document.ts'
import { EMPTY } from './json-tree.ts'
import { selectMetadata, stampTree } from './metadata.ts'

/** The desired and reported sections, those that are there. */
export function stateBody({ desired, reported }: ShadowDocument): JsonObject {
  return {
    ...(desired === undefined ? {} : { desired }),
    ...(reported === undefined ? {} : { reported }),
  }
}

/** What differs and the stamps of the wish; `undefined` if nothing does. */
export function deltaBody(
  document: ShadowDocument,
): { state: JsonObject; metadata: JsonObject } | undefined {
  const state = shadowDelta(document.desired, document.reported)
  if (state === undefined) return undefined
  return { state, metadata: selectMetadata(document.metadata.desired ?? EMPTY, state) }
}

/** One side of a documents message. */
export function snapshotBody(document: ShadowDocument): JsonObject {
  return { state: stateBody(document), metadata: document.metadata, version: document.version }
}

/** What a change is told with. */
export interface Told {
  /** Epoch s. */
  readonly at: number
  readonly clientToken?: string | undefined
}

/** What everybody is told of a change: all that differs now, if something does, and the document before and after. */
export function changeBodies(
  before: ShadowDocument | undefined,
  after: ShadowDocument,
  { at, clientToken }: Told,
): { readonly delta?: JsonObject; readonly documents: JsonObject } {
  const token = clientToken === undefined ? {} : { clientToken }
  const delta = deltaBody(after)
  return {
    ...(delta === undefined
      ? {}
      : { delta: { version: after.version, timestamp: at, ...delta, ...token } }),
    documents: {
      previous: isAlive(before) ? snapshotBody(before) : null,
      current: snapshotBody(after),
      timestamp: at,
      ...token,
    },
  }
}

/** The answer to an update: what it asked for. A removed key is stamped like a written one, a cleared section or state as a whole. */
export function acceptedBody(
  state: Json,
  { version }: Pick<ShadowDocument, 'version'>,
  { at, clientToken }: Told,
): JsonObject {
  return {
    state,
    metadata: stampTree(state, { timestamp: at }),
    version,
    timestamp: at,
    ...(clientToken === undefined ? {} : { clientToken }),
  }
}
