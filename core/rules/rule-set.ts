import type { CoreError } from '../errors.ts'
import type { Json } from '../model/json.ts'
import { toRuleError } from './guard.ts'
import type { RuleMessage } from './message.ts'
import {
  createPredicateIndex,
  type Indexed,
  type ItemList,
  type PredicateIndex,
} from './predicate-index.ts'
import type { CompiledRule } from './rule.ts'
import { createTopicTrie } from './topic-trie.ts'

/** What some rules made of one message: rules that select the same share one output. */
export type RuleOutput<T> =
  | {
      readonly status: 'output'
      readonly value: Json | Uint8Array | undefined
      readonly entries: readonly T[]
    }
  /** The error is `rule.limit` or `rule.failed`. */
  | { readonly status: 'failed'; readonly error: CoreError; readonly entries: readonly T[] }

/** Rules by topic filter, with AWS semantics, and below it by the comparisons of their WHERE. */
export interface RuleSet<T> {
  /**
   * The entries whose filter the topic reaches, in the order they were given. With a body those are left out
   * whose WHERE compares a path with a literal, and is not true; the others are still to be evaluated.
   * A body must be the whole row: for messages with a `rawText` leave it out.
   */
  match(topic: string, body?: Json): readonly T[]
  /** Runs all rules that a message reaches. Their number counts only where they are true. Total: errors are outputs. */
  run(message: RuleMessage): readonly RuleOutput<T>[]
  readonly size: number
}

/** How many topics keep their matches at hand. Beyond it the oldest is forgotten. */
const LIVE_TOPICS = 10_000

interface Item<T> extends Indexed {
  /** Its place in the rule set. */
  readonly order: number
  readonly entry: T
}

/** The rules of one topic filter; the index is built when the first message asks. */
interface FilterRules<T> {
  readonly items: Item<T>[]
  index: PredicateIndex<Item<T>> | undefined
}

interface LiveTopic<T> {
  readonly filters: readonly FilterRules<T>[]
  /** All entries, found when they are asked for. */
  entries: readonly T[] | undefined
}

/** Builds the set once; entries cannot be added later. Rules without FROM are never matched. */
export function createRuleSet<T extends { readonly rule: CompiledRule }>(
  entries: readonly T[],
): RuleSet<T> {
  const trie = createTopicTrie<FilterRules<T>>(() => ({ items: [], index: undefined }))
  const groupOf = createGrouper()
  for (const [order, entry] of entries.entries()) {
    const { rule } = entry
    if (rule.filter === '') continue
    const { predicate } = rule
    trie.at(rule.filter).items.push({ order, entry, predicate, group: groupOf(rule) })
  }
  const live = new Map<string, LiveTopic<T>>()

  function topicOf(topic: string): LiveTopic<T> {
    const known = live.get(topic)
    if (known !== undefined) return known
    const found: LiveTopic<T> = { filters: trie.match(topic), entries: undefined }
    if (live.size >= LIVE_TOPICS) {
      const oldest = live.keys().next().value
      if (oldest !== undefined) live.delete(oldest)
    }
    live.set(topic, found)
    return found
  }

  return {
    size: entries.length,
    match(topic, body) {
      const found = topicOf(topic)
      if (body !== undefined) return inOrder(candidates(found.filters, body))
      found.entries ??= inOrder(found.filters.flatMap(({ items }) => items))
      return found.entries
    },
    run(message) {
      const gathering = startGathering<T>(message)
      for (const filter of topicOf(message.facts.topic).filters) {
        if (message.rawText === undefined) indexOf(filter).visit(message.body, gathering, gather)
        else for (const item of filter.items) gatherOne(gathering, item, false)
      }
      return gathering.outputs
    },
  }
}

function indexOf<T>(filter: FilterRules<T>): PredicateIndex<Item<T>> {
  filter.index ??= createPredicateIndex(filter.items)
  return filter.index
}

function candidates<T>(filters: readonly FilterRules<T>[], body: Json): Item<T>[] {
  const found: Item<T>[] = []
  for (const filter of filters) indexOf(filter).visit(body, found, collect)
  return found
}

