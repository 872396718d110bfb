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
 *
 * @param {string} url
 * @param {StreamHandlers} handlers
 */
export function followStream(url, { onSnapshot, onDevices, onStats, onState }) {
  /** @type {EventSource | undefined} */
  let source
  let heardAt = 0
  /** @type {'live' | 'lost' | undefined} */
  let state

  /** @param {'live' | 'lost'} next */
  function tell(next) {
    if (next === state) return
    state = next
    onState(next)
  }

  function open() {
    source?.close()
    const opened = new EventSource(url)
    source = opened
    heardAt = performance.now()
    /** @type {(name: string, handle: (data: any) => void) => void} */
    const on = (name, handle) =>
      opened.addEventListener(name, (event) => {
        heardAt = performance.now()
        handle(JSON.parse(event.data))
        if (name === 'snapshot') tell('live')
      })
    on('snapshot', onSnapshot)
    on('devices', onDevices)
    on('stats', onStats)
    opened.addEventListener('error', () => tell('lost'))
  }

  setInterval(() => {
    const silent = performance.now() - heardAt > SILENCE_MS
    if (silent) tell('lost')
    // The browser tries again by itself, unless it was given an answer that is no stream.
    if (silent || source?.readyState === EventSource.CLOSED) open()
  }, AGAIN_MS)
  open()
}
