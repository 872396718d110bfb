/** One level of the trie. Maps exist only where they are needed: most levels have one child. */
interface TrieNode<T> {
  children: Map<string, TrieNode<T>> | undefined
  /** The child for `+`. */
  any: TrieNode<T> | undefined
  /** What ends here. */
  here: T | undefined
  /** What ends here with `#`. */
  below: T | undefined
}

/** Finds what is registered under the filters that a topic reaches, with AWS semantics. */
export interface TopicTrie<T> {
  /** What is registered under each filter that the topic reaches. */
  match(topic: string): T[]
  /** What is registered under one filter, made if it is new. */
  at(filter: string): T
}

export function createTopicTrie<T>(make: () => T): TopicTrie<T> {
  const root = createNode<T>()

  return {
    at(filter) {
      let node = root
      for (const level of filter.split('/')) {
        if (level === '#') {
          node.below ??= make()
          return node.below
        }
        node = level === '+' ? childAny(node) : child(node, level)
      }
      node.here ??= make()
      return node.here
    },

    match(topic) {
      const found: T[] = []
      const levels = topic.split('/')
      collect(root, levels, 0, !topic.startsWith('$'), found)
      return found
    },
  }
}

function createNode<T>(): TrieNode<T> {
  return { children: undefined, any: undefined, here: undefined, below: undefined }
}

function child<T>(node: TrieNode<T>, level: string): TrieNode<T> {
  node.children ??= new Map()
  const known = node.children.get(level)
  if (known !== undefined) return known
  const made = createNode<T>()
  node.children.set(level, made)
  return made
}

function childAny<T>(node: TrieNode<T>): TrieNode<T> {
  node.any ??= createNode<T>()
  return node.any
}

/** `wild` is false at the first level of topics that begin with `$`. */
function collect<T>(
  node: TrieNode<T>,
  levels: readonly string[],
  depth: number,
  wild: boolean,
  found: T[],
): void {
  const level = levels[depth]
  if (level === undefined) {
    if (node.here !== undefined) found.push(node.here)
    return
  }
  if (wild && node.below !== undefined) found.push(node.below)
  const exact = node.children?.get(level)
  if (exact !== undefined) collect(exact, levels, depth + 1, true, found)
  if (wild && node.any !== undefined) collect(node.any, levels, depth + 1, true, found)
}
