import { createAlarmList, createAnnouncer } from './alarm-list.js'
import { createDeadLetterList } from './dead-letter-list.js'
import { createDeviceList } from './device-list.js'
import { createFleet } from './fleet.js'
import { formatCount, setText } from './format.js'
import { createStatsBar } from './stats-bar.js'
import { followStream } from './stream.js'

// The stream changes the model at once; what people see follows with the next frame, however much came in between.

/** @typedef {import('./fleet.js').Device} Device */
/** @typedef {import('./fleet.js').Summary} Summary */

const search = /** @type {HTMLInputElement} */ (document.getElementById('search'))
const sort = /** @type {HTMLSelectElement} */ (document.getElementById('sort'))
const empty = /** @type {HTMLElement} */ (document.getElementById('empty'))
const noMatch = /** @type {HTMLElement} */ (document.getElementById('no-match'))

const fleet = createFleet()
const deviceList = createDeviceList()
const statsBar = createStatsBar()
const deadLetters = createDeadLetterList()
const announcer = createAnnouncer()
const alarmList = createAlarmList((deviceId) => {
  if (search.value !== '') searchFor('')
  deviceList.reveal(deviceId)
})

/** @type {Set<Device>} */
const changed = new Set()
let orderChanged = false
let alarmsChanged = false
let searchChanged = false
let frame = 0
let heardAll = false

/** @param {Summary} summary */
function take(summary, announce = true) {
  const { device, isNew, alarmsBefore } = fleet.update(summary)
  changed.add(device)
  const sameAlarms = JSON.stringify(alarmsBefore) === JSON.stringify(device.alarms)
  if (isNew || !sameAlarms) {
    orderChanged = true
    alarmsChanged = true
  }
  if (announce && !sameAlarms) announcer.compare(device, alarmsBefore)
}

function later() {
  if (frame === 0) frame = requestAnimationFrame(draw)
}

function draw() {
  frame = 0
  if (orderChanged) deviceList.arrange(fleet.devices.values(), sort.value)
  for (const device of changed) deviceList.refresh(device)
  if (alarmsChanged) {
    const open = alarmList.show(fleet.devices.values())
    statsBar.alarms(open)
    document.title = open === 0 ? 'anyhub' : `(${open}) anyhub`
  }
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean)
  if (orderChanged || searchChanged || words.length > 0) {
    const { size } = fleet.devices
    const found = deviceList.filter(words)
    const all = size === 0 ? '' : formatCount(size)
    const text = words.length === 0 ? all : `${formatCount(found)} of ${all}`
    setText(document.getElementById('count'), text)
    noMatch.hidden = found > 0 || size === 0
    empty.hidden = size > 0 || !heardAll
  }
  changed.clear()
  orderChanged = false
  alarmsChanged = false
  searchChanged = false
}

/** @param {string} text */
function searchFor(text) {
  search.value = text
  searchChanged = true
  later()
}

followStream('/events', {
  onSnapshot({ devices, stats }) {
    const first = !heardAll
    heardAll = true
    for (const summary of devices) take(/** @type {Summary} */ (summary), !first)
    statsBar.restart()
    statsBar.count(stats)
    statsBar.online(fleet.devices)
    deadLetters.follow(stats)
    orderChanged = true
    alarmsChanged = true
    later()
  },
  onDevices(devices) {
    for (const summary of devices) take(/** @type {Summary} */ (summary))
    later()
  },
  onStats(stats) {
    statsBar.count(stats)
    deadLetters.follow(stats)
  },
  onState(state) {
    document.body.dataset['stream'] = state
    const since = new Date().toLocaleTimeString()
    const text = state === 'live' ? 'live' : `no answer since ${since}, trying again`
    setText(document.getElementById('stream'), text)
  },
})

setInterval(() => {
  if (document.hidden) return
  deviceList.age()
  alarmList.age()
  deadLetters.age()
  statsBar.online(fleet.devices)
}, 1_000)

search.addEventListener('input', () => searchFor(search.value))
sort.addEventListener('change', () => {
  orderChanged = true
  later()
})
document.getElementById('clear-search')?.addEventListener('click', () => {
  searchFor('')
  search.focus()
})
document.addEventListener('keydown', (event) => {
  const typing =
    event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement
  if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault()
    search.focus()
    search.select()
  }
  if (event.key === 'Escape' && event.target === search) searchFor('')
})

// What to do while there is nothing to see

const { host, hostname, origin, port, protocol } = location
setText(document.getElementById('host'), host)
setText(document.getElementById('curl'), `curl -d '{"temp": 31}' ${origin}/devices/dev-1/telemetry`)
const websocket = `${protocol === 'https:' ? 'wss' : 'ws'}://${host}/mqtt`
const usual = port === '8080' && ['127.0.0.1', 'localhost'].includes(hostname)
setText(
  document.getElementById('demo'),
  usual ? 'npx anyhub demo' : `npx anyhub demo --mqtt ${websocket}`,
)
for (const button of document.querySelectorAll('[data-copy]')) {
  button.addEventListener('click', async () => {
    const source = document.getElementById(button.getAttribute('data-copy') ?? '')
    try {
      await navigator.clipboard.writeText(source?.textContent ?? '')
      setText(button, 'Copied')
    } catch {
      if (source !== null) getSelection()?.selectAllChildren(source)
      setText(button, 'Selected')
    }
    setTimeout(() => setText(button, 'Copy'), 2_000)
  })
}
