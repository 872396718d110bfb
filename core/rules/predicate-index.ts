import type { Json } from '../model/json.ts'
import { compilePath, type ReadPath } from './compile-path.ts'
import type { Predicate } from './predicate.ts'
import { toNumeric } from './value.ts'

/** What an index needs to know of an item. */
export interface Indexed {
  /** When the item may be true; `always` if it is, `undefined` if nothing is known. */
  readonly predicate: Predicate | 'always' | undefined
  /** Items of one group make the same of a body; 0 for an item that is alone. */
  readonly group: number
}

/** Items that are found together. */
export interface ItemList<T> {
  readonly items: readonly T[]
  /** The item of a list of one. */
  readonly only: T | undefined
  /** True if their predicates are all that counts. */
  readonly areWhole: boolean
  /** True if besides they are of one group. */
  readonly isUniform: boolean
}

/**
 * Takes the items from `from` up to but not `to`, never none. `isCertain` tells that their predicate is true.
 * The state is the caller's: one function serves all visits.
 */
export type TakeItems<T, S> = (
  state: S,
  list: ItemList<T>,
  from: number,
  to: number,
  isCertain: boolean,
) => void

/** Finds the items whose predicate a body fulfils. */
export interface PredicateIndex<T extends Indexed> {
  /** Hands over the items that may be true of a body, each once: those whose predicate is, and those without one. */
  visit<S>(body: Json | undefined, state: S, take: TakeItems<T, S>): void
}

type Order = Exclude<Predicate['sign'], '='>
type Literal = Predicate['literal']

interface PathIndex<T> {
  readonly read: ReadPath
  readonly equals: ReadonlyMap<Literal, ItemList<T>>
  readonly thresholds: readonly Thresholds<T>[]
}

/** Items sorted by their literals. */
interface Thresholds<T> extends ItemList<T> {
  /** True where values above a limit fulfil it. */
  readonly isAbove: boolean
  /** True if a limit that equals the value counts as below it. */
  readonly countsEqual: boolean
  readonly limits: Float64Array
}

/** Groups of at least this size are sorted by themselves, so that they can be taken as a whole. */
const BIG_GROUP = 32
/** A search in each group costs: past so many the rest is searched together. */
const MOST_GROUPS = 16

/** Builds an index once; items cannot be added later. */
export function createPredicateIndex<T extends Indexed>(items: readonly T[]): PredicateIndex<T> {
  const always = listOf(items.filter(({ predicate }) => predicate === 'always'))
  const unknown = listOf(items.filter(({ predicate }) => predicate === undefined))
  const byPath = new Map<string, T[]>()
  for (const item of items) {
    const predicate = predicateOf(item)
    if (predicate !== undefined) put(byPath, keyOf(predicate.path), item)
  }
  const paths = [...byPath.values()].map(indexPath)

  return {
    visit(body, state, take) {
      if (always.items.length > 0) take(state, always, 0, always.items.length, true)
      if (unknown.items.length > 0) take(state, unknown, 0, unknown.items.length, false)
      for (const path of paths) visitPath(path, body, state, take)
    },
  }
}

function predicateOf({ predicate }: Indexed): Predicate | undefined {
  return predicate === 'always' ? undefined : predicate
}

/** Different paths have different keys. Most are one name, which needs no quotes. */
function keyOf(path: readonly string[]): string {
  const [name] = path
  return path.length === 1 ? `.${name}` : JSON.stringify(path)
}

function put<K, T>(lists: Map<K, T[]>, key: K, item: T): void {
  const known = lists.get(key)
  if (known === undefined) lists.set(key, [item])
  else known.push(item)
}

function listOf<T extends Indexed>(items: readonly T[]): ItemList<T> {
  const [first] = items
  const group = first?.group ?? 0
  const only = items.length === 1 ? first : undefined
  const areWhole = items.every(
    ({ predicate }) => predicate === 'always' || predicate?.isWhole === true,
  )
  const isUniform = areWhole && group !== 0 && items.every((item) => item.group === group)
  return { items, only, areWhole, isUniform }
}

function indexPath<T extends Indexed>(items: readonly T[]): PathIndex<T> {
  const equals = new Map<Literal, T[]>()
  const orders = new Map<Order, T[]>()
  let path: readonly string[] = []
  for (const item of items) {
    const predicate = predicateOf(item)
    if (predicate === undefined) continue
    path = predicate.path
    if (predicate.sign === '=') put(equals, predicate.literal, item)
    else put(orders, predicate.sign, item)
  }
  return {
    read: compilePath(path),
    equals: new Map([...equals].map(([literal, same]) => [literal, listOf(same)])),
    thresholds: [...orders].flatMap(([sign, ordered]) => sortByGroup(ordered, sign)),
  }
}

/** The biggest groups each by itself, and all others together. */
function sortByGroup<T extends Indexed>(items: readonly T[], sign: Order): Thresholds<T>[] {
  const groups = new Map<number, T[]>()
  for (const item of items) {
    if (item.group !== 0 && predicateOf(item)?.isWhole === true) put(groups, item.group, item)
  }
  const big = [...groups.values()]
    .filter((group) => group.length >= BIG_GROUP)
    .sort((left, right) => right.length - left.length)
    .slice(0, MOST_GROUPS)
  const taken = new Set(big.flat())
  const others = items.filter((item) => !taken.has(item))
  return [...big, others]
    .filter((group) => group.length > 0)
    .map((group) => sortThresholds(group, sign))
}

function sortThresholds<T extends Indexed>(items: readonly T[], sign: Order): Thresholds<T> {
  const sorted = items.toSorted((left, right) => limitOf(left) - limitOf(right))
  return {
    ...listOf(sorted),
    isAbove: sign === '>' || sign === '>=',
    countsEqual: sign === '>=' || sign === '<',
    limits: Float64Array.from(sorted, limitOf),
  }
}

function limitOf(item: Indexed): number {
  const literal = predicateOf(item)?.literal
  return typeof literal === 'number' ? literal : Number.NaN
}

function visitPath<T, S>(
  { read, equals, thresholds }: PathIndex<T>,
  body: Json | undefined,
  state: S,
  take: TakeItems<T, S>,
): void {
  const value = read(body)
  if (typeof value === 'object' || value === undefined) return
  const same = equals.size === 0 ? undefined : equals.get(value)
  if (same !== undefined) take(state, same, 0, same.items.length, true)
  if (thresholds.length === 0) return
  const number = typeof value === 'number' ? value : toNumeric(value, false)
  if (number === undefined) return
  for (const list of thresholds) {
    if (typeof number === 'number') visitThresholds(list, number, state, take)
    else take(state, list, 0, list.items.length, false)
  }
}

function visitThresholds<T, S>(
  list: Thresholds<T>,
  value: number,
  state: S,
  take: TakeItems<T, S>,
): void {
  const { isAbove, countsEqual, limits } = list
  const split = countBelow(limits, value, countsEqual)
  const from = isAbove ? 0 : split
  const to = isAbove ? split : limits.length
  if (from < to) take(state, list, from, to, true)
}

/** How many of the sorted limits are less than a value, or with `orEqual` not greater. */
function countBelow(limits: Float64Array, value: number, orEqual: boolean): number {
  let low = 0
  let high = limits.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const limit = limits[middle] ?? Number.NaN
    if (limit < value || (orEqual && limit === value)) low = middle + 1
    else high = middle
  }
  return low
}
