import type { DeadLetter, DeadLetters } from '../../core/index.ts'
import {
  bytes,
  type Document,
  documentId,
  expireAt,
  type Firestore,
  number,
  text,
} from './firestore.ts'

export interface DeadLettersOptions {
  readonly firestore: Firestore
  /** Epoch ms. */
  readonly now: () => number
  readonly retentionMs: number
}

const COLLECTION = 'deadLetters'

/** A payload over this size has its bytes in documents below the letter: one is 1 MiB at most. Unit: bytes. */
const PART_BYTES = 700_000

/** Dead letters as documents of Firestore; their ids sort by time. */
export function createDeadLetters({
  firestore,
  now,
  retentionMs,
}: DeadLettersOptions): DeadLetters {
  async function toLetter(document: Document): Promise<DeadLetter> {
    const count = number(document, 'parts') ?? 0
    const paths = Array.from({ length: count }, (_, index) => partPath(document.path, index))
    const parts = count === 0 ? undefined : await firestore.get(paths)
    const payload =
      parts === undefined
        ? (bytes(document, 'payload') ?? Buffer.alloc(0))
        : Buffer.concat(
            paths.map((path) => {
              const part = parts.get(path)
              return (part && bytes(part, 'payload')) ?? Buffer.alloc(0)
            }),
          )
    return { ...JSON.parse(text(document, 'letter') ?? ''), payload: new Uint8Array(payload) }
  }

  return {
    async put({ payload, ...letter }) {
      const path = pathOf(letter.id)
      const expires = expireAt(now() + retentionMs)
      const large = payload.length > PART_BYTES
      const parts = large ? split(payload) : []
      // The parts first: who sees the letter sees all of it.
      for (const [index, part] of parts.entries())
        await firestore.commit([
          { path: partPath(path, index), fields: { payload: base64(part), ...expires } },
        ])
      await firestore.commit([
        {
          path,
          fields: {
            id: { stringValue: letter.id },
            letter: { stringValue: JSON.stringify(letter) },
            ...(large ? { parts: { doubleValue: parts.length } } : { payload: base64(payload) }),
            ...expires,
          },
        },
      ])
    },

    async get(id) {
      const document = (await firestore.get([pathOf(id)])).get(pathOf(id))
      return document === undefined ? undefined : toLetter(document)
    },

    async list(beforeId, limit) {
      if (limit <= 0) return []
      const documents = await firestore.query({
        parent: '',
        collection: COLLECTION,
        // Firestore has no index of names from the last to the first unless one is made.
        orderBy: 'id',
        descending: true,
        ...(beforeId === '' ? {} : { after: { stringValue: beforeId } }),
        limit,
      })
      return Promise.all(documents.map(toLetter))
    },

    async remove(id) {
      const path = pathOf(id)
      const document = (await firestore.get([path])).get(path)
      if (document === undefined) return
      const parts = Array.from({ length: number(document, 'parts') ?? 0 }, (_, index) => ({
        path: partPath(path, index),
        remove: true as const,
      }))
      await firestore.commit([{ path, remove: true }, ...parts])
    },

    count: () => firestore.count('', COLLECTION),
  }
}

function pathOf(id: string): string {
  return `${COLLECTION}/${documentId(id)}`
}

function partPath(path: string, index: number): string {
  return `${path}/parts/${index}`
}

function split(payload: Uint8Array): Uint8Array[] {
  const count = Math.ceil(payload.length / PART_BYTES)
  return Array.from({ length: count }, (_, index) =>
    payload.subarray(index * PART_BYTES, (index + 1) * PART_BYTES),
  )
}

function base64(payload: Uint8Array) {
  return { bytesValue: Buffer.from(payload).toString('base64') }
}
