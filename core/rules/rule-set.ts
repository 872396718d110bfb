import type { CompiledRule } from './rule.ts'
import { createTopicTrie } from './topic-trie.ts'

/** Rules by topic filter, with AWS semantics. */
export interface RuleSet<T> {
  /** The entries whose filter the topic reaches, in the order they were given. */
  match(topic: string): readonly T[]
  readonly size: number
}

/** How many topics keep their matches at hand. Beyond it the oldest is forgotten. */
const LIVE_TOPICS = 10_000

/** Builds the index once; entries cannot be added later. Rules without FROM are never matched. */
export function createRuleSet<T extends { readonly rule: CompiledRule }>(
  entries: readonly T[],
): RuleSet<T> {
  const trie = createTopicTrie<number>()
  for (const [index, entry] of entries.entries()) {
    if (entry.rule.filter !== '') trie.listOf(entry.rule.filter).push(index)
  }
  const live = new Map<string, readonly T[]>()

  function find(topic: string): readonly T[] {
    const indexes = trie.match(topic).flat()
    indexes.sort((left, right) => left - right)
    const found: T[] = []
    for (const index of indexes) {
      const entry = entries[index]
      if (entry !== undefined) found.push(entry)
    }
    return found
  }

  return {
    size: entries.length,
    match(topic) {
      const known = live.get(topic)
      if (known !== undefined) return known
      const found = find(topic)
      if (live.size >= LIVE_TOPICS) {
        const oldest = live.keys().next().value
        if (oldest !== undefined) live.delete(oldest)
      }
      live.set(topic, found)
      return found
    },
  }
}
