import { presence } from './fleet.js'
import { formatCount, setText } from './format.js'
import { drawSparkline } from './sparkline.js'

/** @typedef {import('./fleet.js').Device} Device */

/** Counters of so many seconds make a rate, so that it does not tremble. */
const WINDOW = 5
const PULSE = 60

/** The line of figures at the top. */
export function createStatsBar() {
  /** @type {{at: number, received: number}[]} */
  let counted = []
  /** @type {number[]} */
  let pulse = []
  const svg = /** @type {SVGElement | null} */ (document.querySelector('[data-stat="rate"] .pulse'))

  /**
   * @param {string} name
   * @param {string} value
   * @param {string} [note]
   */
  function set(name, value, note = '') {
    setText(document.querySelector(`[data-stat="${name}"] b`), value)
    setText(document.querySelector(`[data-stat="${name}"] dd span`), note)
  }

  /**
   * @param {string} name
   * @param {boolean} on
   */
  function mark(name, on) {
    document.querySelector(`[data-stat="${name}"]`)?.classList.toggle('on', on)
  }

  return {
    /** A stream begins: what it counts has nothing to do with what was counted before. */
    restart() {
      counted = []
      pulse = []
    },

    /** @param {Record<string, number>} stats */
    count(stats) {
      const at = performance.now()
      const received = stats['uplink.received'] ?? 0
      const before = counted[0]
      if (before !== undefined && received < before.received) counted = []
      counted.push({ at, received })
      if (counted.length > WINDOW + 1) counted.shift()
      const first = counted[0]
      if (first !== undefined && counted.length > 1) {
        const rate = (received - first.received) / ((at - first.at) / 1_000)
        set('rate', rate < 100 ? rate.toFixed(1) : formatCount(Math.round(rate)))
        pulse.push(at, rate)
        if (pulse.length > PULSE * 2) pulse.splice(0, 2)
        if (svg !== null) drawSparkline(svg, pulse, 0)
      }
      const kept = stats['dead_letters.kept'] ?? 0
      set('deadLetters', formatCount(kept))
      mark('deadLetters', kept > 0)
      set('duplicates', formatCount(stats['uplink.duplicate'] ?? 0))
      const waiting = stats['notifications.waiting'] ?? 0
      set(
        'notifications',
        formatCount(stats['notification.sent'] ?? 0),
        waiting === 0 ? '' : `${formatCount(waiting)} waiting`,
      )
    },

    /** @param {ReadonlyMap<string, Device>} devices */
    online(devices) {
      const now = Date.now()
      let online = 0
      for (const device of devices.values()) {
        const state = presence(device, now)
        if (state === 'connected' || state === 'heard') online++
      }
      set('online', formatCount(online), `of ${formatCount(devices.size)}`)
    },

    /** @param {number} open */
    alarms(open) {
      set('alarms', formatCount(open))
      mark('alarms', open > 0)
    },
  }
}
