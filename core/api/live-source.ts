import type { Json, JsonObject } from '../model/json.ts'

/** One thing that is told, and of which device. */
export interface LiveItem {
  readonly deviceId: string
  /** What is told under the same key is told anew: who is slow needs the last of them only. */
  readonly key: string
  readonly data: JsonObject
}

/** Something that happened, for all who listen. */
export interface LiveEvent {
  /** `devices`, `alarms`, `messages`, `stats`. */
  readonly name: string
  /** Absent of what is told of the system as a whole. */
  readonly items?: readonly LiveItem[]
  readonly data: Json
  /** The whole as one server-sent event: made once, however many listen. */
  bytes(): Uint8Array
}

/** One who listens. */
export interface LiveListener {
  /** Of whose messages he wants to know; of nobody's unless given. */
  readonly deviceId?: string | undefined
  send(event: LiveEvent): void
  /** There will be no more. */
  end(): void
}

/** Where what happens is told at once: a host that runs all the time has one. */
export interface LiveSource {
  /** Adds a listener; what it returns takes it away. */
  follow(listener: LiveListener): () => void
  /** Counters of the system, as `stats` tells them. */
  stats(): Promise<JsonObject>
}

const utf8 = new TextEncoder()

/** An event whose bytes are made when the first one asks for them. */
export function liveEvent(
  name: string,
  data: Json,
  items: readonly LiveItem[] | undefined,
): LiveEvent {
  let made: Uint8Array | undefined
  const bytes = (): Uint8Array => {
    made ??= encodeEvent(name, data)
    return made
  }
  return items === undefined ? { name, data, bytes } : { name, data, items, bytes }
}

/** One server-sent event. Source: HTML, 9.2.6; JSON has no line breaks of its own. */
export function encodeEvent(name: string, data: Json, id?: string): Uint8Array {
  const line = id === undefined ? '' : `id: ${id}\n`
  return utf8.encode(`event: ${name}\n${line}data: ${JSON.stringify(data)}\n\n`)
}
