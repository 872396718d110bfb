import type { DeadLetter, DeadLetters } from '../../core/index.ts'
import { bytes, type Dynamo, type Expression, type Item, text } from './dynamo.ts'

export interface DeadLettersOptions {
  readonly dynamo: Dynamo
  /** The table of small items. */
  readonly table: string
  /** Epoch ms. */
  readonly now: () => number
  readonly retentionMs: number
}

/** A name that no table of a rule can have. */
const SHELF = '$dead-letters'

/** Dead letters as items of DynamoDB; their ids sort by time. */
export function createDeadLetters({
  dynamo,
  table,
  now,
  retentionMs,
}: DeadLettersOptions): DeadLetters {
  return {
    async put({ payload, ...letter }) {
      await dynamo.put(table, {
        ...keyOf(letter.id),
        letter: { S: JSON.stringify(letter) },
        payload: { B: Buffer.from(payload).toString('base64') },
        ttl: { N: String(Math.ceil((now() + retentionMs) / 1_000)) },
      })
    },

    async get(id) {
      const item = await dynamo.get(table, keyOf(id))
      return item === undefined ? undefined : readLetter(item)
    },

    async list(beforeId, limit) {
      if (limit <= 0) return []
      const key: Expression =
        beforeId === ''
          ? { text: 'tbl = :tbl', values: { ':tbl': { S: SHELF } } }
          : {
              text: 'tbl = :tbl AND #key < :before',
              names: { '#key': 'key' },
              values: { ':tbl': { S: SHELF }, ':before': { S: beforeId } },
            }
      const items = await dynamo.query({ table, key, limit, descending: true, consistent: true })
      return items.map(readLetter)
    },

    async remove(id) {
      await dynamo.remove(table, keyOf(id))
    },

    count: () => dynamo.count(table, { text: 'tbl = :tbl', values: { ':tbl': { S: SHELF } } }),
  }
}

function keyOf(id: string): Item {
  return { tbl: { S: SHELF }, key: { S: id } }
}

function readLetter(item: Item): DeadLetter {
  return {
    ...JSON.parse(text(item, 'letter') ?? ''),
    payload: new Uint8Array(bytes(item, 'payload') ?? []),
  }
}
