import { sourceError } from '../model/source-error.ts'

/** One word, sign or literal of a query. */
export interface Token {
  readonly kind: 'name' | 'string' | 'number' | 'sign' | 'end'
  /** Unit: UTF-16 offset into the text; `end` is exclusive. */
  readonly start: number
  readonly end: number
  /** A string without quotes and escapes; all else as it is written. */
  readonly text: string
  /** A name in upper case, for keywords; else empty. */
  readonly keyword: string
}

const NUMBER = /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?/y
const NAME = /[A-Za-z_$\u0080-\uffff][\w$\u0080-\uffff]*/y
const STRING = /'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"/sy
const SIGNS_OF_TWO: ReadonlySet<string> = new Set(['!=', '<>', '<=', '>=', '||'])
const SIGNS_OF_ONE: ReadonlySet<string> = new Set('()[].,*/%+-=<>')

/**
 * Reads the token that starts at or after `offset`.
 * @throws CoreError `query.invalid` for what is no token.
 */
export function readToken(source: string, offset: number): Token {
  let start = offset
  while (start < source.length && /\s/.test(source[start] ?? '')) start += 1
  if (start >= source.length)
    return { kind: 'end', start: source.length, end: source.length, text: '', keyword: '' }
  const first = source[start] ?? ''
  if (first === "'" || first === '"') {
    const quoted = match(STRING, source, start)
    if (quoted === undefined)
      throw sourceError('query.invalid', source, start, `expected a closing ${first}`)
    const text = quoted
      .slice(1, -1)
      .replaceAll(first + first, first)
      .replaceAll(/\\(.)/gs, '$1')
    return { kind: 'string', start, end: start + quoted.length, text, keyword: '' }
  }
  const number = match(NUMBER, source, start)
  if (number !== undefined)
    return { kind: 'number', start, end: start + number.length, text: number, keyword: '' }
  const name = match(NAME, source, start)
  if (name !== undefined)
    return {
      kind: 'name',
      start,
      end: start + name.length,
      text: name,
      keyword: name.toUpperCase(),
    }
  const two = source.slice(start, start + 2)
  const sign = SIGNS_OF_TWO.has(two) ? two : SIGNS_OF_ONE.has(first) ? first : undefined
  if (sign === undefined)
    throw sourceError('query.invalid', source, start, `unexpected character "${first}"`)
  return { kind: 'sign', start, end: start + sign.length, text: sign, keyword: '' }
}

function match(pattern: RegExp, source: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(source)?.[0]
}

/** How a token is named in an error message. */
export function describeToken({ kind, text }: Token): string {
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text
  if (kind === 'end') return 'the end of the query'
  return kind === 'string' ? `the text '${shown}'` : `"${shown}"`
}
