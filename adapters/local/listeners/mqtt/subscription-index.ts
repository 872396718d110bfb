import type { MqttQos } from './hooks.ts'
import type { ParsedFilter } from './topic.ts'

/** One subscription as its client asked for it. */
export interface Subscription {
  readonly filter: string
  readonly parsed: ParsedFilter
  readonly qos: MqttQos
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  /** 0: none. */
  readonly identifier: number
}

/** What one client gets of a topic: its matching subscriptions as one (MQTT-3.3.4-2 to -4 allow one copy). */
export interface Grant {
  readonly qos: MqttQos
  readonly retainAsPublished: boolean
  readonly identifiers: readonly number[]
}

export interface Delivery<S> {
  readonly subscriber: S
  readonly grant: Grant
  /** The same for messages of the subscriber's own, `undefined` if all its subscriptions say No Local. */
  readonly echo: Grant | undefined
}

/** The members of one shared subscription; each message goes to one of them (MQTT-4.8.2-4). */
export interface ShareGroup<S> {
  readonly members: Map<S, Subscription>
  /** Position of the member that was served last. */
  turn: number
}

export interface Matches<S> {
  readonly deliveries: readonly Delivery<S>[]
  readonly groups: readonly ShareGroup<S>[]
}

/** A topic that was seen, with its subscribers as long as nothing changed. */
export interface KnownTopic<S> {
  readonly topic: string
  readonly bytes: Buffer
  bucket: Bucket
  generation: number
  epoch: number
  matches: Matches<S>
}

/** What one filter change can make stale: all topics that begin with the same levels. */
interface Bucket {
  generation: number
}

interface Node<S> {
  readonly children: Map<string, Node<S>>
  readonly subscriptions: Map<S, Subscription>
  readonly groups: Map<string, ShareGroup<S>>
}

/** Levels that name a bucket: enough to tell devices apart in every topic scheme that the dialects speak. */
const BUCKET_LEVELS = 3
const MAX_BUCKETS = 50_000
const MAX_TOPICS = 10_000
/** Longer topics are not remembered, so that the memory of the cache has a bound. */
const MAX_CACHED_TOPIC = 256

/** Finds the subscribers of a topic. `S` is whatever stands for a subscriber. */
export interface SubscriptionIndex<S> {
  /** Adds a subscription, or replaces the one with the same filter. */
  add(subscriber: S, subscription: Subscription): void
  remove(subscriber: S, subscription: Subscription): void
  /** The record of a topic. Its matches are read through `matches`. */
  topic(topic: string): KnownTopic<S>
  matches(known: KnownTopic<S>): Matches<S>
  readonly size: number
}

/** Creates an empty index: a trie over levels, with the matches of recent topics remembered. */
export function createSubscriptionIndex<S>(): SubscriptionIndex<S> {
  const root = createNode<S>()
  const topics = new Map<string, KnownTopic<S>>()
  const buckets = new Map<string, Bucket>()
  let epoch = 0
  let size = 0

  function invalidate(levels: readonly string[]): void {
    const head = levels.slice(0, BUCKET_LEVELS)
    if (head.includes('+') || head.includes('#')) {
      epoch += 1
      return
    }
    const bucket = buckets.get(head.join('/'))
    if (bucket) bucket.generation += 1
    // `a/b/c/#` matches `a/b/c` too, which has the same bucket; `a/b/#` has a wildcard in its head.
  }

  function bucketOf(topic: string): Bucket {
    const key = topic.slice(0, headLength(topic))
    let bucket = buckets.get(key)
    if (!bucket) {
      if (buckets.size >= MAX_BUCKETS) {
        // Topics still held by connections must not trust a bucket that no filter change can reach.
        buckets.clear()
        epoch += 1
      }
      bucket = { generation: 0 }
      buckets.set(key, bucket)
    }
    return bucket
  }

  function refresh(known: KnownTopic<S>): void {
    known.bucket = bucketOf(known.topic)
    known.generation = known.bucket.generation
    known.epoch = epoch
    known.matches = collect(root, known.topic)
  }

  return {
    add(subscriber, subscription) {
      const { group, levels } = subscription.parsed
      let node = root
      for (const level of levels) {
        let child = node.children.get(level)
        if (!child) {
          child = createNode()
          node.children.set(level, child)
        }
        node = child
      }
      let members = node.subscriptions
      if (group !== undefined) {
        const share = node.groups.get(group) ?? { members: new Map(), turn: 0 }
        node.groups.set(group, share)
        members = share.members
      }
      if (!members.has(subscriber)) size += 1
      members.set(subscriber, subscription)
      invalidate(levels)
    },

    remove(subscriber, subscription) {
      const { group, levels } = subscription.parsed
      if (removeAt(root, levels, 0, group, subscriber)) size -= 1
      invalidate(levels)
    },

    topic(topic) {
      const found = topics.get(topic)
      if (found) return found
      const bucket = bucketOf(topic)
      const known: KnownTopic<S> = {
        topic,
        bytes: Buffer.from(topic),
        bucket,
        generation: -1,
        epoch: -1,
        matches: { deliveries: [], groups: [] },
      }
      if (known.bytes.length <= MAX_CACHED_TOPIC) {
        if (topics.size >= MAX_TOPICS) topics.clear()
        topics.set(topic, known)
      }
      return known
    },

    matches(known) {
      if (known.generation !== known.bucket.generation || known.epoch !== epoch) refresh(known)
      return known.matches
    },

    get size() {
      return size
    },
  }
}

