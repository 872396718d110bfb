// Runs in the page, before the page's own scripts: what tests ask of it.

/** How far things moved by themselves since `watchShifts`, and what the content security policy stopped. */
const found = { shift: 0, /** @type {string[]} */ stopped: [] }

document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
  found.stopped.push(`${violatedDirective} ${blockedURI}`)
})

globalThis.probe = { found, watchShifts, sizes, contrasts, showStranger }

/** Source: web.dev/cls; a shift that follows an input of the visitor does not count. */
function watchShifts() {
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) found.shift += entry.value
  }).observe({ type: 'layout-shift' })
}

/** How wide the content is, and what sticks out of the window. */
function sizes() {
  const parts = document.querySelectorAll('.device, .alarm, .letter, .stat, .tools, .copy')
  const out = [...parts].filter(
    (part) => part.getBoundingClientRect().right > document.documentElement.clientWidth,
  )
  return { width: document.documentElement.scrollWidth, out: out.map(({ className }) => className) }
}

/**
 * Texts whose contrast to what is behind them is under 4.5, and the luminance of the ground.
 *
 * Source: WCAG 2.2, success criterion 1.4.3 and the definition of relative luminance.
 */
function contrasts() {
  const weak = []
  let count = 0
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some(
      (node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim() !== '',
    )
    if (!own || element.getClientRects().length === 0) continue
    count++
    const pair = [luminance(getComputedStyle(element).color), luminance(behind(element))]
    const contrast = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05)
    if (contrast < 4.5) weak.push(`${element.className} ${contrast.toFixed(2)}`)
  }
  return { count, weak, ground: luminance(getComputedStyle(document.body).backgroundColor) }
}

function luminance(colour) {
  const [red, green, blue] = numbers(colour).map((channel) => {
    const share = channel / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function behind(element) {
  if (element === null) return 'rgb(255, 255, 255)'
  const colour = getComputedStyle(element).backgroundColor
  return (numbers(colour)[3] ?? 1) > 0.99 ? colour : behind(element.parentElement)
}

function numbers(colour) {
  return (colour.match(/[\d.]+/g) ?? []).map(Number)
}

/** Shows a device in which every text is the given one, as a cloud that lets everything through would tell it. */
async function showStranger(text) {
  const { createFleet } = await import('/fleet.js')
  const { createDeviceList } = await import('/device-list.js')
  const fleet = createFleet()
  fleet.update({
    deviceId: text,
    connected: true,
    seenAt: 1,
    presenceChangedAt: 1,
    accepted: 1,
    last: { [text]: { value: text, at: 1 } },
    alarms: [{ alarmId: text, severity: text, text, raisedAt: 1, acknowledgedAt: null }],
    desired: { [text]: `${text}!` },
  })
  createDeviceList().arrange(fleet.devices.values(), 'name')
}
