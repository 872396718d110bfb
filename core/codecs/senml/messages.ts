import { isJsonObject, type Json, type JsonObject } from '../../model/json.ts'
import { setKey } from '../binary/text.ts'
import type { CodecMessage } from '../codec.ts'

/**
 * The messages of resolved records: one for each time, with the values by the names of their records. A sum stands under the
 * name with `.sum` behind it. What is told twice for one time begins another message of that time.
 */
export function messagesOf(records: Json): readonly CodecMessage[] {
  if (!Array.isArray(records)) return []
  const messages: { at: number | undefined; body: { [name: string]: Json } }[] = []
  const open = new Map<number | undefined, { [name: string]: Json }>()
  for (const record of records) {
    if (!isJsonObject(record)) continue
    const at = typeof record['t'] === 'number' ? Math.round(record['t'] * 1_000) : undefined
    const told = valuesOf(record)
    let body = open.get(at)
    if (body === undefined || told.some(([name]) => Object.hasOwn(body ?? {}, name))) {
      body = {}
      open.set(at, body)
      messages.push({ at, body })
    }
    for (const [name, value] of told) setKey(body, name, value)
  }
  return messages.map(({ at, body }) => (at === undefined ? { body } : { body, at }))
}

function valuesOf(record: JsonObject): readonly (readonly [name: string, value: Json])[] {
  const name = String(record['n'])
  const value = record['v'] ?? record['vs'] ?? record['vb'] ?? record['vd']
  const sum = record['s']
  const told: (readonly [string, Json])[] = []
  if (value !== undefined) told.push([name, value])
  if (sum !== undefined) told.push([`${name}.sum`, sum])
  return told
}
