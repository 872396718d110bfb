import { ask } from './access.js'
import { element, formatAge, setText } from './format.js'

const MAX_SHOWN = 20
const MAX_PAYLOAD = 2_000
/** However many come, they are fetched no more often than this. Unit: ms. */
const EVERY_MS = 1_000

/**
 * @typedef {object} DeadLetter
 * @property {string} id
 * @property {number} at Epoch ms.
 * @property {string} [deviceId]
 * @property {string} topic
 * @property {string} source
 * @property {string} code
 * @property {string} reason
 * @property {number} payloadBytes
 * @property {string} [payloadText]
 * @property {string} [payloadHex]
 */

/** The latest messages that could not be processed. */
export function createDeadLetterList() {
  const list = /** @type {HTMLElement} */ (document.getElementById('letter-list'))
  const none = /** @type {HTMLElement} */ (document.getElementById('no-letters'))
  /** @type {Map<string, {item: HTMLElement, at: number}>} */
  const shown = new Map()
  let known = ''
  let timer = 0
  let fetchedAt = Number.NEGATIVE_INFINITY

  async function fetchLatest() {
    timer = 0
    fetchedAt = performance.now()
    try {
      const answer = await ask(`/dead-letters?limit=${MAX_SHOWN}`)
      if (answer.ok) show((await answer.json()).deadLetters)
      else known = ''
    } catch {
      known = ''
    }
  }

  /** @param {DeadLetter[]} letters Newest first. */
  function show(letters) {
    const ids = new Set(letters.map(({ id }) => id))
    for (const [id, { item }] of shown) {
      if (ids.has(id)) continue
      item.remove()
      shown.delete(id)
    }
    let at = list.firstElementChild
    for (const letter of letters) {
      const entry = shown.get(letter.id) ?? { item: make(letter), at: letter.at }
      shown.set(letter.id, entry)
      if (at === entry.item) at = at.nextElementSibling
      else list.insertBefore(entry.item, at)
    }
    list.hidden = letters.length === 0
    none.hidden = letters.length > 0
    age()
  }

  /** @param {DeadLetter} letter */
  function make(letter) {
    const item = element('li', 'letter')
    const details = element('details', '')
    const summary = element('summary', '')
    const head = element('span', 'letter-head')
    head.append(
      element('span', 'from', letter.deviceId ?? (letter.topic === '' ? 'nobody' : letter.topic)),
      element('span', 'source', letter.source),
      element('span', 'at'),
    )
    summary.append(head, element('span', 'reason', letter.reason))
    const payload = letter.payloadText ?? letter.payloadHex ?? ''
    const cut = payload.length > MAX_PAYLOAD
    const again = element('p', 'quiet', 'Once it can be read: ')
    again.append(element('code', '', `npx anyhub dead-letters redrive ${letter.id}`))
    details.append(
      summary,
      element('pre', '', cut ? `${payload.slice(0, MAX_PAYLOAD)} …` : payload || '(no bytes)'),
      element('p', 'quiet', `${letter.code} · ${letter.topic} · ${letter.payloadBytes} bytes`),
      again,
    )
    item.append(details)
    return item
  }

  function age() {
    const now = Date.now()
    for (const { item, at } of shown.values())
      setText(item.querySelector('.at'), formatAge(at, now))
  }

  return {
    /**
     * Looks again if the counters say that there is something new.
     *
     * @param {Record<string, number>} stats
     */
    follow(stats) {
      const now = `${stats['dead_letters.kept'] ?? 0}/${stats['uplink.rejected'] ?? 0}`
      if (now === known || timer !== 0) return
      known = now
      timer = setTimeout(fetchLatest, Math.max(0, fetchedAt + EVERY_MS - performance.now()))
    },
    age,
  }
}
