import type { CoreError } from '../errors.ts'
import type { Json } from '../model/json.ts'
import { toRuleError } from './guard.ts'
import type { RuleMessage, RuleResult } from './message.ts'
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

/** So many topics keep their matches at hand, and up to as many that were heard before them. */
const LIVE_TOPICS = 10_000

interface Item<T> extends Indexed {
  /** Its place in the rule set. */
  readonly order: number
  readonly entry: T
  /** Makes the output of the group: one rule for all of them, so that its closures are at hand. */
  readonly lead: CompiledRule
}

/** The rules of one topic filter; the index is built when the first message asks. */
interface FilterRules<T> {
  readonly items: Item<T>[]
  index: PredicateIndex<Item<T>> | undefined
}

type RuleEntry = { readonly rule: CompiledRule }

interface LiveTopic<T> {
  readonly filters: readonly FilterRules<T>[]
  /** All entries, found when they are asked for. */
  entries: readonly T[] | undefined
}

/** Builds the set once; entries cannot be added later. Rules without FROM are never matched. */
export function createRuleSet<T extends RuleEntry>(entries: readonly T[]): RuleSet<T> {
  const trie = createTopicTrie<FilterRules<T>>(() => ({ items: [], index: undefined }))
  const groups = groupsOf(entries)
  for (const [order, entry] of entries.entries()) {
    const { rule } = entry
    const { predicate, filter } = rule
    if (filter === '') continue
    const shared = groups[order]
    const { group, lead } = shared === undefined || shared.size === 1 ? alone(rule) : shared
    trie.at(filter).items.push({ order, entry, predicate, group, lead })
  }
  const topicOf = createTopicMemory((topic): LiveTopic<T> => {
    return { filters: trie.match(topic), entries: undefined }
  })

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
        const { items } = filter
        // A rule by itself is asked at once. Of a text with more digits than the body an index knows nothing.
        if (items.length > 1 && message.rawText === undefined) {
          indexOf(filter).visit(message.body, gathering, gather)
        } else for (const item of items) open(gathering, item, false, undefined)
      }
      return gathering.outputs ?? NO_OUTPUTS
    },
  }
}

const NO_OUTPUTS: readonly never[] = []

/**
 * Remembers what was found for topics. Two generations: what was asked for in the younger one or the one before is at
 * hand, and forgetting costs nothing, whether topics come again and again or each one once.
 */
function createTopicMemory<T>(find: (topic: string) => T): (topic: string) => T {
  let young = new Map<string, T>()
  let old = new Map<string, T>()
  let lastTopic: string | undefined
  let last: T | undefined

  return (topic) => {
    // Messages of one device come in batches.
    if (topic === lastTopic && last !== undefined) return last
    let found = young.get(topic)
    if (found === undefined) {
      found = old.get(topic) ?? find(topic)
      if (young.size >= LIVE_TOPICS) {
        old = young
        young = new Map()
      }
      young.set(topic, found)
    }
    lastTopic = topic
    last = found
    return found
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
  { items, only }: ItemList<Item<T>>,
  from: number,
  to: number,
): void {
  if (only !== undefined) {
    found.push(only)
    return
  }
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

/** An output that rules share. */
interface Group {
  /** Its number, from 1 on; 0 for a rule whose output is its own. */
  readonly group: number
  /** The first of the rules. */
  readonly lead: CompiledRule
  size: number
}

function alone(lead: CompiledRule): Group {
  return { group: 0, lead, size: 1 }
}

/** The group of each rule, in their order. */
function groupsOf(entries: readonly RuleEntry[]): readonly Group[] {
  const bySelect = new Map<string, Group[]>()
  let count = 0
  return entries.map(({ rule }) => {
    const { sql, sqlVersion, limits, outputEnd } = rule
    if (outputEnd === 0) return alone(rule)
    const select = sql.slice(0, outputEnd)
    const groups = bySelect.get(select) ?? []
    if (groups.length === 0) bySelect.set(select, groups)
    for (const group of groups) {
      if (group.lead.sqlVersion !== sqlVersion || group.lead.limits !== limits) continue
      group.size += 1
      return group
    }
    count += 1
    const made = { group: count, lead: rule, size: 1 }
    groups.push(made)
    return made
  })
}

type OpenOutput<T> = RuleOutput<T> & { readonly entries: T[] }

/** The outputs of one message so far; each group is projected once. */
interface Gathering<T> {
  readonly message: RuleMessage
  /** Made when the first rule matches: to most messages most rule sets say nothing. */
  outputs: OpenOutput<T>[] | undefined
  /** The output that was shared last: most messages have no other. */
  lastGroup: number
  last: OpenOutput<T> | undefined
  /** The shared outputs before the last one. */
  byGroup: Map<number, OpenOutput<T>> | undefined
}

function startGathering<T>(message: RuleMessage): Gathering<T> {
  return { message, outputs: undefined, lastGroup: 0, last: undefined, byGroup: undefined }
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
    gathering.byGroup.set(lastGroup, last)
  }
  gathering.lastGroup = group
  gathering.last = output
}

function gather<T extends RuleEntry>(
  gathering: Gathering<T>,
  { items, only, areWhole, isUniform }: ItemList<Item<T>>,
  from: number,
  to: number,
  isCertain: boolean,
): void {
  if (only !== undefined) {
    gatherOne(gathering, only, isCertain && areWhole)
    return
  }
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
    if (item !== undefined) gatherOne(gathering, item, isCertain && (areWhole || isWhole(item)))
  }
}

function isWhole({ predicate }: Indexed): boolean {
  return predicate === 'always' || predicate?.isWhole === true
}

/** `holds` tells that WHERE is known to be true. */
function gatherOne<T extends RuleEntry>(
  gathering: Gathering<T>,
  item: Item<T>,
  holds: boolean,
): void {
  const { group, entry } = item
  const known = holds ? sharedOutput(gathering, group) : undefined
  if (known === undefined) open(gathering, item, holds, undefined)
  else known.entries.push(entry)
}

/** Runs a rule for itself, or for all that are found together with it; others of its group may come after it. */
function open<T extends RuleEntry>(
  gathering: Gathering<T>,
  { entry, group, lead }: Item<T>,
  holds: boolean,
  together: T[] | undefined,
): void {
  try {
    let value: Extract<RuleResult, { status: 'output' }>['value']
    if (holds) value = lead.project(gathering.message)
    else {
      const result = entry.rule.evaluate(gathering.message)
      if (result.status === 'no_match') return
      value = result.value
    }
    const output = { status: 'output', value, entries: together ?? [entry] } as const
    add(gathering, output)
    share(gathering, group, output)
  } catch (error) {
    const entries = together ?? [entry]
    add(gathering, { status: 'failed', error: toRuleError(error), entries })
  }
}

function add<T>(gathering: Gathering<T>, output: OpenOutput<T>): void {
  if (gathering.outputs === undefined) gathering.outputs = [output]
  else gathering.outputs.push(output)
}
