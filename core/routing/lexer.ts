import { sourceError } from '../model/source-error.ts'
import type { Token } from './token.ts'

/**
 * Reads the token that starts at or after `offset`.
 *
 * A name is as long as it can be and may hold most signs: `3-4` is one name, `3 - 4` are three tokens.
 * Source: Azure/iotedge, `Condition.g4`.
 * @throws CoreError `rule.syntax` for a string or a comment that does not end.
 */
export function readToken(source: string, offset: number): Token {
  const start = skipBlank(source, offset)
  if (start >= source.length)
    return { kind: 'end', start: source.length, end: source.length, text: '' }
  const first = source[start] ?? ''
  if (first === "'" || first === '"') return readString(source, start)
  const nameEnd = endOf(source, start, NOT_IN_NAME)
  const pathEnd = endOf(source, start, NOT_IN_PATH)
  if (first === '$' && pathEnd > start + 1) return token(source, 'system', start, pathEnd)
  NUMBER.lastIndex = start
  const numberEnd = start + (NUMBER.exec(source)?.[0].length ?? 0)
  const signEnd = start + signLength(source, start)
  if (pathEnd > Math.max(nameEnd, numberEnd, signEnd)) return token(source, 'path', start, pathEnd)
  if (nameEnd > Math.max(numberEnd, signEnd)) return readName(source, start, nameEnd)
  if (numberEnd >= signEnd && numberEnd > start) return token(source, 'number', start, numberEnd)
  if (signEnd > start) return token(source, 'sign', start, signEnd)
  const unknown = String.fromCodePoint(source.codePointAt(start) ?? 0)
  return { kind: 'unknown', start, end: start + unknown.length, text: unknown }
}

/** The value of a string literal. */
export function unescapeString(quoted: string): string {
  return quoted
    .slice(1, -1)
    .replaceAll(/\\u([0-9a-f]{4})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
    .replaceAll(/\\(["'\\])/g, '$1')
}

const NOT_IN_PATH: ReadonlySet<string> = new Set('()<>@,;:\\"/?={} \t\n\r')
const NOT_IN_NAME: ReadonlySet<string> = new Set([...NOT_IN_PATH, '[', ']'])
const BLANK: ReadonlySet<string> = new Set(' \t\n\r')

const NUMBER = /0x[0-9a-f]+|-?[0-9]*\.[0-9]+(?:e[+-]?[0-9]+)?|-?[0-9]+(?:e[+-]?[0-9]+)?/iy
const STRING =
  /'(?:[^'\\]|\\(?:["'\\]|u[0-9a-fA-F]{4}))*'|"(?:[^"\\]|\\(?:["'\\]|u[0-9a-fA-F]{4}))*"/y

const SIGNS_OF_TWO: ReadonlySet<string> = new Set(['!=', '<>', '<=', '>=', '||', '??'])
const SIGNS_OF_ONE: ReadonlySet<string> = new Set('(){},+-*/%=<>')
const CONSTANTS: ReadonlySet<string> = new Set(['true', 'false', 'null', 'undefined'])
const WORDS: ReadonlySet<string> = new Set(['AND', 'OR', 'NOT'])

function token(source: string, kind: Token['kind'], start: number, end: number): Token {
  return { kind, start, end, text: source.slice(start, end) }
}

function skipBlank(source: string, offset: number): number {
  let at = offset
  for (;;) {
    while (at < source.length && BLANK.has(source[at] ?? '')) at += 1
    if (!source.startsWith('/*', at)) return at
    const end = source.indexOf('*/', at + 2)
    if (end === -1)
      throw sourceError(
        'rule.syntax',
        source,
        at,
        'expected a closing */, found the end of the condition',
      )
    at = end + 2
  }
}

function endOf(source: string, start: number, stops: ReadonlySet<string>): number {
  let at = start
  while (at < source.length && !stops.has(source[at] ?? '')) at += 1
  return at
}

function signLength(source: string, start: number): number {
  if (SIGNS_OF_TWO.has(source.slice(start, start + 2))) return 2
  return SIGNS_OF_ONE.has(source[start] ?? '') ? 1 : 0
}

function readString(source: string, start: number): Token {
  STRING.lastIndex = start
  const text = STRING.exec(source)?.[0]
  if (text !== undefined) return token(source, 'string', start, start + text.length)
  const quote = source[start] ?? ''
  const hint = source.includes(quote, start + 1)
    ? `expected \\" \\' \\\\ or \\uXXXX after each \\ of a string`
    : `expected a closing ${quote}, found the end of the condition`
  throw sourceError('rule.syntax', source, start, hint)
}

function readName(source: string, start: number, end: number): Token {
  const text = source.slice(start, end)
  if (CONSTANTS.has(text)) return { kind: 'constant', start, end, text }
  const word = text.toUpperCase()
  return WORDS.has(word)
    ? { kind: 'word', start, end, text: word }
    : { kind: 'name', start, end, text }
}
