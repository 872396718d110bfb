import { CoreError } from '../errors.ts'
import { sourceError } from '../model/source-error.ts'
import type { AggregateName, ArithmeticSign, Column, ComparisonSign, Node, Query } from './ast.ts'
import { describeToken, readToken, type Token } from './token.ts'

/** Source: learn.microsoft.com, iot-hub-devguide-query-language, "Limitations". Unit: characters. */
export const MAX_QUERY = 8_192

/** How deep parentheses and calls may nest. */
const MAX_DEPTH = 50

const COMPARISONS: Readonly<Record<string, ComparisonSign>> = {
  '=': '=',
  '!=': '!=',
  '<>': '<>',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
}
const SUMS: Readonly<Record<string, ArithmeticSign>> = { '+': '+', '-': '-' }
const PRODUCTS: Readonly<Record<string, ArithmeticSign>> = { '*': '*', '/': '/', '%': '%' }
const AGGREGATES: Readonly<Record<string, AggregateName>> = {
  COUNT: 'count',
  AVG: 'avg',
  SUM: 'sum',
  MIN: 'min',
  MAX: 'max',
}
const RESERVED: ReadonlySet<string> = new Set(
  'SELECT TOP FROM WHERE GROUP ORDER BY AS AND OR NOT IN NIN'.split(' '),
)

/**
 * Reads a query over device twins.
 *
 * Source: learn.microsoft.com, iot-hub-devguide-query-language.
 * @throws CoreError `query.invalid`, with the position.
 */