function collect<T>(
  found: Item<T>[],
  { items }: ItemList<Item<T>>,
  from: number,
  to: number,
): void {
  for (let at = from; at < to; at += 1) {
    const item = items[at]
    if (item !== undefined) found.push(item)
  }
}

function inOrder<T>(items: readonly Item<T>[]): readonly T[] {
  const [first] = items
  if (first === undefined) return []
  if (items.length === 1) return [first.entry]
  return items.toSorted((left, right) => left.order - right.order).map(({ entry }) => entry)
}

/** Numbers the outputs that rules can share, from 1 on; 0 for a rule whose output is its own. */
function createGrouper(): (rule: CompiledRule) => number {
  const groups = new Map<string, Map<unknown, number>>()
  let count = 0
  return ({ sql, sqlVersion, limits, outputEnd }) => {
    if (outputEnd === 0) return 0
    const text = `${sqlVersion} ${sql.slice(0, outputEnd)}`
    const byLimits = groups.get(text) ?? new Map<unknown, number>()
    groups.set(text, byLimits)
    const known = byLimits.get(limits)
    if (known !== undefined) return known
    count += 1
    byLimits.set(limits, count)
    return count
  }
}

type OpenOutput<T> = RuleOutput<T> & { readonly entries: T[] }

/** The outputs of one message so far; each group is projected once. */
interface Gathering<T> {
  readonly message: RuleMessage
  readonly outputs: OpenOutput<T>[]
  /** The output that was shared last: most messages have no other. */
  lastGroup: number
  last: OpenOutput<T> | undefined
  /** All shared outputs, once there is more than one. */
  byGroup: Map<number, OpenOutput<T>> | undefined
}

function startGathering<T>(message: RuleMessage): Gathering<T> {
  return { message, outputs: [], lastGroup: 0, last: undefined, byGroup: undefined }
}

function sharedOutput<T>(gathering: Gathering<T>, group: number): OpenOutput<T> | undefined {
  if (group === 0) return undefined
  return gathering.lastGroup === group ? gathering.last : gathering.byGroup?.get(group)
}

function share<T>(gathering: Gathering<T>, group: number, output: OpenOutput<T>): void {
  if (group === 0) return
  const { lastGroup, last } = gathering
  if (last !== undefined) {
    gathering.byGroup ??= new Map()
    gathering.byGroup.set(lastGroup, last).set(group, output)
  }
  gathering.lastGroup = group
  gathering.last = output
}

type RuleEntry = { readonly rule: CompiledRule }

function gather<T extends RuleEntry>(
  gathering: Gathering<T>,
  { items, isUniform }: ItemList<Item<T>>,
  from: number,
  to: number,
  isCertain: boolean,
): void {
  const first = items[from]
  if (first !== undefined && isUniform && isCertain && to - from > 1) {
    if (sharedOutput(gathering, first.group) === undefined) {
      const entries: T[] = []
      for (let at = from; at < to; at += 1) {
        const item = items[at]
        if (item !== undefined) entries.push(item.entry)
      }
      open(gathering, first, true, entries)
      return
    }
  }
  for (let at = from; at < to; at += 1) {
    const item = items[at]
    if (item !== undefined) gatherOne(gathering, item, isCertain)
  }
}

function gatherOne<T extends RuleEntry>(
  gathering: Gathering<T>,
  item: Item<T>,
  isCertain: boolean,
): void {
  const { predicate, group, entry } = item
  const holds = isCertain && (predicate === 'always' || predicate?.isWhole === true)
  const known = holds ? sharedOutput(gathering, group) : undefined
  if (known === undefined) open(gathering, item, holds, [entry])
  else known.entries.push(entry)
}

/** Runs a rule for itself and for the others of its group that come after it. */
function open<T extends RuleEntry>(
  gathering: Gathering<T>,
  { entry, group }: Item<T>,
  holds: boolean,
  entries: T[],
): void {
  try {
    const result = entry.rule.evaluate(gathering.message, holds)
    if (result.status === 'no_match') return
    const output = { status: 'output', value: result.value, entries } as const
    gathering.outputs.push(output)
    share(gathering, group, output)
  } catch (error) {
    gathering.outputs.push({ status: 'failed', error: toRuleError(error), entries })
  }
}
