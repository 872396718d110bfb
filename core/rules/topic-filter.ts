import { CoreError } from '../errors.ts'

/** How `a/#` stands to `a`: MQTT lets it match the parent, AWS IoT does not. */
export type TopicDialect = 'aws' | 'mqtt'

/** Unit: bytes of UTF-8. Source: MQTT-1.5.4, a string has a length of two bytes. */
const MAX_FILTER_BYTES = 65_535

/** What is wrong with a topic filter; `undefined` if nothing is. Source: MQTT-4.7.1-1, -2, -3, MQTT-4.7.3. */
export function topicFilterFault(filter: string): string | undefined {
  if (filter === '') return 'expected a topic filter, found nothing'
  if (filter.includes('\0')) return 'expected a topic filter without the character U+0000'
  if (filter.length * 3 > MAX_FILTER_BYTES && isTooLong(filter)) {
    return `expected at most ${MAX_FILTER_BYTES} bytes of topic filter`
  }
  for (let at = nextWildcard(filter, 0); at !== -1; at = nextWildcard(filter, at + 1)) {
    const startsLevel = at === 0 || filter[at - 1] === '/'
    const isLast = at === filter.length - 1
    if (filter[at] === '#' && !(startsLevel && isLast)) {
      return `expected # to be the whole last level of the topic filter, found "${filter}"`
    }
    if (filter[at] === '+' && !(startsLevel && (isLast || filter[at + 1] === '/'))) {
      return `expected + to be a whole level of the topic filter, found "${filter}"`
    }
  }
  return undefined
}

/** Where the next `+` or `#` stands; -1 if nowhere. */
function nextWildcard(filter: string, from: number): number {
  for (let at = from; at < filter.length; at += 1) {
    const code = filter.charCodeAt(at)
    if (code === HASH || code === PLUS) return at
  }
  return -1
}

const HASH = 35
const PLUS = 43

function isTooLong(filter: string): boolean {
  return new TextEncoder().encode(filter).length > MAX_FILTER_BYTES
}

/**
 * Checks a topic filter.
 *
 * @throws CoreError `rule.topic_filter` if it is none.
 */
export function checkTopicFilter(filter: string): void {
  const fault = topicFilterFault(filter)
  if (fault !== undefined) throw new CoreError('rule.topic_filter', fault)
}

/** True for what a message can be published on: a topic has no wildcards. */
export function isTopic(topic: string): boolean {
  return topic !== '' && !/[+#\0]/.test(topic)
}

/**
 * True if a message on `topic` reaches `filter`; an invalid filter or topic reaches nothing.
 *
 * A wildcard in the first level does not match topics that begin with `$`. With `aws` `a/#` matches
 * `a/` and below, not `a` itself.
 * Source: MQTT-4.7; AWS IoT developer guide, "MQTT topics".
 */
export function matchTopicFilter(filter: string, topic: string, dialect: TopicDialect): boolean {
  if (topicFilterFault(filter) !== undefined || !isTopic(topic)) return false
  if (filter === topic) return true
  if (topic.startsWith('$') && (filter.startsWith('+') || filter.startsWith('#'))) return false
  const wanted = filter.split('/')
  const found = topic.split('/')
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return found.length > index || dialect === 'mqtt'
    if (index >= found.length || (level !== '+' && level !== found[index])) return false
  }
  return wanted.length === found.length
}

/** The topic of a Basic Ingest publish without its prefix; `undefined` for any other topic. */
export function basicIngestTopic(topic: string): string | undefined {
  if (!topic.startsWith('$aws/rules/')) return undefined
  const end = topic.indexOf('/', '$aws/rules/'.length)
  return end === -1 ? '' : topic.slice(end + 1)
}
