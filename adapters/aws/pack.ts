import { bytes, type Item, text } from './dynamo.ts'

/** Shorter texts gain nothing from being packed. Unit: characters. */
const PACK_CHARS = 512

/** Large texts are stored deflated: DynamoDB counts bytes. */
export function pack(json: string): { readonly S: string } | { readonly B: string } {
  if (json.length < PACK_CHARS) return { S: json }
  const { deflateRawSync } = process.getBuiltinModule('node:zlib')
  return { B: deflateRawSync(json).toString('base64') }
}

/** A text as it was packed; empty if the item has none. */
export function unpack(item: Item, name: string): string {
  const packed = bytes(item, name)
  if (packed === undefined) return text(item, name) ?? ''
  const { inflateRawSync } = process.getBuiltinModule('node:zlib')
  return inflateRawSync(packed).toString('utf8')
}
