import type { RouteSource } from './check.ts'
import type { Evaluate } from './compile.ts'
import type { CompiledCondition } from './condition.ts'
import { requiredEquality } from './equality.ts'
import type { RouteMessage } from './message.ts'

/** What a route set needs to know of a route. */
export interface RouteEntry {
  readonly source: RouteSource
  /** `undefined`: the fallback, for messages that no other route of the source takes. */
  readonly condition: CompiledCondition | undefined
  /** What it adds to a message. */
  readonly enrichments?: readonly { readonly needsTwin: boolean }[]
}

/** Routes by source, and below it by the equalities that their conditions ask for. */
export interface RouteSet<T> {
  /** The routes that take a message, in the order they were given. */
  match(source: RouteSource, message: RouteMessage): readonly T[]
  /** Whether any route takes messages of a source. */
  has(source: RouteSource): boolean
  /** True if a condition or an enrichment, of the source or of any, asks for the twin of the sender. */
  needsTwin(source?: RouteSource): boolean
  readonly size: number
}

/** Routes with one and the same condition: it is evaluated once. */
interface Group {
  readonly condition: CompiledCondition
  readonly orders: number[]
}

/** Groups whose condition asks that one thing equals something, by what it must equal. */
interface Column {
  readonly read: Evaluate
  readonly groups: Map<string | number, Group[]>
}

interface Sourced {
  readonly columns: readonly Column[]
  /** Groups that no equality tells apart. */
  readonly others: readonly Group[]
  readonly fallbacks: readonly number[]
  readonly needsTwin: boolean
}

const NONE: readonly never[] = []

/** Builds the set once; routes cannot be added later. */
export function createRouteSet<T extends RouteEntry>(entries: readonly T[]): RouteSet<T> {
  const bySource = new Map<RouteSource, Sourced>()
  for (const source of new Set(entries.map((entry) => entry.source)))
    bySource.set(source, arrange(entries, source))

  return {
    size: entries.length,
    has: (source) => bySource.has(source),
    needsTwin: (source) =>
      source === undefined
        ? [...bySource.values()].some((sourced) => sourced.needsTwin)
        : (bySource.get(source)?.needsTwin ?? false),
    match(source, message) {
      const sourced = bySource.get(source)
      if (sourced === undefined) return NONE
      const found: number[] = []
      for (const { read, groups } of sourced.columns) {
        const value = read(message)
        if (typeof value !== 'string' && typeof value !== 'number') continue
        for (const group of groups.get(value) ?? NONE) gather(group, message, found)
      }
      for (const group of sourced.others) gather(group, message, found)
      if (found.length === 0) found.push(...sourced.fallbacks)
      if (found.length > 1) found.sort((left, right) => left - right)
      return found.flatMap((order) => entries[order] ?? [])
    },
  }
}

function gather({ condition, orders }: Group, message: RouteMessage, found: number[]): void {
  if (condition.evaluate(message) === true) found.push(...orders)
}

function arrange(entries: readonly RouteEntry[], source: RouteSource): Sourced {
  const groups = new Map<string, Group>()
  const fallbacks: number[] = []
  for (const [order, entry] of entries.entries()) {
    if (entry.source !== source) continue
    const { condition } = entry
    if (condition === undefined) {
      fallbacks.push(order)
      continue
    }
    const known = groups.get(condition.text)
    if (known === undefined) groups.set(condition.text, { condition, orders: [order] })
    else known.orders.push(order)
  }
  const columns = new Map<string, Column>()
  const others: Group[] = []
  for (const group of groups.values()) {
    const { root, types } = group.condition
    const required = root === undefined ? undefined : requiredEquality(root, types)
    if (required === undefined) {
      others.push(group)
      continue
    }
    const { key, read, value } = required
    const column = columns.get(key) ?? { read, groups: new Map() }
    columns.set(key, column)
    column.groups.set(value, [...(column.groups.get(value) ?? []), group])
  }
  return {
    columns: [...columns.values()],
    others,
    fallbacks,
    needsTwin: entries.some(
      (entry) =>
        entry.source === source &&
        [entry.condition, ...(entry.enrichments ?? NONE)].some((one) => one?.needsTwin === true),
    ),
  }
}
