import { createHash } from 'node:crypto'
import type { Json, TableStore } from '../../core/index.ts'
import { type Document, documentId, type Firestore, text } from './firestore.ts'
import { pack, unpack } from './pack.ts'

/**
 * Small items, one collection of Firestore for each table.
 *
 * Shape: `tables/k{table}/items/{SHA-256 of the key}`: `key`, by which they are listed, and `item`.
 */
export function createTableStore(firestore: Firestore): TableStore {
  return {
    async get(table, key) {
      const path = pathOf(table, key)
      const document = (await firestore.get([path])).get(path)
      return document === undefined ? undefined : readItem(document)
    },

    async put(table, key, item) {
      const fields = { key: { stringValue: key }, item: pack(JSON.stringify(item)) }
      await firestore.commit([{ path: pathOf(table, key), fields }])
    },

    async remove(table, key) {
      await firestore.commit([{ path: pathOf(table, key), remove: true }])
    },

    async list(table, afterKey, limit) {
      if (limit <= 0) return []
      const documents = await firestore.query({
        parent: tablePath(table),
        collection: 'items',
        orderBy: 'key',
        ...(afterKey === '' ? {} : { after: { stringValue: afterKey } }),
        limit,
      })
      return documents.map((document) => ({
        key: text(document, 'key') ?? '',
        item: readItem(document),
      }))
    },
  }
}

/**
 * A colon in the name of what a query is asked of is taken for the method by the emulator, however it is encoded.
 * Source: Google AIP-136, custom methods.
 */
function tablePath(table: string): string {
  return `tables/${documentId(table).replaceAll(':', '%3A')}`
}

function pathOf(table: string, key: string): string {
  return `${tablePath(table)}/items/${createHash('sha256').update(key).digest('hex')}`
}

function readItem(document: Document): Json {
  return JSON.parse(unpack(document, 'item'))
}
