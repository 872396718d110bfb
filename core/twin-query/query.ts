import { CoreError } from '../errors.ts'
import type { Json, JsonObject } from '../model/json.ts'
import { sourceError } from '../model/source-error.ts'
import { type Running, startAggregate } from './aggregate.ts'
import type { Column, Query } from './ast.ts'
import { compileNode, type Evaluate } from './compile.ts'
import { parseQuery } from './parser.ts'

/** More groups are kept by no query. */
const MAX_GROUPS = 10_000

/** A query ready to run over twins. */
export interface TwinQuery {
  /** At most so many results; `undefined`: all. */
  readonly top: number | undefined
  /** True if a result is a whole twin. */
  readonly isWhole: boolean
  /** True if results come only once all twins were seen. */
  readonly isGrouped: boolean
  /** Whether a twin is meant. */
  matches(twin: JsonObject): boolean
  /** The result that one twin gives; of a query that is not grouped. */
  project(twin: JsonObject): JsonObject
  /** Gathers the groups of a grouped query. */
  startGroups(): TwinGroups
}

export interface TwinGroups {
  /** @throws CoreError `query.invalid` if there are too many groups. */
  add(twin: JsonObject): void
  rows(): readonly JsonObject[]
}

/** @throws CoreError `query.invalid`, with the position in the text. */
export function compileTwinQuery(text: string): TwinQuery {
  const query = parseQuery(text)
  const { top, columns, groupBy } = query
  const where = query.where === undefined ? undefined : compileNode(query.where, text)
  const compiled = columns.map((column) => compileColumn(column, text))
  const isGrouped = groupBy.length > 0 || columns.some(({ aggregate }) => aggregate !== undefined)
  if (isGrouped) checkGrouping(query, text)
  const keys = groupBy.map((node) => compileNode(node, text))
  return {
    top,
    isWhole: columns.length === 0,
    isGrouped,
    matches: (twin) => where === undefined || where(twin) === true,
    project: (twin) =>
      compiled.length === 0 ? twin : rowOf(compiled, (column) => column.read(twin)),
    startGroups: () => startGroups(compiled, keys),
  }
}

interface CompiledColumn {
  readonly key: string
  readonly aggregate: Column['aggregate']
  readonly read: Evaluate
}

function compileColumn({ key, node, aggregate }: Column, text: string): CompiledColumn {
  return { key, aggregate, read: node === undefined ? () => null : compileNode(node, text) }
}

/** Beside aggregates stand only the paths of GROUP BY. */
function checkGrouping({ columns, groupBy }: Query, text: string): void {
  if (columns.length === 0) {
    const message = 'expected columns beside GROUP BY, found *'
    throw new CoreError('query.invalid', message)
  }
  const grouped = new Set(
    groupBy.map((node) => (node.kind === 'path' ? JSON.stringify(node.path) : '')),
  )
  for (const { node, aggregate, start } of columns) {
    if (aggregate !== undefined) continue
    if (node?.kind === 'path' && grouped.has(JSON.stringify(node.path))) continue
    const message = 'expected an aggregate or a path that GROUP BY names'
    throw sourceError('query.invalid', text, start, message)
  }
}

interface Group {
  /** A twin of the group: its paths of GROUP BY are those of all. */
  readonly first: JsonObject
  readonly running: readonly (Running | undefined)[]
}

function startGroups(columns: readonly CompiledColumn[], keys: readonly Evaluate[]): TwinGroups {
  const groups = new Map<string, Group>()

  function groupOf(twin: JsonObject): Group {
    const key = JSON.stringify(keys.map((read) => [read(twin)]))
    const known = groups.get(key)
    if (known !== undefined) return known
    if (groups.size >= MAX_GROUPS)
      throw new CoreError('query.invalid', `expected at most ${MAX_GROUPS} groups, found more`)
    const running = columns.map(({ aggregate }) =>
      aggregate === undefined ? undefined : startAggregate(aggregate),
    )
    const group = { first: twin, running }
    groups.set(key, group)
    return group
  }

  return {
    add(twin) {
      const { running } = groupOf(twin)
      for (const [index, column] of columns.entries()) running[index]?.add(column.read(twin))
    },
    rows() {
      // Without GROUP BY there is one group, also of no twins at all.
      if (groups.size === 0 && keys.length === 0) groupOf({})
      return [...groups.values()].map(({ first, running }) =>
        rowOf(columns, (column, index) => {
          const aggregate = running[index]
          return aggregate === undefined ? column.read(first) : aggregate.result()
        }),
      )
    },
  }
}

function rowOf(
  columns: readonly CompiledColumn[],
  read: (column: CompiledColumn, index: number) => Json | undefined,
): JsonObject {
  const entries: [string, Json][] = []
  for (const [index, column] of columns.entries()) {
    const value = read(column, index)
    if (value !== undefined) entries.push([column.key, value])
  }
  return Object.fromEntries(entries)
}