export function parseQuery(source: string): Query {
  if (source.length > MAX_QUERY) {
    throw new CoreError(
      'query.invalid',
      `expected a query of at most ${MAX_QUERY} characters, found ${source.length}`,
    )
  }
  let token = readToken(source, 0)
  let previousEnd = 0
  let depth = 0

  function unexpected(expected: string, found: Token = token): CoreError {
    return sourceError(
      'query.invalid',
      source,
      found.start,
      `expected ${expected}, found ${describeToken(found)}`,
    )
  }

  function advance(): Token {
    const taken = token
    previousEnd = taken.end
    token = readToken(source, taken.end)
    return taken
  }

  function isSign(text: string): boolean {
    return token.kind === 'sign' && token.text === text
  }

  function isWord(word: string): boolean {
    return token.kind === 'name' && token.keyword === word
  }

  function skipSign(text: string): boolean {
    if (!isSign(text)) return false
    advance()
    return true
  }

  function skipWord(word: string): boolean {
    if (!isWord(word)) return false
    advance()
    return true
  }

  function expectSign(text: string): void {
    if (!skipSign(text)) throw unexpected(`"${text}"`)
  }

  function nested<T>(production: () => T): T {
    depth += 1
    if (depth > MAX_DEPTH)
      throw sourceError(
        'query.invalid',
        source,
        token.start,
        `expected at most ${MAX_DEPTH} levels of nesting`,
      )
    const result = production()
    depth -= 1
    return result
  }

  function many<T>(production: () => T): T[] {
    const items = [production()]
    while (skipSign(',')) items.push(production())
    return items
  }

  /** Query : SELECT [TOP n] (* | Column [, Column]*) FROM devices [WHERE Expression] [GROUP BY Path [, Path]*] */
  function query(): Query {
    if (!skipWord('SELECT')) throw unexpected('SELECT')
    const top = skipWord('TOP') ? count() : undefined
    const columns = skipSign('*') ? [] : many(column)
    if (!skipWord('FROM')) throw unexpected('"," or FROM')
    collection()
    const where = skipWord('WHERE') ? expression() : undefined
    const groupBy = isWord('GROUP') ? grouping() : []
    if (isWord('ORDER')) throw unexpected('no ORDER BY: results come in the order of device ids')
    if (token.kind !== 'end')
      throw unexpected('an operator, WHERE, GROUP BY or the end of the query')
    return { top, columns, where, groupBy }
  }

  function count(): number {
    const isInParentheses = skipSign('(')
    const value = Number(token.text)
    if (token.kind !== 'number' || !Number.isInteger(value) || value < 1)
      throw unexpected('a count after TOP')
    advance()
    if (isInParentheses) expectSign(')')
    return value
  }

  function collection(): void {
    if (!isWord('DEVICES')) throw unexpected('devices')
    advance()
    if (!isSign('.')) return
    advance()
    throw unexpected('devices alone: modules and jobs are not kept here')
  }

  function grouping(): Node[] {
    advance()
    if (!skipWord('BY')) throw unexpected('BY')
    return many(() => {
      const { start } = token
      const node = operand()
      if (node.kind !== 'path')
        throw sourceError('query.invalid', source, start, 'expected a path after GROUP BY')
      return node
    })
  }

  /** Column : (Aggregate | Expression) [AS name] */
  function column(): Column {
    const { start, keyword } = token
    const aggregate = token.kind === 'name' ? AGGREGATES[keyword] : undefined
    const isAggregate =
      aggregate !== undefined && source.slice(token.end).trimStart().startsWith('(')
    const node = isAggregate ? aggregateOf(aggregate) : expression()
    const alias = skipWord('AS') ? name('a name after AS') : undefined
    return {
      key: alias ?? keyOf(isAggregate ? undefined : node),
      start,
      node,
      aggregate: isAggregate ? aggregate : undefined,
    }
  }

  let unnamed = 0
  function keyOf(node: Node | undefined): string {
    const last = node?.kind === 'path' ? node.path.at(-1) : undefined
    if (typeof last === 'string') return last
    unnamed += 1
    return `$${unnamed}`
  }

  /** COUNT() | COUNT(*) | AVG(Expression) | … */
  function aggregateOf(aggregate: AggregateName): Node | undefined {
    advance()
    expectSign('(')
    if (aggregate === 'count') {
      if (!isSign(')')) expectSign('*')
      expectSign(')')
      return undefined
    }
    const node = expression()
    expectSign(')')
    return node
  }

  function name(expected: string): string {
    if (token.kind !== 'name' && token.kind !== 'string') throw unexpected(expected)
    return advance().text
  }

  /** Expression : Conjunction [OR Conjunction]* */
  function expression(): Node {
    return nested(() => logical('OR', () => logical('AND', negatable)))
  }

  function logical(word: 'AND' | 'OR', part: () => Node): Node {
    let left = part()
    while (skipWord(word)) {
      const right = part()
      left = {
        kind: word === 'AND' ? 'and' : 'or',
        left,
        right,
        start: left.start,
        end: previousEnd,
      }
    }
    return left
  }

  function negatable(): Node {
    if (!isWord('NOT')) return relation()
    const { start } = advance()
    const inner = nested(negatable)
    return { kind: 'not', operand: inner, start, end: previousEnd }
  }

  /** Relation : Sum [(= | <> | != | < | <= | > | >=) Sum | [NOT] IN [ … ] | NIN [ … ]] */
  function relation(): Node {
    const left = sum()
    const { start } = left
    const sign = token.kind === 'sign' ? COMPARISONS[token.text] : undefined
    if (sign !== undefined) {
      advance()
      const right = sum()
      return { kind: 'comparison', sign, left, right, start, end: previousEnd }
    }
    const isNot = isWord('NOT')
    if (isNot) advance()
    if (isNot && !isWord('IN')) throw unexpected('IN')
    if (!isWord('IN') && !isWord('NIN')) return left
    const negated = advance().keyword === 'NIN' || isNot
    const items = list()
    return { kind: 'in', negated, operand: left, items, start, end: previousEnd }
  }

  function list(): readonly Node[] {
    const close = isSign('(') ? ')' : ']'
    if (!isSign('(') && !isSign('[')) throw unexpected('a list such as [1, 2]')
    advance()
    const items = isSign(close) ? [] : many(expression)
    expectSign(close)
    return items
  }

  /** Sum : Product [(+ | - | ||) Product]* */
  function sum(): Node {
    let left = product()
    for (;;) {
      const sign = token.kind === 'sign' ? SUMS[token.text] : undefined
      const { start } = left
      if (sign !== undefined) {
        advance()
        const right = product()
        left = { kind: 'arithmetic', sign, left, right, start, end: previousEnd }
      } else if (skipSign('||')) {
        const right = product()
        left = { kind: 'call', name: 'concat', args: [left, right], start, end: previousEnd }
      } else return left
    }
  }

  function product(): Node {
    let left = operand()
    for (;;) {
      const sign = token.kind === 'sign' ? PRODUCTS[token.text] : undefined
      if (sign === undefined) return left
      advance()
      const right = operand()
      left = { kind: 'arithmetic', sign, left, right, start: left.start, end: previousEnd }
    }
  }

  /** Operand : - Operand | ( Expression ) | literal | name ( … ) | Path */
  function operand(): Node {
    const { kind, start, text, keyword } = token
    if (kind === 'number') {
      advance()
      return { kind: 'literal', value: Number(text), start, end: previousEnd }
    }
    if (kind === 'string') {
      advance()
      return { kind: 'literal', value: text, start, end: previousEnd }
    }
    if (skipSign('-')) {
      const inner = nested(operand)
      return { kind: 'negate', operand: inner, start, end: previousEnd }
    }
    if (skipSign('(')) {
      const inner = expression()
      if (!skipSign(')')) throw unexpected('an operator or ")"')
      return { ...inner, start, end: previousEnd }
    }
    if (kind !== 'name' || RESERVED.has(keyword)) throw unexpected('a value')
    const constant = CONSTANTS.get(keyword)
    advance()
    if (constant !== undefined && !isSign('.'))
      return { kind: 'literal', value: constant, start, end: previousEnd }
    if (isSign('(')) return call(text, start)
    return path(text, start)
  }

  function call(shown: string, start: number): Node {
    expectSign('(')
    if (AGGREGATES[shown.toUpperCase()] !== undefined)
      throw sourceError(
        'query.invalid',
        source,
        start,
        `expected ${shown.toUpperCase()} as a column of its own`,
      )
    const args = isSign(')') ? [] : many(expression)
    if (!skipSign(')')) throw unexpected('an operator, "," or ")"')
    return { kind: 'call', name: shown.toLowerCase(), args, start, end: previousEnd }
  }

  /** Path : name [. name | [ integer ] | [ 'name' ] ]* ; what a path starts with may be `devices`. */
  function path(first: string, start: number): Node {
    const steps: (string | number)[] = first.toUpperCase() === 'DEVICES' ? [] : [first]
    for (;;) {
      if (skipSign('.')) {
        if (token.kind !== 'name') throw unexpected('a key after "."')
        steps.push(advance().text)
      } else if (skipSign('[')) {
        const index = token.kind === 'number' ? Number(token.text) : Number.NaN
        if (token.kind !== 'string' && !Number.isSafeInteger(index))
          throw unexpected("an index such as 0 or a key such as 'a-b'")
        steps.push(token.kind === 'string' ? token.text : index)
        advance()
        expectSign(']')
      } else break
    }
    return { kind: 'path', path: steps, start, end: previousEnd }
  }

  return query()
}

const CONSTANTS: ReadonlyMap<string, boolean | null> = new Map([
  ['TRUE', true],
  ['FALSE', false],
  ['NULL', null],
])
