import { sourceError } from '../model/source-error.ts'
import { createLexer } from './lexer.ts'
import type { Token } from './token.ts'

/** A part of a text, by UTF-16 offsets; `end` is exclusive. */
export interface Slice {
  readonly start: number
  readonly end: number
}

/** The parts of a statement with windows, found by its keywords. */
export interface WindowedSource {
  /** SET with its list; empty where there is none. */
  readonly set: Slice
  /** SELECT with its list. */
  readonly select: Slice
  /** FROM with its topic filter, and WHERE if there is one. */
  readonly from: Slice
  /** FROM alone. */
  readonly filter: Slice
  /** What stands between the commas of GROUP BY. */
  readonly groups: readonly Slice[]
  readonly having: Slice | undefined
}

/**
 * Takes a statement apart at its GROUP BY; `undefined` if it has none.
 *
 * WindowedStatement : SelectStatement `GROUP BY` Group (`,` Group)* (`HAVING` Expression)?
 *
 * @throws CoreError `rule.syntax` for a clause that is out of place.
 */
export function splitWindowed(sql: string): WindowedSource | undefined {
  const tokens = topLevelTokens(sql)
  const at = (keyword: string): number => tokens.findIndex((token) => token.keyword === keyword)
  const group = at('GROUP')
  if (group < 0 || tokens[group + 1]?.keyword !== 'BY') return undefined
  const from = tokens[at('FROM')]
  const groupToken = tokens[group]
  const by = tokens[group + 1]
  if (groupToken === undefined || by === undefined) return undefined
  if (from === undefined || from.start > groupToken.start) {
    throw sourceError('rule.syntax', sql, groupToken.start, 'expected FROM before GROUP BY')
  }
  const select = tokens.find((token) => token.keyword === 'SELECT' && token.start < from.start)
  if (select === undefined) throw sourceError('rule.syntax', sql, 0, 'expected SELECT')
  const having = tokens.slice(group + 2).find((token) => token.keyword === 'HAVING')
  const listEnd = having?.start ?? sql.length
  const where = tokens.find((token) => token.keyword === 'WHERE' && token.start < groupToken.start)
  const commas = tokens.filter(
    (token) =>
      token.text === ',' && token.kind === 'sign' && token.start > by.end && token.start < listEnd,
  )
  const starts = [by.end, ...commas.map((comma) => comma.end)]
  const ends = [...commas.map((comma) => comma.start), listEnd]
  return {
    set: { start: 0, end: select.start },
    select: { start: select.start, end: from.start },
    from: { start: from.start, end: groupToken.start },
    filter: { start: from.start, end: where?.start ?? groupToken.start },
    groups: starts.map((start, index) => ({ start, end: ends[index] ?? listEnd })),
    having: having === undefined ? undefined : { start: having.end, end: sql.length },
  }
}

/** The text with white space for all that is in none of the slices: what is left stands where it stood. */
export function blankOutside(sql: string, slices: readonly Slice[]): string {
  let text = ''
  let from = 0
  for (const { start, end } of slices) {
    text += blank(sql.slice(from, start)) + sql.slice(start, end)
    from = end
  }
  return text + blank(sql.slice(from))
}

/** White space of the same length and lines. */
export function blank(text: string): string {
  return text.replaceAll(/[^\n]/g, ' ')
}

/** Tokens that stand in no parentheses, brackets or braces. */
function topLevelTokens(sql: string): Token[] {
  const lexer = createLexer(sql)
  const tokens: Token[] = []
  let depth = 0
  for (let offset = 0; ; ) {
    const token = lexer.read(offset)
    if (token.kind === 'end') return tokens
    offset = token.end
    if (token.kind === 'sign' && '([{'.includes(token.text)) depth++
    else if (token.kind === 'sign' && ')]}'.includes(token.text)) depth--
    else if (depth === 0) tokens.push(token)
  }
}
