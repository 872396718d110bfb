import { type Device, isOnline, presenceOf } from '../../live/device.ts'

const COMPARISON = /^(alarms|accepted|last\.[^<>=:]+)(<=|>=|<|>|=|:)(-?\d+(?:\.\d+)?)$/

/**
 * Whether a device fits every word of a search, for clouds that do not search themselves: a part of their language.
 * Words are looked for in the id, the alarms and the values.
 */
export function fits(device: Device, query: string, now: number): boolean {
  return query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
    .every((word) => fitsWord(device, word, now))
}

function fitsWord(device: Device, word: string, now: number): boolean {
  const [, name = '', operator = '', number = ''] = COMPARISON.exec(word) ?? []
  if (name !== '') return compare(numberOf(device, name), operator, Number(number))
  const colon = word.indexOf(':')
  const field = colon < 0 ? '' : word.slice(0, colon)
  const value = word.slice(colon + 1)
  if (field === 'state') {
    const presence = presenceOf(device, now)
    if (value === 'online') return isOnline(presence)
    return presence === value || (value === 'offline' && presence === 'unreachable')
  }
  if (field === 'alarm')
    return device.alarms.some(
      ({ alarmId, severity }) => severity === value || alarmId.toLowerCase() === value,
    )
  if (field === 'type') return device.type?.toLowerCase() === value
  return textOf(device).includes(word)
}

function numberOf(device: Device, name: string): number {
  if (name === 'alarms') return device.alarms.length
  if (name === 'accepted') return device.accepted
  const wanted = name.slice('last.'.length)
  const metric = Object.keys(device.last).find((one) => one.toLowerCase() === wanted)
  const value = metric === undefined ? undefined : device.last[metric]?.value
  return typeof value === 'number' ? value : Number.NaN
}

function compare(found: number, operator: string, wanted: number): boolean {
  if (operator === '<') return found < wanted
  if (operator === '>') return found > wanted
  if (operator === '<=') return found <= wanted
  return operator === '>=' ? found >= wanted : found === wanted
}

function textOf(device: Device): string {
  const alarms = device.alarms.map(
    ({ alarmId, severity, text }) => `${alarmId} ${severity} ${text}`,
  )
  const values = Object.entries(device.last).map(([metric, { value }]) => `${metric} ${value}`)
  return [device.deviceId, ...alarms, ...values].join('\n').toLowerCase()
}
