import { isJsonObject, type Json } from '../model/json.ts'

/** A JSON pointer, taken apart once. Source: RFC 6901. */
export type Pointer = readonly string[]

/** Takes a pointer apart: `/a~1b/0` → `['a/b', '0']`; '' is the whole document. */
export function parsePointer(text: string): Pointer {
  if (text === '') return []
  return text
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** The value that the pointer names, or `undefined` if there is none. Only own keys count. */
export function readPointer(document: Json, pointer: Pointer): Json | undefined {
  let value: Json | undefined = document
  for (const key of pointer) {
    if (isJsonObject(value)) value = Object.hasOwn(value, key) ? value[key] : undefined
    else if (Array.isArray(value) && /^(0|[1-9]\d*)$/.test(key)) value = value[Number(key)]
    else return undefined
  }
  return value
}
