import { ask } from './access.js'

/** The cloud tells its counters every second; after such a silence the stream is taken for broken. Unit: ms. */
const SILENCE_MS = 6_000
const AGAIN_MS = 2_000

/**
 * @typedef {object} StreamHandlers
 * @property {(snapshot: {devices: object[], stats: Record<string, number>}) => void} onSnapshot
 * @property {(devices: object[]) => void} onDevices
 * @property {(stats: Record<string, number>) => void} onStats
 * @property {(state: 'live' | 'lost') => void} onState
 */

/**
 * Follows the live stream of the cloud and comes back whenever it breaks: each time a fresh snapshot comes first.
 * An `EventSource` would do, but it sends no header, and a token does not belong into an address.
 *
 * @param {string} url
 * @param {StreamHandlers} handlers
 */
export function followStream(url, { onSnapshot, onDevices, onStats, onState }) {
  /** @type {AbortController | undefined} */
  let current
  let heardAt = 0
  /** @type {'live' | 'lost' | undefined} */
  let state
  /** @type {Record<string, (data: any) => void>} */
  const handlers = { snapshot: onSnapshot, devices: onDevices, stats: onStats }

  /** @param {'live' | 'lost'} next */
  function tell(next) {
    if (next === state) return
    state = next
    onState(next)
  }

  async function open() {
    current?.abort()
    const opened = new AbortController()
    current = opened
    heardAt = Number.POSITIVE_INFINITY
    try {
      const headers = { accept: 'text/event-stream' }
      const answer = await ask(url, { headers, cache: 'no-store', signal: opened.signal })
      heardAt = performance.now()
      if (answer.ok && answer.body !== null) {
        for await (const { name, data } of eventsOf(answer.body)) {
          if (current !== opened) return
          heardAt = performance.now()
          handlers[name]?.(JSON.parse(data))
          if (name === 'snapshot') tell('live')
        }
      }
    } catch {
      // Broken like one that ended: it is opened again.
    }
    if (current !== opened) return
    current = undefined
    tell('lost')
  }

  setInterval(() => {
    const silent = performance.now() - heardAt > SILENCE_MS
    if (silent) tell('lost')
    if (silent || current === undefined) void open()
  }, AGAIN_MS)
  void open()
}

/**
 * Cuts a stream of server-sent events; each has one line of data here.
 * Source: HTML standard, 9.2.6.
 *
 * @param {ReadableStream<Uint8Array>} body
 * @returns {AsyncGenerator<{name: string, data: string}>}
 */
async function* eventsOf(body) {
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
      const event = readEvent(text.slice(start, end))
      if (event !== undefined) yield event
      start = end + 2
      from = start
    }
    text = text.slice(start)
  }
}

/**
 * @param {string} block
 * @returns {{name: string, data: string} | undefined}
 */
function readEvent(block) {
  let name = 'message'
  let data = ''
  for (const line of block.split('\n')) {
    if (line.startsWith('event: ')) name = line.slice(7)
    else if (line.startsWith('data: ')) data += line.slice(6)
  }
  return data === '' ? undefined : { name, data }
}
