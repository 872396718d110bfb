/** Decimals that a metric has shown so far: with as many it is shown from then on, so that numbers stand still. */
const decimalsOf = /** @type {Map<string, number>} */ (new Map())

const MAX_DECIMALS = 3
const MAX_TEXT = 200

/**
 * A measured value as people read it.
 *
 * @param {string} metric
 * @param {unknown} value
 */
export function formatValue(metric, value) {
  if (typeof value !== 'number') return String(value).slice(0, MAX_TEXT)
  const size = Math.abs(value)
  if (size >= 1e9 || (size < 1e-3 && size > 0)) return minus(value.toPrecision(4))
  const exact = String(Number(value.toFixed(MAX_DECIMALS)))
  const point = exact.indexOf('.')
  const decimals = Math.max(decimalsOf.get(metric) ?? 0, point < 0 ? 0 : exact.length - point - 1)
  decimalsOf.set(metric, decimals)
  return minus(value.toFixed(decimals))
}

/** @param {number} count */
export function formatCount(count) {
  return count.toLocaleString('en-US')
}

/**
 * How long ago something was: `now`, `12 s ago`, `3 min ago`.
 *
 * @param {number} at Epoch ms.
 * @param {number} now Epoch ms.
 */
export function formatAge(at, now) {
  if (at === 0) return 'never'
  const seconds = Math.max(0, Math.round((now - at) / 1_000))
  if (seconds < 4) return 'now'
  if (seconds < 100) return `${seconds} s ago`
  const minutes = Math.round(seconds / 60)
  if (minutes < 100) return `${minutes} min ago`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `${hours} h ago` : `${Math.round(hours / 24)} d ago`
}

/** @param {string} text */
function minus(text) {
  return text.replace('-', '−')
}

/**
 * Sets the text of an element if it is another one: a text that stays costs no layout.
 *
 * @param {Element | null} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element !== null && element.textContent !== text) element.textContent = text
}

/**
 * Makes an element with a class and a text. Whatever a device sent goes through here: as text, never as HTML.
 *
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {string} className
 * @param {string} [text]
 */
export function element(name, className, text) {
  const made = document.createElement(name)
  made.className = className
  if (text !== undefined) made.textContent = text
  return made
}
