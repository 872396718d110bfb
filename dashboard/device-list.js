import { ask } from './access.js'
import { matches, ordered, presence, putHistory, weight } from './fleet.js'
import { element, formatAge, formatCount, formatValue, setText } from './format.js'
import { drawSparkline } from './sparkline.js'

/** @typedef {import('./fleet.js').Device} Device */

/** Values beside the main one that a row has room for. */
const MAX_VALUES = 12
const MAX_CHIPS = 3
/** How many histories are asked of the cloud at the same time. */
const MAX_QUESTIONS = 2
const HISTORY_ROWS = 90

const PRESENCES = {
  connected: 'connected',
  heard: 'not connected, heard of lately',
  silent: 'not connected',
  offline: 'offline',
  late: 'connected, but silent for longer than expected',
  unreachable: 'its gateway is gone',
}

/**
 * @typedef {object} Row
 * @property {Device} device
 * @property {HTMLElement} item
 * @property {HTMLElement} values
 * @property {SVGElement} trend
 * @property {boolean} visible
 * @property {boolean} stale Something changed while nobody could see it.
 * @property {HTMLElement | undefined} details
 * @property {Map<string, HTMLElement>} shown The elements of its values, by metric.
 */

/** The list of devices: a row is drawn only while it can be seen, and only what changed of it. */
export function createDeviceList() {
  const list = /** @type {HTMLElement} */ (document.getElementById('device-list'))
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById('device-row'))
  /** @type {Map<string, Row>} */
  const rows = new Map()
  /** @type {WeakMap<Element, Row>} */
  const rowOf = new WeakMap()
  /** @type {Row[]} */
  const questions = []
  let asking = 0

  const sight = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const row = rowOf.get(target)
        if (row === undefined) continue
        row.visible = isIntersecting
        if (!isIntersecting) continue
        if (row.stale) draw(row, Date.now())
        askHistory(row)
      }
    },
    { rootMargin: '200px 0px' },
  )

  list.addEventListener('click', (event) => {
    const button = event.target instanceof Element ? event.target.closest('button.id') : null
    const item = button?.closest('.device')
    const row = item ? rowOf.get(item) : undefined
    if (row !== undefined) toggle(row)
  })

  /** @param {Device} device */
  function add(device) {
    const copy = /** @type {DocumentFragment} */ (template.content.cloneNode(true))
    const item = /** @type {HTMLElement} */ (copy.firstElementChild)
    setText(item.querySelector('.id'), device.deviceId)
    /** @type {Row} */
    const row = {
      device,
      item,
      values: /** @type {HTMLElement} */ (item.querySelector('.values')),
      trend: /** @type {SVGElement} */ (item.querySelector('.trend')),
      visible: false,
      stale: true,
      details: undefined,
      shown: new Map(),
    }
    rows.set(device.deviceId, row)
    rowOf.set(item, row)
    sight.observe(item)
  }

  /** @param {Row} row */
  function toggle(row) {
    const open = row.details === undefined
    row.item.querySelector('.id')?.setAttribute('aria-expanded', String(open))
    row.item.classList.toggle('open', open)
    if (open) {
      row.details = element('div', 'details')
      row.item.append(row.details)
    } else {
      row.details?.remove()
      row.details = undefined
    }
    draw(row, Date.now())
  }

  // Drawing

  /**
   * @param {Row} row
   * @param {number} now
   */
  function draw(row, now) {
    const { device, item } = row
    row.stale = false
    drawAlarms(row)
    drawValues(row)
    const main = device.main === undefined ? undefined : device.last[device.main]
    setText(
      item.querySelector('.main b'),
      main === undefined || device.main === undefined ? '–' : formatValue(device.main, main.value),
    )
    setText(item.querySelector('.main span'), device.main ?? '')
    drawSparkline(row.trend, device.history)
    drawAge(row, now)
    if (row.details !== undefined) drawDetails(row, row.details, now)
  }

  /** @param {Row} row */
  function drawAlarms({ device, item }) {
    const alarms = device.alarms.toSorted((a, b) => weight(b.severity) - weight(a.severity))
    const worst = alarms[0]?.severity ?? ''
    if (item.dataset['severity'] !== worst) item.dataset['severity'] = worst
    const chips = item.querySelector('.chips')
    const wanted = alarms.map(({ alarmId, severity }) => `${severity} ${alarmId}`).join('\n')
    if (chips === null || chips.getAttribute('data-shown') === wanted) return
    chips.setAttribute('data-shown', wanted)
    const more = alarms.length - MAX_CHIPS
    chips.replaceChildren(
      ...alarms.slice(0, MAX_CHIPS).map(({ alarmId, severity, text }) => {
        const chip = element('span', `chip ${severity}`, alarmId)
        chip.title = text
        return chip
      }),
      ...(more > 0 ? [element('span', 'chip', `+${more}`)] : []),
    )
  }

  /** @param {Row} row */
  function drawValues({ device, values, shown }) {
    let room = MAX_VALUES
    for (const metric in device.last) {
      if (metric === device.main || room-- <= 0) continue
      let place = shown.get(metric)
      if (place === undefined) {
        const pair = element('span', 'pair', `${metric} `)
        place = element('span', 'value')
        pair.append(place)
        values.append(pair)
        shown.set(metric, place)
      }
      const text = formatValue(metric, device.last[metric]?.value)
      if (place.textContent === text) continue
      place.textContent = text
      // What stands behind a number shall not move when it gets shorter.
      const width = typeof device.last[metric]?.value === 'number' ? Math.min(text.length, 12) : 0
      if (width > Number(place.dataset['width'] ?? 0)) {
        place.dataset['width'] = String(width)
        place.style.minWidth = `${width}ch`
      }
    }
  }

  /**
   * @param {Row} row
   * @param {number} now
   */
  function drawAge({ device, item }, now) {
    const state = presence(device, now)
    if (item.dataset['presence'] !== state) {
      item.dataset['presence'] = state
      item.querySelector('.dot')?.setAttribute('aria-label', PRESENCES[state])
    }
    const age = formatAge(device.seenAt, now)
    const isAbsent = state === 'offline' || state === 'late' || state === 'unreachable'
    const absent = age === 'now' ? state : `${state}\n${age}`
    setText(item.querySelector('.seen'), isAbsent ? absent : age)
  }

  /**
   * @param {Row} row
   * @param {HTMLElement} details
   * @param {number} now
   */
  function drawDetails({ device }, details, now) {
    const alarms = device.alarms.map((alarm) => {
      const line = element('p', `alarm-line ${alarm.severity}`)
      const since = alarm.raisedAt === null ? '' : ` · ${formatAge(alarm.raisedAt, now)}`
      line.append(element('b', '', alarm.alarmId), ` ${alarm.text}${since}`)
      return line
    })
    const table = element('dl', 'all-values')
    for (const [metric, { value, at }] of Object.entries(device.last)) {
      const entry = element('div', '')
      const wanted = Object.hasOwn(device.desired ?? {}, metric)
        ? device.desired?.[metric]
        : undefined
      const number = element('dd', '', formatValue(metric, value))
      if (wanted !== undefined && wanted !== value)
        number.append(element('i', 'wanted', ` → ${formatValue(metric, wanted)} desired`))
      entry.append(element('dt', '', metric), number, element('dd', 'at', formatAge(at, now)))
      table.append(entry)
    }
    const { accepted, pendingCommands = 0 } = device
    const commands =
      pendingCommands === 0
        ? ''
        : `${pendingCommands} ${pendingCommands === 1 ? 'command waits' : 'commands wait'} · `
    const facts = element('p', 'quiet', `${formatCount(accepted)} messages accepted · ${commands}`)
    const link = element('a', '', 'everything known, as JSON')
    link.href = `/devices/${encodeURIComponent(device.deviceId)}`
    facts.append(link)
    // Whoever walks through the page with the keyboard keeps his place.
    const focused = details.contains(document.activeElement)
    details.replaceChildren(...alarms, table, facts)
    if (focused) link.focus()
  }

  // The trend of the time before the page was opened

  /** @param {Row} row */
  function askHistory(row) {
    if (row.device.historyAsked || row.device.accepted < 2) return
    row.device.historyAsked = true
    questions.push(row)
    void answerQuestions()
  }

  async function answerQuestions() {
    if (asking >= MAX_QUESTIONS) return
    asking++
    for (let row = questions.pop(); row !== undefined; row = questions.pop()) {
      const { device } = row
      try {
        const path = `/devices/${encodeURIComponent(device.deviceId)}/telemetry?limit=${HISTORY_ROWS}`
        const answer = await ask(path)
        if (answer.ok) putHistory(device, (await answer.json()).rows)
        if (row.visible) drawSparkline(row.trend, device.history)
      } catch {
        // The trend starts with what the page sees itself.
      }
    }
    asking--
  }

  return {
    /**
     * Draws a device that changed.
     *
     * @param {Device} device
     */
    refresh(device) {
      const row = rows.get(device.deviceId)
      if (row === undefined) return
      if (row.visible) draw(row, Date.now())
      else row.stale = true
      if (row.visible) askHistory(row)
    },

    /** Lets the ages of what can be seen grow. */
    age() {
      const now = Date.now()
      for (const row of rows.values()) {
        if (!row.visible) continue
        drawAge(row, now)
        if (row.details !== undefined) drawDetails(row, row.details, now)
      }
    },

    /**
     * Brings the rows into order and leaves alone those that stand right.
     *
     * @param {Iterable<Device>} devices
     * @param {string} sort
     */
    arrange(devices, sort) {
      const focused = document.activeElement
      let at = list.firstElementChild
      for (const device of ordered(devices, sort)) {
        if (!rows.has(device.deviceId)) add(device)
        const item = rows.get(device.deviceId)?.item
        if (item === undefined) continue
        // A row that went far down would make all the others move: it waits at the end for its turn.
        if (at !== null && at !== item && at.nextElementSibling === item) {
          list.append(at)
          at = item
        }
        if (at === item) at = item.nextElementSibling
        else list.insertBefore(item, at)
      }
      if (
        focused instanceof HTMLElement &&
        document.activeElement !== focused &&
        list.contains(focused)
      )
        focused.focus({ preventScroll: true })
    },

    /**
     * Shows the devices that match, and returns their number.
     *
     * @param {readonly string[]} words
     */
    filter(words) {
      let count = 0
      for (const { device, item } of rows.values()) {
        const fits = matches(device, words)
        if (fits) count++
        if (item.hidden === fits) item.hidden = !fits
      }
      return count
    },

    /**
     * Lets somebody see one device.
     *
     * @param {string} deviceId
     */
    reveal(deviceId) {
      const row = rows.get(deviceId)
      if (row === undefined) return
      row.item.hidden = false
      row.item.scrollIntoView({ block: 'center' })
      if (row.details === undefined) toggle(row)
      const button = row.item.querySelector('.id')
      if (button instanceof HTMLElement) button.focus({ preventScroll: true })
    },
  }
}
