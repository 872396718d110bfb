import * as z from 'zod/mini'
import { CoreError } from '../../core/index.ts'
import { parseJson, wait } from '../node/web-sender.ts'
import { faultOf, type GcpClient, type GcpResponse, unexpected } from './client.ts'

/** One value of a document, of the kinds that we use. Binary is base64. */
export type Value =
  | { readonly stringValue: string }
  | { readonly doubleValue: number }
  | { readonly bytesValue: string }
  | { readonly timestampValue: string }
export type Fields = Readonly<Record<string, Value>>

/** A document as it is stored. */
export interface Document {
  /** Within the database. Shape: `devices/d1`. */
  readonly path: string
  readonly fields: Fields
  /** Names this state of it, and no other. */
  readonly updateTime: string
}

/** What has to be true of a document before it is written. */
export type Precondition = { readonly exists: boolean } | { readonly updateTime: string }

/** One change of a document. */
export type Write =
  | {
      readonly path: string
      readonly fields: Fields
      readonly if?: Precondition
      /** Only these fields are written, and those that are not given are removed; all of the document unless given. */
      readonly mask?: readonly string[]
    }
  | { readonly path: string; readonly remove: true; readonly if?: Precondition }

/** What became of writes. `held` is false if a precondition did not hold: nothing was written. */
export type Written =
  | { readonly held: true; readonly updateTimes: readonly string[] }
  | { readonly held: false }

export interface Query {
  /** The document that the collection belongs to; '' for one of the database. */
  readonly parent: string
  readonly collection: string
  readonly where?: readonly Condition[]
  /** `__name__` orders by id. */
  readonly orderBy: string
  readonly descending?: boolean
  /** Begins behind this value, or behind the id of this document where the order is by id. */
  readonly after?: Value | string
  readonly limit?: number
}

export interface Condition {
  readonly field: string
  readonly op:
    | 'EQUAL'
    | 'LESS_THAN'
    | 'LESS_THAN_OR_EQUAL'
    | 'GREATER_THAN'
    | 'GREATER_THAN_OR_EQUAL'
  readonly value: Value
}

/** The operations of Firestore that the stores need. */
export interface Firestore {
  /** Those of the documents that exist, by path. */
  get(paths: readonly string[]): Promise<ReadonlyMap<string, Document>>
  /**
   * All writes or none.
   * @throws CoreError `store.conflict` if others wrote the same documents at the same time, again and again.
   */
  commit(writes: readonly Write[]): Promise<Written>
  /** Each write for itself, 500 at most; whether it held. */
  commitEach(writes: readonly Write[]): Promise<readonly boolean[]>
  query(query: Query): Promise<readonly Document[]>
  /** How many documents a collection has. */
  count(parent: string, collection: string): Promise<number>
  /** The sum of a field over a collection. */
  sum(collection: string, field: string): Promise<number>
}

const ValueSchema = z.union([
  z.object({ stringValue: z.string() }),
  z.object({ doubleValue: z.number() }),
  z.object({ bytesValue: z.string() }),
  z.object({ timestampValue: z.string() }),
])
const DocumentSchema = z.object({
  name: z.string(),
  fields: z._default(z.record(z.string(), ValueSchema), {}),
  updateTime: z.string(),
})
const Found = z.array(z.object({ found: z.optional(DocumentSchema) }))
const Queried = z.array(z.object({ document: z.optional(DocumentSchema) }))
const Committed = z.object({
  writeResults: z._default(z.array(z.object({ updateTime: z._default(z.string(), '') })), []),
})
const EachCommitted = z.object({
  status: z._default(
    z.array(z.object({ code: z._default(z.number(), 0), message: z._default(z.string(), '') })),
    [],
  ),
})
const Aggregated = z.array(
  z.object({
    result: z.optional(
      z.object({
        aggregateFields: z.object({
          found: z.union([
            z.object({ integerValue: z.coerce.number() }),
            z.object({ doubleValue: z.number() }),
          ]),
        }),
      }),
    ),
  }),
)

/** How often writes that met others are tried, and the first wait between. Source: Firestore, "Transactions", contention. */
const MAX_RACES = 6
const RACE_WAIT_MS = 20

/** What one batchGet and one batchWrite take well. */
const MAX_BATCH = 300

export interface FirestoreOptions {
  readonly client: GcpClient
  readonly project: string
  readonly database: string
  /** 0 <= random < 1. */
  readonly random: () => number
}

