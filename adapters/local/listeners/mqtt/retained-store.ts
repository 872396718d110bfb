import type { MqttQos } from './hooks.ts'

/** A message that is kept for later subscribers of its topic. */
export interface RetainedMessage {
  readonly topic: string
  /** A copy of its own: nothing else writes to it. */
  readonly payload: Uint8Array
  readonly qos: MqttQos
  /** Encoded MQTT 5 properties that are passed on; empty if there are none. */
  readonly properties: Uint8Array
  /** Epoch ms after which it is no longer sent; `Infinity` if it stays. */
  readonly expiresAt: number
}

/** Keeps one message per topic. */
export interface RetainedStore {
  get(topic: string): RetainedMessage | undefined
  /** Keeps or, with `undefined`, removes. Gives false if there is no room; then nothing is kept for the topic. */
  set(topic: string, message: RetainedMessage | undefined): boolean
  /** The messages whose topic matches the filter, given as its levels. */
  match(filter: readonly string[]): readonly RetainedMessage[]
  /** Resolves once what was set since the last call is durable; `undefined` if nothing was, rejects if it was refused. */
  owed(): Promise<void> | undefined
  readonly size: number
}

export interface RetainedBounds {
  readonly maxMessages: number
  /** Topic, payload and property bytes over all messages, and 64 bytes for each level of their topics. */
  readonly maxBytes: number
}

interface Node {
  readonly children: Map<string, Node>
  message: RetainedMessage | undefined
}

/** Keeps retained messages in memory, within bounds, in a trie over topic levels. */
export function createMemoryRetainedStore(
  bounds: RetainedBounds = { maxMessages: 50_000, maxBytes: 67_108_864 },
): RetainedStore {
  const root: Node = { children: new Map(), message: undefined }
  let size = 0
  let bytes = 0

  function find(topic: string): Node | undefined {
    let node: Node | undefined = root
    for (const level of topic.split('/')) node = node?.children.get(level)
    return node
  }

  function remove(node: Node, levels: readonly string[], depth: number): void {
    const level = levels[depth]
    if (level === undefined) {
      if (node.message) {
        size -= 1
        bytes -= costOf(node.message)
      }
      node.message = undefined
      return
    }
    const child = node.children.get(level)
    if (!child) return
    remove(child, levels, depth + 1)
    if (!child.message && child.children.size === 0) node.children.delete(level)
  }

  return {
    get: (topic) => find(topic)?.message,

    set(topic, message) {
      const levels = topic.split('/')
      remove(root, levels, 0)
      if (!message) return true
      const cost = costOf(message)
      if (size + 1 > bounds.maxMessages || bytes + cost > bounds.maxBytes) return false
      let node = root
      for (const level of levels) {
        let child = node.children.get(level)
        if (!child) {
          child = { children: new Map(), message: undefined }
          node.children.set(level, child)
        }
        node = child
      }
      node.message = message
      size += 1
      bytes += cost
      return true
    },

    match(filter) {
      const found: RetainedMessage[] = []
      matchNode(root, filter, 0, found)
      return found
    },

    owed: () => undefined,
    get size() {
      return size
    },
  }
}

function costOf(message: RetainedMessage): number {
  const { topic, payload, properties } = message
  return topic.length + payload.length + properties.length + 64 * topic.split('/').length
}

function matchNode(
  node: Node,
  filter: readonly string[],
  depth: number,
  found: RetainedMessage[],
): void {
  const level = filter[depth]
  if (level === undefined) {
    if (node.message) found.push(node.message)
  } else if (level === '#') {
    // `a/#` matches `a` itself as well (MQTT-4.7.1-2).
    takeAll(node, depth, found)
  } else if (level === '+') {
    for (const [name, child] of node.children) {
      if (depth > 0 || !name.startsWith('$')) matchNode(child, filter, depth + 1, found)
    }
  } else {
    const child = node.children.get(level)
    if (child) matchNode(child, filter, depth + 1, found)
  }
}

function takeAll(node: Node, depth: number, found: RetainedMessage[]): void {
  if (node.message) found.push(node.message)
  for (const [name, child] of node.children) {
    if (depth > 0 || !name.startsWith('$')) takeAll(child, depth + 1, found)
  }
}
