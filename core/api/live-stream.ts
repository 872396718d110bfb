import type { Json, JsonObject } from '../model/json.ts'
import { encodeEvent, type LiveEvent, type LiveItem, type LiveSource } from './live-source.ts'

/** So much may wait for a reader before what comes is gathered instead. Unit: bytes. */
const MAX_WAITING = 262_144

/** Messages of a device that wait for a reader at most; the oldest of more are passed over. */
const MAX_MESSAGES = 200

/** Then a stream ends, and who comes again proves anew who he is: a session may be over, a key revoked. Unit: ms. */
const LONGEST_MS = 900_000

/** Who is told nothing for so long is told that: what stands between might end a stream that is silent. Unit: ms. */
const SILENCE_MS = 15_000

/** How long a browser waits before it opens a new stream. Unit: ms. */
const RETRY_MS = 2_000

const utf8 = new TextEncoder()

/** A comment. Source: HTML, 9.2.6. */
const SILENT = utf8.encode(': nothing new\n\n')

/** Who listens, and to what. */
export interface StreamOptions {
  readonly source: LiveSource
  /** One device only. */
  readonly deviceId: string | undefined
  /** Whether one may be told of a device; `undefined`: of all, and of the system as a whole. */
  readonly sees: ((deviceId: string) => Promise<boolean>) | undefined
  readonly clock: { now(): number }
  /** What a page shows when it opens. */
  readonly snapshot: () => Promise<JsonObject>
}

/**
 * One live stream: a snapshot, then what happens after it, as server-sent events.
 *
 * Who reads too slowly is told less often: what waits for him is gathered, of each device and each alarm the last. It
 * never grows beyond the fleet.
 */
export function liveStream({
  source,
  deviceId,
  sees,
  clock,
  snapshot,
}: StreamOptions): ReadableStream<Uint8Array> {
  const waiting = createWaiting()
  const opened = clock.now()
  let toldAt = opened
  let unfollow = (): void => undefined
  let isOpen = false
  /** What is looked at, one event after the other, where it has to be asked who sees it. */
  let looking: Promise<void> = Promise.resolve()

  function tell(controller: ReadableStreamDefaultController<Uint8Array>, event: LiveEvent): void {
    toldAt = clock.now()
    if (isOpen && waiting.isEmpty && (controller.desiredSize ?? 0) > 0)
      controller.enqueue(event.bytes())
    else waiting.add(event)
  }

  function flush(controller: ReadableStreamDefaultController<Uint8Array>): void {
    for (const bytes of waiting.take()) controller.enqueue(bytes)
  }

  return new ReadableStream<Uint8Array>(
    {
      async start(controller) {
        controller.enqueue(utf8.encode(`retry: ${RETRY_MS}\n\n`))
        const send = (event: LiveEvent): void => {
          const now = clock.now()
          if (now - opened > LONGEST_MS) {
            end()
            return
          }
          if (isOpen && now - toldAt > SILENCE_MS) {
            toldAt = now
            controller.enqueue(SILENT)
          }
          const filter = { deviceId, sees }
          if (deviceId === undefined && sees === undefined) tell(controller, event)
          else
            looking = looking
              .then(() => seen(event, filter))
              .then((left) => {
                if (left !== undefined) tell(controller, left)
              })
              .catch(() => undefined)
        }
        function end(): void {
          unfollow()
          isOpen = false
          try {
            controller.close()
          } catch {
            // The reader was gone first.
          }
        }
        unfollow = source.follow({ deviceId, send, end })
        try {
          controller.enqueue(encodeEvent('snapshot', await snapshot()))
          isOpen = true
          flush(controller)
        } catch (error) {
          unfollow()
          throw error
        }
      },
      pull(controller) {
        if (isOpen) flush(controller)
      },
      cancel() {
        isOpen = false
        unfollow()
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: MAX_WAITING }),
  )
}

/** What of an event may be told; `undefined` if nothing. */
async function seen(
  event: LiveEvent,
  { deviceId, sees }: Pick<StreamOptions, 'deviceId' | 'sees'>,
): Promise<LiveEvent | undefined> {
  const { name, items } = event
  if (items === undefined) return sees === undefined ? event : undefined
  const left: LiveItem[] = []
  for (const item of items) {
    if (deviceId !== undefined && item.deviceId !== deviceId) continue
    if (sees === undefined || (await sees(item.deviceId))) left.push(item)
  }
  if (left.length === 0) return undefined
  if (left.length === items.length) return event
  const data = left.map((item) => item.data)
  return { name, items: left, data, bytes: () => encodeEvent(name, data) }
}

/** What waits for a reader. */
interface Waiting {
  readonly isEmpty: boolean
  add(event: LiveEvent): void
  take(): readonly Uint8Array[]
}

function createWaiting(): Waiting {
  /** Of each name what waits, by its key. */
  const byName = new Map<string, Map<string, JsonObject>>()
  const messages: JsonObject[] = []
  /** What is told of the system as a whole. */
  const whole = new Map<string, Json>()

  return {
    get isEmpty() {
      return byName.size === 0 && messages.length === 0 && whole.size === 0
    },
    add({ name, items, data }) {
      if (items === undefined) whole.set(name, data)
      else if (name === 'messages') {
        for (const item of items) messages.push(item.data)
        if (messages.length > MAX_MESSAGES) messages.splice(0, messages.length - MAX_MESSAGES)
      } else {
        const gathered = byName.get(name) ?? new Map<string, JsonObject>()
        byName.set(name, gathered)
        for (const item of items) gathered.set(item.key, item.data)
      }
    },
    take() {
      const made: Uint8Array[] = []
      for (const [name, items] of byName) made.push(encodeEvent(name, [...items.values()]))
      if (messages.length > 0) made.push(encodeEvent('messages', messages))
      for (const [name, data] of whole) made.push(encodeEvent(name, data))
      byName.clear()
      messages.length = 0
      whole.clear()
      return made
    },
  }
}
