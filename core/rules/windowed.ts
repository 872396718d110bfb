import type { Json } from '../model/json.ts'
import { shownIn, sourceError } from '../model/source-error.ts'
import { AGGREGATE_NAMES, type AggregateName } from '../model/window.ts'
import type { Call, Expression, Statement } from './ast.ts'
import { checkExpression } from './check.ts'
import { limitsOf, type RuleOptions } from './compile-context.ts'
import { type CompiledExpression, compileExpression, type ExpressionOptions } from './expression.ts'
import type { RuleMessage, RuleResult } from './message.ts'
import { type ParserOptions, parseExpression, parseStatement } from './parser.ts'
import { type CompiledRule, compileRule } from './rule.ts'
import { children } from './walk.ts'
import { blank, blankOutside, splitWindowed, type WindowedSource } from './windowed-source.ts'

// Windows are an extension in the names that stream users know. A statement with windows is three: which messages go
// in, what of them, and, once a window closes, what comes out. Each is compiled by the one compiler.

/** One aggregate call. */
export interface WindowAggregate {
  readonly name: AggregateName
  /** `undefined` for `count(*)`. */
  readonly argument: CompiledExpression | undefined
  /** The second argument of `percentile`. */
  readonly share: number | undefined
}

/** How the stream is cut. Unit: ms. */
export interface WindowFunction {
  readonly kind: 'tumbling' | 'hopping' | 'sliding' | 'session'
  readonly sizeMs: number
  /** Hopping: the distance; session: the longest length. */
  readonly secondMs: number | undefined
}

/** A statement with windows, ready to run. */
export interface WindowedRule {
  readonly sql: string
  /** Which messages go in: FROM and WHERE. */
  readonly input: CompiledRule
  readonly window: WindowFunction
  readonly groups: readonly CompiledExpression[]
  readonly aggregates: readonly WindowAggregate[]
  /** HAVING, then SELECT, over what a window came to. */
  output(closed: ClosedWindow, message: RuleMessage): RuleResult
}

/** What a window came to, in the order of `groups` and `aggregates`. Times are epoch ms. */
export interface ClosedWindow {
  readonly start: number
  readonly end: number
  readonly group: readonly Json[]
  readonly results: readonly (Json | undefined)[]
}

const AGGREGATES: ReadonlyMap<string, AggregateName> = new Map(
  AGGREGATE_NAMES.map((name) => [name, name]),
)

const WINDOWS: Readonly<Record<string, WindowFunction['kind']>> = {
  TUMBLINGWINDOW: 'tumbling',
  HOPPINGWINDOW: 'hopping',
  SLIDINGWINDOW: 'sliding',
  SESSIONWINDOW: 'session',
}

const UNITS: Readonly<Record<string, number>> = {
  millisecond: 1,
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
}

/** A window is no longer than this: its state has to stay in the record. */
const MAX_WINDOW_MS = 7 * 86_400_000

/** Windows that overlap at one moment, for hopping ones. */
const MAX_OVERLAP = 64

/** More aggregates than this no rule has. */
const MAX_AGGREGATES = 32

/** True if the text has a GROUP BY at its top. @throws CoreError `rule.syntax` for a text that has no tokens. */
export function isWindowed(sql: string): boolean {
  return /\bGROUP\s+BY\b/i.test(sql) && splitWindowed(sql) !== undefined
}

/**
 * Compiles a statement with windows:
 * `SELECT … FROM 'filter' [WHERE …] GROUP BY [keys,] TUMBLINGWINDOW(unit, n) [HAVING …]`.
 *
 * SELECT and HAVING see aggregates, the keys of GROUP BY as they are written there, `windowstart()` and `windowend()`
 * (epoch ms), and functions that need no message.
 * @throws CoreError `rule.*` as {@link compileRule}.
 */
export function compileWindowedRule(sql: string, options: RuleOptions = {}): WindowedRule {
  const parts = splitWindowed(sql)
  if (parts === undefined)
    throw sourceError('rule.syntax', sql, 0, 'expected GROUP BY with a window, found none')
  try {
    return compileParts(sql, parts, options)
  } catch (error) {
    // Each part is compiled where it stands in the statement, and the others are left blank.
    throw shownIn(sql, error)
  }
}

