import type { Subscription } from '../../api-administer.ts'

/** A field as a list of texts; empty where it is none. */
export function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}

/** A field as a text; '' where it is none. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** What is in an object under a name. */
export function fieldOf(value: unknown, name: string): unknown {
  return Object.entries(Object(value)).find(([key]) => key === name)?.[1]
}

/** Who is told, in words. */
export function toWords({ to }: Subscription): string {
  const people = textsOf(fieldOf(to, 'people'))
  const groups = textsOf(fieldOf(to, 'groups'))
  const channels = textsOf(fieldOf(to, 'channels'))
  const addresses = fieldOf(to, 'addresses')
  const count = Array.isArray(addresses) ? addresses.length : 0
  return [
    people.length > 0 ? people.join(', ') : '',
    groups.length > 0 ? `everybody of ${groups.join(', ')}` : '',
    channels.length > 0 ? `channels ${channels.join(', ')}` : '',
    count > 0 ? `${count} ${count === 1 ? 'address' : 'addresses'}` : '',
  ]
    .filter((part) => part !== '')
    .join(' · ')
}

/** Of what they are told, in a few words each. */
export function filterOf(one: Subscription): readonly string[] {
  const severity = textOf(one['severity'])
  const devices = textOf(one['devices'])
  return [
    ...(severity === '' || severity === 'info' ? [] : [`from ${severity}`]),
    ...(devices === '' || devices === '*' ? [] : [devices]),
    ...textsOf(one['events']),
    ...['quietHours', 'schedule', 'digest', 'throttle', 'escalation']
      .filter((name) => one[name] !== undefined)
      .map((name) => name.replace('Hours', ' hours')),
  ]
}
