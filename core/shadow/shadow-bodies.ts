import type { JsonObject } from '../model/json.ts'
import type { ShadowDocument } from '../model/shadow.ts'
import { shadowDelta } from './delta.ts'
import { EMPTY } from './json-tree.ts'
import { selectMetadata } from './metadata.ts'

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
