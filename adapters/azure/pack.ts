import { type Item, text } from './cosmos.ts'

/** Shorter texts gain nothing from being packed. Unit: characters. */
const PACK_CHARS = 512

/** What a packed text begins with: JSON begins otherwise. */
const PACKED = '~'

/** Large texts are stored deflated, as base64: Cosmos counts bytes. */
export function pack(json: string): string {
  if (json.length < PACK_CHARS) return json
  const { deflateRawSync } = process.getBuiltinModule('node:zlib')
  // The fastest level: it takes a third of the time, and the texts repeat themselves a lot.
  return PACKED + deflateRawSync(json, { level: 1 }).toString('base64')
}

/** A text as it was packed; empty if the item has none. */
export function unpack(item: Item, name: string): string {
  const found = text(item, name) ?? ''
  if (!found.startsWith(PACKED)) return found
  const { inflateRawSync } = process.getBuiltinModule('node:zlib')
  return inflateRawSync(Buffer.from(found.slice(PACKED.length), 'base64')).toString('utf8')
}
