import type { JsonObject } from '../model/json.ts'
import type { ShadowDocument } from '../model/shadow.ts'
import { isAlive } from './document.ts'
import { reject, type ShadowRejection } from './rejection.ts'
import { deltaBody, stateBody } from './shadow-bodies.ts'
import type { ShadowDialect } from './shadow-dialect.ts'
import type { RefusedShadow } from './update-shadow.ts'

/** What a get or delete is done with. */
export interface QueryOptions {
  /** Epoch s. */
  readonly at: number
  readonly dialect: ShadowDialect
  /** '' is the classic shadow. */
  readonly name: string
  /** For the texts; '' where it is not known. */
  readonly thingName?: string | undefined
  readonly clientToken?: string | undefined
}

/** The answer to a question. */
export type ShadowAnswer = { readonly accepted: JsonObject } | RefusedShadow

/**
 * The whole document with its delta.
 *
 * Source: AWS IoT developer guide, device-shadow-document. Its example has `metadata.delta`; that the service sends
 *         it is not verified.
 */
export function getShadow(
  document: ShadowDocument | undefined,
  options: QueryOptions,
): ShadowAnswer {
  if (!isAlive(document)) return { rejected: notFound(options) }
  const delta = deltaBody(document)
  const state = stateBody(document)
  return {
    accepted: {
      state: delta === undefined ? state : { ...state, delta: delta.state },
      metadata:
        delta === undefined ? document.metadata : { ...document.metadata, delta: delta.metadata },
      version: document.version,
      timestamp: options.at,
      ...token(options),
    },
  }
}

/** What became of a deletion: the tombstone to store, and the answer. */
export type ShadowDeletion =
  | { readonly document: ShadowDocument; readonly accepted: JsonObject }
  | RefusedShadow

/** Deletes a shadow. The tombstone keeps its versions, so that a new one goes on counting. */
export function deleteShadow(
  document: ShadowDocument | undefined,
  options: QueryOptions,
): ShadowDeletion {
  if (!isAlive(document)) return { rejected: notFound(options) }
  const { version, desiredVersion, reportedVersion } = document
  const { at } = options
  return {
    document: {
      metadata: {},
      version,
      desiredVersion,
      reportedVersion,
      updatedAt: at,
      deletedAt: at,
    },
    accepted: { version, timestamp: at, ...token(options) },
  }
}

/** What a listing is done with. */
export interface ListOptions {
  /** Epoch s. */
  readonly at: number
  readonly dialect: ShadowDialect
  readonly pageSize?: number | undefined
  /** As the page before returned it. */
  readonly nextToken?: string | undefined
}

/** The names of a device's named shadows in order, a page at a time. The classic shadow is not among them. */
export function listNamedShadows(
  shadows: Iterable<readonly [string, ShadowDocument]>,
  options: ListOptions,
): ShadowAnswer {
  const { at, dialect, nextToken } = options
  const pageSize = options.pageSize ?? dialect.page.usual
  if (
    !Number.isInteger(pageSize) ||
    pageSize < dialect.page.smallest ||
    pageSize > dialect.page.largest
  ) {
    return { rejected: reject(dialect.rejections.invalidPage, { at }) }
  }
  const names: string[] = []
  for (const [name, document] of shadows) {
    if (name !== '' && isAlive(document) && (nextToken === undefined || name > nextToken))
      names.push(name)
  }
  const results = names.sort().slice(0, pageSize)
  const last = results.at(-1)
  const more = names.length > results.length && last !== undefined ? { nextToken: last } : {}
  return { accepted: { results, ...more, timestamp: at } }
}

/** Captures of the service name a classic shadow by its thing and a named one `thing~shadow`. */
function notFound(options: QueryOptions): ShadowRejection {
  const text = options.dialect.rejections.notFound
  const parts = [options.thingName, options.name].filter(
    (part) => part !== undefined && part !== '',
  )
  return reject({ ...text, message: `${text.message}: '${parts.join('~')}'` }, options)
}

function token({ clientToken }: QueryOptions): JsonObject {
  return clientToken === undefined ? {} : { clientToken }
}
