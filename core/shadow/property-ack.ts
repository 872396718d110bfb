import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import { type Draft, own, setKey } from './json-tree.ts'

/** How a device answers a desired property: its value, a status like those of HTTP, the version that it answers. */
export interface PropertyAck {
  readonly value: Json
  readonly code: number
  readonly version: number
  readonly description?: string
}

/**
 * Reads one acknowledgement; `undefined` if the value is none.
 *
 * Shape:  `{value, ac, av, ad?}`.
 * Source: learn.microsoft.com, IoT Plug and Play conventions, "Writable properties".
 */
export function readPropertyAck(reported: Json): PropertyAck | undefined {
  if (!isJsonObject(reported)) return undefined
  const value = own(reported, 'value')
  const code = own(reported, 'ac')
  const version = own(reported, 'av')
  const description = own(reported, 'ad')
  if (value === undefined || typeof code !== 'number' || typeof version !== 'number')
    return undefined
  return { value, code, version, ...(typeof description === 'string' ? { description } : {}) }
}

/** A reported section with the value in place of each acknowledgement: what a desired section compares with. */
export function withoutAcks(reported: JsonObject): JsonObject {
  const plain: Draft = {}
  for (const key in reported) {
    const value = reported[key]
    if (value === undefined) continue
    const ack = readPropertyAck(value)
    setKey(
      plain,
      key,
      ack === undefined ? (isJsonObject(value) ? withoutAcks(value) : value) : ack.value,
    )
  }
  return plain
}
