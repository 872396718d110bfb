// Runs in the page, before the page's own scripts: what tests ask of it.

/** How far things moved by themselves since `watchShifts`, and what the content security policy stopped. */
const found = { shift: 0, /** @type {string[]} */ stopped: [] }

document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
  found.stopped.push(`${violatedDirective} ${blockedURI}`)
})

globalThis.probe = { found, watchShifts, sizes, ground }

/** Source: web.dev/cls; a shift that follows an input of the visitor does not count. */
function watchShifts() {
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) found.shift += entry.value
  }).observe({ type: 'layout-shift' })
}

/** How wide the content is, and what sticks out of the window without a place of its own to scroll in. */
function sizes() {
  const { clientWidth, scrollWidth } = document.documentElement
  const out = [...document.querySelectorAll('#root *')].filter((part) => {
    const { right, width } = part.getBoundingClientRect()
    return width > 0 && right > clientWidth + 1 && !isClipped(part)
  })
  return { width: scrollWidth, out: out.map(({ tagName, className }) => `${tagName} ${className}`) }
}

function isClipped(part) {
  for (let at = part.parentElement; at !== null && at.id !== 'root'; at = at.parentElement)
    if (getComputedStyle(at).overflowX !== 'visible') return true
  return false
}

/** Luminance of the ground, 0 to 1. Source: WCAG 2.2, relative luminance. */
function ground() {
  const [red, green, blue] = getComputedStyle(document.body)
    .backgroundColor.match(/[\d.]+/g)
    .map((channel) => {
      const share = Number(channel) / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