function compileParts(sql: string, parts: WindowedSource, options: RuleOptions): WindowedRule {
  const parserOptions = {
    version: options.sqlVersion ?? '2016-03-23',
    limits: limitsOf(options),
  } as const
  const { set, select, from } = parts
  const input = compileRule(
    sql.slice(0, set.end) +
      selectAll(sql.slice(select.start, select.end)) +
      sql.slice(from.start, from.end),
    options,
  )
  const inner = { ...options, variablesOf: input }

  const keys: { readonly text: string; readonly compiled: CompiledExpression }[] = []
  let window: WindowFunction | undefined
  for (const slice of parts.groups) {
    const source = blankOutside(sql, [slice])
    if (source.trim() === '')
      throw sourceError(
        'rule.syntax',
        sql,
        slice.start,
        'expected a key or a window, found nothing',
      )
    const node = parseExpression(source.slice(0, slice.end), parserOptions)
    const kind = node.kind === 'call' ? WINDOWS[node.name.toUpperCase()] : undefined
    if (node.kind !== 'call' || kind === undefined) {
      const compiled = compileExpression(source.slice(0, slice.end), inner)
      keys.push({ text: canonical(source, node), compiled })
    } else if (window === undefined) window = readWindow(node, kind, sql)
    else throw sourceError('rule.syntax', sql, node.start, 'expected one window, found a second')
  }
  if (window === undefined) {
    const first = parts.groups[0] ?? { start: 0, end: 0 }
    const at = first.start + sql.slice(first.start, first.end).search(/\S|$/)
    throw sourceError(
      'rule.syntax',
      sql,
      at,
      `expected a window (${Object.keys(WINDOWS).join(', ')}), found only keys`,
    )
  }

  const aggregates: WindowAggregate[] = []
  const rewriting = { sql, options: inner, parserOptions, keys, aggregates }

  // SELECT is parsed with its FROM, so that it is a statement; only its items are rewritten.
  const filter = sql.slice(parts.filter.start, parts.filter.end)
  const selectSource = blankOutside(sql, [parts.select, parts.filter]).slice(0, parts.filter.end)
  const selectList = rewriteSelect(parseStatement(selectSource, parserOptions), rewriting)
  let condition = ''
  if (parts.having !== undefined) {
    const source = blankOutside(sql, [parts.having]).slice(0, parts.having.end)
    const node = parseExpression(source, parserOptions)
    condition = ` WHERE ${rewriteExpression(rewriting, node)}`
  }
  const output = compileRule(`${selectList} ${filter}${condition}`, options)

  return {
    sql,
    input,
    window,
    groups: keys.map((key) => key.compiled),
    aggregates,
    output: (closed, message) => output.evaluate({ body: bodyOf(closed), facts: message.facts }),
  }
}

/** What SELECT and HAVING look at once a window is closed: names that no message can have brought along. */
function bodyOf({ start, end, group, results }: ClosedWindow): Json {
  const body: Record<string, Json> = { windowstart_: start, windowend_: end }
  for (const [index, value] of group.entries()) body[`group${index}_`] = value
  for (const [index, value] of results.entries())
    if (value !== undefined) body[`aggregate${index}_`] = value
  return body
}

function readWindow(call: Call, kind: WindowFunction['kind'], sql: string): WindowFunction {
  const fail = (message: string, at: Expression | undefined): never => {
    throw sourceError('rule.syntax', sql, at?.start ?? call.start, message)
  }
  const [unitNode, ...lengths] = call.args
  const unitName =
    unitNode?.kind === 'path' && unitNode.root === undefined ? String(unitNode.steps[0]) : ''
  const unit = Object.hasOwn(UNITS, unitName.toLowerCase())
    ? UNITS[unitName.toLowerCase()]
    : undefined
  if (unit === undefined)
    return fail(`${call.name}: expected a unit (${Object.keys(UNITS).join(', ')})`, unitNode)
  const needed = kind === 'hopping' ? [2, 2] : kind === 'session' ? [1, 2] : [1, 1]
  if (lengths.length < (needed[0] ?? 1) || lengths.length > (needed[1] ?? 1)) {
    return fail(
      `${call.name}: expected ${needed[0] === needed[1] ? needed[0] : '1 or 2'} lengths after the unit, found ${lengths.length}`,
      lengths[0],
    )
  }
  const [sizeMs, secondMs] = lengths.map((node) => {
    const value = node.kind === 'literal' ? Number(node.value) : Number.NaN
    const ms = value * unit
    if (!(ms > 0) || ms > MAX_WINDOW_MS)
      return fail(`${call.name}: expected a length above 0 and up to 7 days`, node)
    return ms
  })
  if (sizeMs === undefined) return fail(`${call.name}: expected a length`, undefined)
  if (kind === 'hopping' && (secondMs ?? 0) > sizeMs)
    return fail(`${call.name}: expected a hop no longer than the window`, lengths[1])
  if (kind === 'hopping' && sizeMs / (secondMs ?? sizeMs) > MAX_OVERLAP) {
    return fail(`${call.name}: expected at most ${MAX_OVERLAP} windows at one moment`, lengths[1])
  }
  return { kind, sizeMs, secondMs }
}

interface Rewriting {
  readonly sql: string
  readonly options: ExpressionOptions
  readonly parserOptions: ParserOptions
  readonly keys: readonly { readonly text: string }[]
  readonly aggregates: WindowAggregate[]
}

