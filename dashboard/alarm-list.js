import { weight } from './fleet.js'
import { element, formatAge, setText } from './format.js'

/** @typedef {import('./fleet.js').Device} Device */
/** @typedef {import('./fleet.js').Alarm} Alarm */

const MAX_SHOWN = 50

/**
 * The open alarms of all devices, the worst and then the newest first.
 *
 * @param {(deviceId: string) => void} onOpen Somebody wants to see the device.
 */
export function createAlarmList(onOpen) {
  const list = /** @type {HTMLElement} */ (document.getElementById('alarm-list'))
  const none = /** @type {HTMLElement} */ (document.getElementById('no-alarms'))
  /** @type {Map<string, {item: HTMLElement, alarm: Alarm}>} */
  const shown = new Map()

  list.addEventListener('click', (event) => {
    const button = event.target instanceof Element ? event.target.closest('button') : null
    if (button !== null) onOpen(button.textContent ?? '')
  })

  /**
   * @param {string} deviceId
   * @param {Alarm} alarm
   */
  function make(deviceId, alarm) {
    const item = element('li', `alarm ${alarm.severity}`)
    const head = element('div', 'alarm-head')
    head.append(
      element('span', `chip ${alarm.severity}`, alarm.alarmId),
      element('button', 'link', deviceId),
      element('span', 'at'),
    )
    item.append(head, element('p', 'text', alarm.text))
    return item
  }

  /** @param {{item: HTMLElement, alarm: Alarm}} entry */
  function drawAge({ item, alarm }, now = Date.now()) {
    const age = alarm.raisedAt === null ? '' : formatAge(alarm.raisedAt, now)
    setText(item.querySelector('.at'), alarm.acknowledgedAt === null ? age : `seen, ${age}`)
  }

  return {
    /**
     * Shows what is open now, and returns how many alarms that are.
     *
     * @param {Iterable<Device>} devices
     */
    show(devices) {
      const open = []
      for (const device of devices)
        for (const alarm of device.alarms) open.push({ deviceId: device.deviceId, alarm })
      open.sort(
        (a, b) =>
          weight(b.alarm.severity) - weight(a.alarm.severity) ||
          (b.alarm.raisedAt ?? 0) - (a.alarm.raisedAt ?? 0),
      )
      const keys = new Set()
      let at = list.firstElementChild
      for (const { deviceId, alarm } of open.slice(0, MAX_SHOWN)) {
        const key = `${deviceId}\n${alarm.alarmId}\n${alarm.raisedAt}`
        keys.add(key)
        const entry = shown.get(key) ?? { item: make(deviceId, alarm), alarm }
        entry.alarm = alarm
        shown.set(key, entry)
        drawAge(entry)
        if (at === entry.item) at = at.nextElementSibling
        else list.insertBefore(entry.item, at)
      }
      for (const [key, { item }] of shown) {
        if (keys.has(key)) continue
        item.remove()
        shown.delete(key)
      }
      list.hidden = open.length === 0
      none.hidden = open.length > 0
      list.dataset['more'] = open.length > MAX_SHOWN ? `and ${open.length - MAX_SHOWN} more` : ''
      return open.length
    },

    age() {
      for (const entry of shown.values()) drawAge(entry)
    },
  }
}

/** Says aloud what was raised and cleared, not more than a sentence a second. */
export function createAnnouncer() {
  const place = /** @type {HTMLElement} */ (document.getElementById('announcer'))
  /** @type {string[]} */
  let sentences = []
  let timer = 0

  function speak() {
    timer = 0
    const said = sentences
    sentences = []
    const few = said.length <= 3
    place.textContent = few ? said.join('. ') : `${said.length} alarms were raised or cleared`
  }

  return {
    /**
     * @param {Device} device
     * @param {readonly Alarm[]} before
     */
    compare({ deviceId, alarms }, before) {
      const isIn = (/** @type {readonly Alarm[]} */ list, /** @type {Alarm} */ alarm) =>
        list.some((one) => one.alarmId === alarm.alarmId && one.raisedAt === alarm.raisedAt)
      for (const alarm of alarms)
        if (!isIn(before, alarm))
          sentences.push(`${alarm.severity} alarm ${alarm.alarmId} on ${deviceId}: ${alarm.text}`)
      for (const alarm of before)
        if (!isIn(alarms, alarm)) sentences.push(`${alarm.alarmId} on ${deviceId} is cleared`)
      if (sentences.length > 0 && timer === 0) timer = setTimeout(speak, 1_000)
    },
  }
}