/** Firestore over its REST interface. */
export function createFirestore({
  client,
  project,
  database,
  random,
}: FirestoreOptions): Firestore {
  const root = `projects/${project}/databases/${database}/documents`

  function call(target: string, input: object): Promise<GcpResponse> {
    return client.send({
      service: 'firestore',
      method: 'POST',
      path: `/v1/${root}${target}`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(input),
    })
  }

  async function ask<T>(target: string, input: object, schema: z.ZodMiniType<T>): Promise<T> {
    const response = await call(target, input)
    if (response.status !== 200) throw faultOfStore(response)
    return schema.parse(parseJson(response.body))
  }

  const toDocument = ({ name, fields, updateTime }: z.output<typeof DocumentSchema>): Document => ({
    path: name.slice(root.length + 1),
    fields,
    updateTime,
  })

  function toWrite(write: Write): object {
    const name = `${root}/${write.path}`
    const condition = write.if === undefined ? {} : { currentDocument: write.if }
    if ('remove' in write) return { delete: name, ...condition }
    return {
      update: { name, fields: write.fields },
      ...(write.mask === undefined ? {} : { updateMask: { fieldPaths: write.mask } }),
      ...condition,
    }
  }

  async function aggregate(parent: string, collection: string, what: object): Promise<number> {
    const answer = await ask(
      `${parent === '' ? '' : `/${encodePath(parent)}`}:runAggregationQuery`,
      {
        structuredAggregationQuery: {
          structuredQuery: { from: [{ collectionId: collection }] },
          aggregations: [{ alias: 'found', ...what }],
        },
      },
      Aggregated,
    )
    const found = answer.find(({ result }) => result !== undefined)?.result?.aggregateFields.found
    if (found === undefined) return 0
    return 'integerValue' in found ? found.integerValue : found.doubleValue
  }

  return {
    async get(paths) {
      const found = new Map<string, Document>()
      for (let from = 0; from < paths.length; from += MAX_BATCH) {
        const documents = paths.slice(from, from + MAX_BATCH).map((path) => `${root}/${path}`)
        for (const { found: one } of await ask(':batchGet', { documents }, Found)) {
          if (one === undefined) continue
          const document = toDocument(one)
          found.set(document.path, document)
        }
      }
      return found
    },

    async commit(writes) {
      for (let race = 1; ; race++) {
        const response = await call(':commit', { writes: writes.map(toWrite) })
        if (response.status === 200) {
          const { writeResults } = Committed.parse(parseJson(response.body))
          return { held: true, updateTimes: writeResults.map(({ updateTime }) => updateTime) }
        }
        const { code, message } = faultOf(response)
        if (code === 'FAILED_PRECONDITION' || code === 'ALREADY_EXISTS' || code === 'NOT_FOUND')
          return { held: false }
        if (code !== 'ABORTED') throw faultOfStore(response)
        if (race === MAX_RACES)
          throw new CoreError('store.conflict', `firestore: ${message}`, { details: { race } })
        await wait(random() * RACE_WAIT_MS * 2 ** race)
      }
    },

    async commitEach(writes) {
      const held: boolean[] = []
      for (let from = 0; from < writes.length; from += MAX_BATCH) {
        const some = writes.slice(from, from + MAX_BATCH)
        const { status } = await ask(':batchWrite', { writes: some.map(toWrite) }, EachCommitted)
        for (let index = 0; index < some.length; index++) {
          const { code, message } = status[index] ?? { code: 0, message: '' }
          if (code !== 0 && !REFUSALS.has(code))
            throw new CoreError('store.unavailable', `firestore: write not taken: ${message}`, {
              details: { code },
            })
          held.push(code === 0)
        }
      }
      return held
    },

    async query({ parent, collection, where = [], orderBy, descending = false, after, limit }) {
      const direction = descending ? 'DESCENDING' : 'ASCENDING'
      const start =
        typeof after === 'string'
          ? {
              referenceValue: `${root}/${parent === '' ? '' : `${parent}/`}${collection}/${after}`,
            }
          : after
      const answer = await ask(
        `${parent === '' ? '' : `/${encodePath(parent)}`}:runQuery`,
        {
          structuredQuery: {
            from: [{ collectionId: collection }],
            ...(where.length === 0
              ? {}
              : {
                  where: {
                    compositeFilter: {
                      op: 'AND',
                      filters: where.map(({ field, op, value }) => ({
                        fieldFilter: { field: { fieldPath: field }, op, value },
                      })),
                    },
                  },
                }),
            orderBy: [{ field: { fieldPath: orderBy }, direction }],
            ...(start === undefined ? {} : { startAt: { values: [start], before: false } }),
            ...(limit === undefined ? {} : { limit }),
          },
        },
        Queried,
      )
      return answer.flatMap(({ document }) =>
        document === undefined ? [] : [toDocument(document)],
      )
    },

    count: (parent, collection) => aggregate(parent, collection, { count: {} }),
    sum: (collection, field) => aggregate('', collection, { sum: { field: { fieldPath: field } } }),
  }
}

/** Codes of gRPC: NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION, and ABORTED where another writer was there. */
const REFUSALS: ReadonlySet<number> = new Set([5, 6, 9, 10])

export function text({ fields }: Pick<Document, 'fields'>, name: string): string | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined
  return value !== undefined && 'stringValue' in value ? value.stringValue : undefined
}

export function number({ fields }: Pick<Document, 'fields'>, name: string): number | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined
  return value !== undefined && 'doubleValue' in value ? value.doubleValue : undefined
}

export function bytes({ fields }: Pick<Document, 'fields'>, name: string): Buffer | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined
  return value !== undefined && 'bytesValue' in value
    ? Buffer.from(value.bytesValue, 'base64')
    : undefined
}

/** When a document goes by itself: the field `expireAt`, on which serverless.gcp.yml puts the time to live. */
export function expireAt(ms: number): { readonly expireAt: Value } {
  return { expireAt: { timestampValue: new Date(ms).toISOString() } }
}

/** An id that no rule of Firestore forbids, in the order of the ids. Source: Firestore, "Quotas and limits": no `.`, `__x__`, `/`. */
export function documentId(id: string): string {
  return `k${id.replace(/[%/]/g, encodeURIComponent)}`
}

/** What `documentId` made the id of a document of. */
export function idOfDocument(documentId: string): string {
  return decodeURIComponent(documentId.slice(1))
}

/** Ids may hold what means something in a URL. */
function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}

function faultOfStore(response: GcpResponse): CoreError {
  const { code, message } = faultOf(response)
  // Source: Firestore, "Quotas and limits": a document is 1 MiB at most.
  if (code === 'INVALID_ARGUMENT' && /size|longer than|exceeds the maximum/i.test(message))
    return new CoreError(
      'device.record_too_large',
      `expected a document of at most 1 MiB, and Firestore says: ${message}`,
    )
  return unexpected('firestore', response)
}
