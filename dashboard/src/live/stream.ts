import { ApiFault, type Query, send } from '../http.ts'

/** The cloud tells its counters every second; after such a silence the stream is taken for broken. Unit: ms. */
const BEAT = 'stats'
const SILENCE_MS = 6_000
const AGAIN_MS = 2_000

export interface StreamOptions {
  readonly path: string
  readonly query?: Query
  readonly onEvent: (name: string, data: unknown) => void
  readonly onState?: (state: 'live' | 'lost') => void
}

/**
 * Follows a stream of server-sent events and comes back whenever it breaks or ends. What it returns ends it.
 * An `EventSource` would do, but it sends no header, and a token does not belong into an address.
 */
export function followStream(options: StreamOptions): () => void {
  const { path, query, onEvent, onState = () => undefined } = options
  let current: AbortController | undefined
  let heardAt = 0
  let openAt = 0
  let lastId = ''
  /** Whether something is told every second: only then silence means that it broke. */
  let beats = false
  let ended = false

  async function open(): Promise<void> {
    current?.abort()
    const opened = new AbortController()
    current = opened
    heardAt = Number.POSITIVE_INFINITY
    let heard = false
    let againMs = AGAIN_MS
    try {
      const headers = {
        accept: 'text/event-stream',
        ...(lastId === '' ? {} : { 'last-event-id': lastId }),
      }
      const answer = await send(path, {
        headers,
        signal: opened.signal,
        ...(query === undefined ? {} : { query }),
      })
      heardAt = performance.now()
      if (answer.body !== null) {
        for await (const { name, data, id, retry } of eventsOf(answer.body)) {
          if (current !== opened) return
          heardAt = performance.now()
          if (id !== undefined) lastId = id
          if (retry !== undefined) againMs = retry
          if (data === '') continue
          if (!heard) onState('live')
          heard = true
          if (name === BEAT) beats = true
          onEvent(name, JSON.parse(data))
        }
      }
    } catch (error) {
      // Broken like one that ended: it is opened again. One that is refused would be refused again at once.
      if (error instanceof ApiFault && error.status > 0) againMs = 2 * AGAIN_MS
      heard = false
    }
    if (current !== opened) return
    current = undefined
    openAt = performance.now() + againMs
    // Some hosts end every stream after a moment: whoever has heard something comes back and has missed nothing.
    if (!heard || lastId === '') onState('lost')
  }

  const timer = setInterval(() => {
    const silent = beats && performance.now() - heardAt > SILENCE_MS
    if (silent) onState('lost')
    if (silent || (current === undefined && performance.now() >= openAt)) void open()
  }, 500)
  void open()
  return () => {
    if (ended) return
    ended = true
    clearInterval(timer)
    current?.abort()
    current = undefined
  }
}

interface StreamEvent {
  readonly name: string
  readonly data: string
  readonly id: string | undefined
  readonly retry: number | undefined
}

/** Cuts a stream into server-sent events. Source: HTML, 9.2.6. */
async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    // What was looked through before is not looked through again: a snapshot may come in many parts.
    let from = Math.max(0, text.length - 1)
    text += decoder.decode(value, { stream: true })
    let start = 0
    for (let end = text.indexOf('\n\n', from); end >= 0; end = text.indexOf('\n\n', from)) {
      yield readEvent(text.slice(start, end))
      start = end + 2
      from = start
    }
    text = text.slice(start)
  }
}

function readEvent(block: string): StreamEvent {
  let name = 'message'
  const data: string[] = []
  let id: string | undefined
  let retry: number | undefined
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') name = value
    else if (field === 'data') data.push(value)
    else if (field === 'id') id = value
    else if (field === 'retry' && /^\d+$/.test(value)) retry = Number(value)
  }
  return { name, data: data.join('\n'), id, retry }
}
