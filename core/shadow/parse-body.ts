import type { Json } from '../model/json.ts'
import { utf8Bytes } from './json-tree.ts'

/** A request body as JSON, or why it is none. */
export type ParsedBody =
  | { readonly json: Json }
  | { readonly fault: 'tooLarge' | 'notUtf8' | 'invalidJson' }

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Reads a request body: its size is judged first, then its encoding, then its syntax. */
export function parseBody(body: string | Uint8Array, maxBytes: number): ParsedBody {
  if (body.length > maxBytes) return { fault: 'tooLarge' }
  if (typeof body === 'string')
    return utf8Bytes(body) > maxBytes ? { fault: 'tooLarge' } : parseText(body)
  let text: string
  try {
    text = utf8.decode(body)
  } catch {
    return { fault: 'notUtf8' }
  }
  return parseText(text)
}

function parseText(text: string): ParsedBody {
  try {
    const json: Json = JSON.parse(text)
    return { json }
  } catch {
    return { fault: 'invalidJson' }
  }
}