/** The text of an expression with aggregates and keys replaced by the names under which their values come. */
function rewriteExpression(rewriting: Rewriting, node: Expression): string {
  const { sql, keys, parserOptions } = rewriting
  const replaced = replacementOf(rewriting, node)
  if (replaced !== undefined) return replaced
  const key = keys.findIndex((one) => one.text === canonical(sql, node))
  if (key >= 0) return standIn(`group${key}`)
  if (
    node.kind === 'star' ||
    node.kind === 'variable' ||
    (node.kind === 'path' && node.root === undefined) ||
    node.kind === 'subquery'
  ) {
    const found = sql.slice(node.start, node.end)
    throw sourceError(
      'rule.type',
      sql,
      node.start,
      `expected an aggregate or a key of GROUP BY, found ${found}`,
    )
  }
  if (node.kind === 'call') checkExpression(shallow(node), { source: sql, ...parserOptions })
  let text = ''
  let from = node.start
  for (const child of children(node)) {
    text += sql.slice(from, child.start) + rewriteExpression(rewriting, child)
    from = child.end
  }
  return text + sql.slice(from, node.end)
}

/** A call whose arguments are looked at later. */
function shallow(node: Call): Call {
  const args = node.args.map((arg): Expression => {
    const { start, end } = arg
    return arg.kind === 'literal'
      ? arg
      : { kind: 'path', root: undefined, steps: ['x'], start, end }
  })
  return { ...node, args }
}

function replacementOf(
  { sql, options, aggregates }: Rewriting,
  node: Expression,
): string | undefined {
  if (node.kind !== 'call') return undefined
  const name = node.name.toLowerCase()
  if ((name === 'windowstart' || name === 'windowend') && node.args.length === 0)
    return standIn(name)
  const aggregate = AGGREGATES.get(name)
  if (aggregate === undefined) return undefined
  const fail = (message: string): never => {
    throw sourceError('rule.type', sql, node.start, message)
  }
  const [argument, second] = node.args
  if (argument === undefined || node.args.length !== (name === 'percentile' ? 2 : 1)) {
    return fail(
      `${node.name}: expected ${name === 'percentile' ? 'a value and a share from 0 to 1' : 'one argument'}, found ${node.args.length}`,
    )
  }
  if (argument.kind === 'star' && name !== 'count')
    return fail(`${node.name}: expected a value, found *`)
  const share = second?.kind === 'literal' ? Number(second.value) : undefined
  if (name === 'percentile' && !(share !== undefined && share >= 0 && share <= 1)) {
    return fail('percentile: expected a share from 0 to 1 as second argument')
  }
  if (aggregates.length >= MAX_AGGREGATES)
    return fail(`expected at most ${MAX_AGGREGATES} aggregates, found one more`)
  const text = blankOutside(sql, [argument]).slice(0, argument.end)
  aggregates.push({
    name: aggregate,
    argument: argument.kind === 'star' ? undefined : compileExpression(text, options),
    share,
  })
  return standIn(`aggregate${aggregates.length - 1}`)
}

/** A name in the place of an expression. What stands beside it may be a word: `avg(t)AS mean`. */
function standIn(name: string): string {
  return ` ${name}_ `
}

/** SELECT with its items rewritten. An item without alias keeps the name that it would have had. */
function rewriteSelect(statement: Statement, rewriting: Rewriting): string {
  const { sql } = rewriting
  let text = ''
  let from = statement.select.start
  for (const item of statement.select.items) {
    const { expression, alias } = item
    const rewritten = rewriteExpression(rewriting, expression)
    const name =
      alias !== undefined || statement.select.value ? '' : ` AS ${nameOf(expression, sql)}`
    text += sql.slice(from, expression.start) + rewritten + name
    from = expression.end
  }
  const end = statement.select.items.at(-1)?.end ?? from
  return text + sql.slice(from, end)
}

/** `room` for a path, `avg` for a call. */
function nameOf(node: Expression, source: string): string {
  if (node.kind === 'path') return String(node.steps.at(-1) ?? 'value')
  return node.kind === 'call'
    ? node.name.toLowerCase()
    : source.slice(node.start, node.end).replace(/\W+/g, '_')
}

/** `SELECT *` in the place of another list. */
function selectAll(select: string): string {
  const item = 'SELECT'.length + select.slice('SELECT'.length).search(/\S/)
  return `SELECT${blank(select.slice('SELECT'.length, item))}*${blank(select.slice(item + 1))}`
}

/** An expression without the white space that does not matter, so that `topic( 2 )` is `topic(2)`. */
function canonical(source: string, node: Expression): string {
  return source.slice(node.start, node.end).replace(/\s+/g, '')
}