function createNode<S>(): Node<S> {
  return { children: new Map(), subscriptions: new Map(), groups: new Map() }
}

/** Length of the first levels of a topic, as they name its bucket. */
function headLength(topic: string): number {
  let at = -1
  for (let level = 0; level < BUCKET_LEVELS; level += 1) {
    at = topic.indexOf('/', at + 1)
    if (at < 0) return topic.length
  }
  return at
}

/** Takes one subscription out and prunes what is empty; gives false if there was none. */
function removeAt<S>(
  node: Node<S>,
  levels: readonly string[],
  depth: number,
  group: string | undefined,
  subscriber: S,
): boolean {
  const level = levels[depth]
  if (level === undefined) {
    if (group === undefined) return node.subscriptions.delete(subscriber)
    const share = node.groups.get(group)
    const removed = share?.members.delete(subscriber) ?? false
    if (share?.members.size === 0) node.groups.delete(group)
    return removed
  }
  const child = node.children.get(level)
  if (!child) return false
  const removed = removeAt(child, levels, depth + 1, group, subscriber)
  if (child.children.size === 0 && child.subscriptions.size === 0 && child.groups.size === 0) {
    node.children.delete(level)
  }
  return removed
}

function collect<S>(root: Node<S>, topic: string): Matches<S> {
  const bySubscriber = new Map<S, Subscription[]>()
  const groups: ShareGroup<S>[] = []
  const levels = topic.split('/')
  const isSystem = topic.startsWith('$')

  function take(node: Node<S>): void {
    for (const [subscriber, subscription] of node.subscriptions) {
      const list = bySubscriber.get(subscriber)
      if (list) list.push(subscription)
      else bySubscriber.set(subscriber, [subscription])
    }
    groups.push(...node.groups.values())
  }

  function walk(node: Node<S>, depth: number): void {
    // MQTT-4.7.2-1: a leading wildcard does not match a topic that starts with `$`.
    const wildcards = depth > 0 || !isSystem
    const hash = wildcards ? node.children.get('#') : undefined
    if (hash) take(hash)
    const level = levels[depth]
    if (level === undefined) {
      take(node)
      return
    }
    const exact = node.children.get(level)
    if (exact) walk(exact, depth + 1)
    const plus = wildcards ? node.children.get('+') : undefined
    if (plus) walk(plus, depth + 1)
  }

  walk(root, 0)
  const deliveries: Delivery<S>[] = []
  for (const [subscriber, subscriptions] of bySubscriber) {
    const grant = merge(subscriptions)
    const local = subscriptions.filter((subscription) => !subscription.noLocal)
    const echo = local.length === subscriptions.length ? grant : merge(local)
    if (grant) deliveries.push({ subscriber, grant, echo })
  }
  return { deliveries, groups }
}

/** Several subscriptions of one client as one: the highest QoS (MQTT-3.3.5-1 of 3.1.1) and all identifiers. */
export function merge(subscriptions: readonly Subscription[]): Grant | undefined {
  const [first, ...others] = subscriptions
  if (!first) return undefined
  let qos = first.qos
  let retainAsPublished = first.retainAsPublished
  const identifiers = first.identifier === 0 ? [] : [first.identifier]
  for (const other of others) {
    if (other.qos > qos) qos = other.qos
    retainAsPublished ||= other.retainAsPublished
    if (other.identifier !== 0) identifiers.push(other.identifier)
  }
  return { qos, retainAsPublished, identifiers }
}
