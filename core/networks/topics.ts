/** Values under MQTT filters; the first that was added and fits counts. */
export interface TopicMap<T> {
  find(topic: string): T | undefined
}

interface Entry<T> {
  readonly filter: string
  readonly levels: readonly string[]
  readonly value: T
}

/**
 * Builds a map of filters. Topics of devices themselves (`devices/…`) and reserved ones (`$…`) are under none of them.
 * Source: MQTT 5.0, 4.7.
 */
export function createTopicMap<T>(
  filters: Iterable<readonly [filter: string, value: T]>,
): TopicMap<T> {
  const byFirst = new Map<string, Entry<T>[]>()
  const anyFirst: Entry<T>[] = []
  for (const [filter, value] of filters) {
    const levels = filter.split('/')
    const [first = ''] = levels
    const entry = { filter, levels, value }
    if (first === '+' || first === '#') {
      anyFirst.push(entry)
      continue
    }
    const known = byFirst.get(first)
    if (known === undefined) byFirst.set(first, [entry])
    else known.push(entry)
  }
  const isEmpty = byFirst.size === 0 && anyFirst.length === 0
  return {
    find(topic) {
      if (isEmpty || topic.startsWith('$') || topic.startsWith('devices/')) return undefined
      const levels = topic.split('/')
      const named = byFirst.get(levels[0] ?? '')?.find((one) => fits(one.levels, levels))
      return (named ?? anyFirst.find((one) => fits(one.levels, levels)))?.value
    },
  }
}

function fits(filter: readonly string[], topic: readonly string[]): boolean {
  for (const [index, level] of filter.entries()) {
    if (level === '#') return true
    if (index >= topic.length || (level !== '+' && level !== topic[index])) return false
  }
  return filter.length === topic.length
}
