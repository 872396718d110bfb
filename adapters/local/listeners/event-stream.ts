import type { ServerResponse } from 'node:http'
import type { Json } from '../../../core/index.ts'
import { type LiveFeed, toEvent } from '../live-feed.ts'

/** Who has so much still to read is let go; its browser opens a new stream and gets a fresh snapshot. Unit: bytes. */
const MAX_UNREAD = 8_388_608

/** How long a browser waits before it opens a new stream. Unit: ms. */
const RETRY_MS = 2_000

/** Then a stream ends, and who comes again proves anew who he is: a session may be over, a key revoked. Unit: ms. */
const LONGEST_MS = 900_000

/** The headers of a stream of server-sent events. */
export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
}

/**
 * Serves one stream: a snapshot, then every change after it.
 *
 * Written to the response itself, for only Node tells how much a reader has not taken yet.
 */
export function streamEvents(
  response: ServerResponse,
  feed: LiveFeed,
  snapshot: () => Promise<Json>,
): void {
  response.writeHead(200, EVENT_STREAM_HEADERS)
  response.write(`retry: ${RETRY_MS}\n\n`)
  /** Changes that came while the snapshot was taken: they may be missing in it. */
  let held: string[] | undefined = []

  function send(event: string): void {
    if (held !== undefined) {
      held.push(event)
      return
    }
    if (response.writableLength + event.length > MAX_UNREAD && response.writableLength > 0)
      response.destroy()
    else response.write(event)
  }

  const unsubscribe = feed.subscribe({ send, end: () => response.end() })
  const longest = setTimeout(() => response.end(), LONGEST_MS)
  response.on('close', () => {
    clearTimeout(longest)
    unsubscribe()
  })
  response.on('error', () => undefined)
  const start = (): Promise<void> =>
    snapshot().then(
      (first) => {
        const missed = held ?? []
        held = undefined
        for (const event of [toEvent('snapshot', first), ...missed]) send(event)
      },
      () => void response.destroy(),
    )
  // The head is on its way by then, also where there can be no snapshot.
  setImmediate(() => void start())
}
