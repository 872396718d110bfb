/** Checks and comparisons of topic names and filters. Source: MQTT 5.0 section 4.7, the same in 3.1.1. */

const PLUS = 43
const HASH = 35
const SLASH = 47

/** Number of levels, or 0 if this is no topic name: empty, or with a wildcard (MQTT-3.3.2-2, MQTT-4.7.3-1). */
export function topicNameLevels(topic: string): number {
  if (topic.length === 0) return 0
  let levels = 1
  for (let index = 0; index < topic.length; index += 1) {
    const code = topic.charCodeAt(index)
    if (code === SLASH) levels += 1
    else if (code === PLUS || code === HASH) return 0
  }
  return levels
}

/** The levels of a filter, or `undefined` if a wildcard stands where none may (MQTT-4.7.1-1, MQTT-4.7.1-2). */
export function filterLevels(filter: string): readonly string[] | undefined {
  if (filter.length === 0) return undefined
  const levels = filter.split('/')
  for (const [index, level] of levels.entries()) {
    if (level === '+' || (level === '#' && index === levels.length - 1)) continue
    if (level.includes('+') || level.includes('#')) return undefined
  }
  return levels
}

/** A subscription's filter taken apart: `$share/group/filter` names a group (MQTT-4.8.2-1, MQTT-4.8.2-2). */
export interface ParsedFilter {
  readonly group: string | undefined
  readonly levels: readonly string[]
}

/** Takes a filter apart, or gives `undefined` if it is not valid. */
export function parseFilter(filter: string): ParsedFilter | undefined {
  if (!filter.startsWith('$share/')) {
    const levels = filterLevels(filter)
    return levels && { group: undefined, levels }
  }
  const slash = filter.indexOf('/', 7)
  if (slash < 0) return undefined
  const group = filter.slice(7, slash)
  const levels = filterLevels(filter.slice(slash + 1))
  if (group === '' || group.includes('+') || group.includes('#') || !levels) return undefined
  return { group, levels }
}

/** True if the filter matches; a leading wildcard never matches a topic that starts with `$` (MQTT-4.7.2-1). */
export function filterMatches(filter: readonly string[], topic: readonly string[]): boolean {
  const first = filter[0]
  if ((first === '+' || first === '#') && topic[0]?.startsWith('$')) return false
  for (const [index, level] of filter.entries()) {
    if (level === '#') return true
    const name = topic[index]
    if (name === undefined || (level !== '+' && level !== name)) return false
  }
  return filter.length === topic.length
}
