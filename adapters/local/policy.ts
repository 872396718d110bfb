import type { Meaning } from './dialects/dialect.ts'
import { DIALECTS } from './dialects/list.ts'

// What a device that proved who it is may do: speak and listen on its own topics, in whatever dialect.

/** Says whether some level of a topic is the id of a device. */
export type IsDevice = (level: string) => boolean

/**
 * Whether a device may publish on a topic that means this.
 *
 * A plain topic is telemetry of who publishes, so it needs to name nobody; the first device that it names has to be
 * the one that publishes.
 */
export function mayPublish(
  topic: string,
  meaning: Meaning,
  deviceId: string,
  isDevice: IsDevice,
): boolean {
  switch (meaning.kind) {
    case 'telemetry':
    case 'shadow':
    case 'settlement':
    case 'method_answer':
      return meaning.deviceId === deviceId
    case 'own': {
      if (meaning.ruleId !== undefined) return true
      const first = topic.split('/').find((level) => level === deviceId || isDevice(level))
      return first === undefined || first === deviceId
    }
    case 'stats':
    case 'unknown':
      return false
  }
}

/**
 * Whether a device may subscribe to a filter: it has to name the device, before any wildcard, where its dialect names
 * the device, and on a plain topic before any other device.
 */
export function maySubscribe(filter: string, deviceId: string, isDevice: IsDevice): boolean {
  // Source: MQTT 5.0, 4.8.2: $share/{group}/{filter}.
  const levels = filter.split('/').slice(filter.startsWith('$share/') ? 2 : 0)
  for (const { prefix, at } of DIALECTS.flatMap((dialect) => dialect.namespaces)) {
    if (prefix.every((level, index) => levels[index] === level)) return levels[at] === deviceId
  }
  if (levels[0]?.startsWith('$') === true) return false
  for (const level of levels) {
    if (isWildcard(level)) return false
    if (level === deviceId) return true
    if (isDevice(level)) return false
  }
  return false
}

function isWildcard(level: string): boolean {
  return level === '+' || level === '#'
}
