import { CoreError } from '../errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import { setKey } from './binary/text.ts'
import type { Codec } from './codec.ts'
import { type Pointer, parsePointer, readPointer } from './pointer.ts'

/** Where telemetry stands in what a format says, as options name it. */
export interface Fields {
  readonly fields?: Readonly<Record<string, string>> | undefined
  readonly each?: string | undefined
  readonly shared?: Readonly<Record<string, string>> | undefined
}

type Place = readonly [name: string, pointer: Pointer]

/** The codec with telemetry picked from what it decodes; the same codec where nothing is to be picked. */
export function withFields(codec: Codec, options: Fields): Codec {
  if (options.fields === undefined && options.each === undefined) return codec
  const fields = options.fields === undefined ? undefined : placesOf(options.fields)
  const shared = placesOf(options.shared ?? {})
  const each = options.each === undefined ? undefined : parsePointer(options.each)
  return {
    ...codec,
    decode(bytes, facts) {
      const { value, warnings } = codec.decode(bytes, facts)
      return { value: pickAll(value, each, fields, shared), warnings }
    },
    split:
      each === undefined
        ? undefined
        : (value) => (Array.isArray(value) ? value.map((body: Json) => ({ body })) : []),
    // The text has its values elsewhere.
    exactText: undefined,
  }
}

function placesOf(fields: Readonly<Record<string, string>>): readonly Place[] {
  return Object.entries(fields).map(([name, pointer]) => [name, parsePointer(pointer)])
}

function pickAll(
  value: Json,
  each: Pointer | undefined,
  fields: readonly Place[] | undefined,
  shared: readonly Place[],
): Json {
  if (each === undefined) return pick(value, fields ?? [], {})
  const items = readPointer(value, each)
  if (!Array.isArray(items))
    throw new CoreError(
      'codec.wrong_type',
      `expected an array of messages at ${each.length === 0 ? 'the root' : `/${each.join('/')}`}, found ${items === undefined ? 'nothing' : 'something else'}`,
    )
  const common = shared.length === 0 ? {} : pick(value, shared, {})
  return items.map((item: Json) => {
    if (fields !== undefined) return pick(item, fields, common)
    return isJsonObject(item) && shared.length > 0 ? { ...common, ...item } : item
  })
}

function pick(value: Json, places: readonly Place[], common: JsonObject): JsonObject {
  const picked: { [key: string]: Json } = { ...common }
  for (const [name, pointer] of places) {
    const found = readPointer(value, pointer)
    if (found !== undefined) setKey(picked, name, found)
  }
  return picked
}
