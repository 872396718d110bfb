import { sourceError } from '../model/source-error.ts'
import type { Token } from './token.ts'

/** Reads one token after another; it never looks at what they mean. */
export interface Lexer {
  /** The token that starts at or after `offset`. */
  read(offset: number): Token
  /** The character with which the token at or after `offset` begins; empty at the end. */
  character(offset: number): string
  /** A topic filter written without quotes: everything up to the next white space. */
  readBareTopic(offset: number): Token
}

const SIGNS_OF_TWO: ReadonlySet<string> = new Set(['<=', '>=', '<>', '!=', '=='])
const SIGNS_OF_ONE: ReadonlySet<string> = new Set([...'()[]{},.:=<>+-*/%'])

export function createLexer(source: string): Lexer {
  function skipSpace(offset: number): number {
    let at = offset
    while (at < source.length && isSpace(source.charCodeAt(at))) at += 1
    return at
  }

  function token(kind: Token['kind'], start: number, end: number, text: string): Token {
    return { kind, start, end, text, keyword: kind === 'name' ? text.toUpperCase() : '' }
  }

  /** `'…'` or `"…"`; the quote itself is written twice. A backslash is a plain character, as regular expressions need. */
  function readString(start: number): Token {
    const quote = source[start] ?? ''
    let text = ''
    let from = start + 1
    for (;;) {
      const at = source.indexOf(quote, from)
      if (at === -1) {
        throw sourceError(
          'rule.syntax',
          source,
          start,
          `expected a closing ${quote}, found the end of the statement`,
        )
      }
      text += source.slice(from, at)
      if (source[at + 1] !== quote) return token('string', start, at + 1, text)
      text += quote
      from = at + 2
    }
  }

  /** `12`, `12.5`, `.5`, `5E-12`; the sign is an operator. */
  function readNumber(start: number): Token {
    let at = digits(start)
    if (source[at] === '.' && isDigit(source.charCodeAt(at + 1))) at = digits(at + 1)
    if (source[at] === 'e' || source[at] === 'E') {
      const sign = source[at + 1] === '+' || source[at + 1] === '-' ? 1 : 0
      if (isDigit(source.charCodeAt(at + 1 + sign))) at = digits(at + 1 + sign)
    }
    if (isNamePart(source.charCodeAt(at))) {
      throw sourceError(
        'rule.syntax',
        source,
        at,
        `expected the end of the number ${source.slice(start, at)}, found "${source[at]}" (a key that starts with a digit needs get())`,
      )
    }
    return token('number', start, at, source.slice(start, at))
  }

  function digits(offset: number): number {
    let at = offset
    while (isDigit(source.charCodeAt(at))) at += 1
    return at
  }

  function nameEnd(offset: number): number {
    let at = offset
    while (at < source.length && isNamePart(source.charCodeAt(at))) at += 1
    return at
  }

  function readSign(start: number): Token {
    const two = source.slice(start, start + 2)
    if (two === '/*' || (two === '--' && isSpace(source.charCodeAt(start + 2)))) {
      throw sourceError('rule.syntax', source, start, 'AWS IoT SQL has no comments')
    }
    if (SIGNS_OF_TWO.has(two)) return token('sign', start, start + 2, two)
    const one = source[start] ?? ''
    if (SIGNS_OF_ONE.has(one)) return token('sign', start, start + 1, one)
    const hint = '–—−'.includes(one)
      ? ', write - for minus'
      : one === ';'
        ? ', a rule is one statement'
        : ''
    const shown = String.fromCodePoint(source.codePointAt(start) ?? 0)
    throw sourceError('rule.syntax', source, start, `unexpected character "${shown}"${hint}`)
  }

  return {
    read(offset) {
      const start = skipSpace(offset)
      if (start >= source.length) return token('end', source.length, source.length, '')
      const code = source.charCodeAt(start)
      if (isNameStart(code)) {
        const end = nameEnd(start)
        return token('name', start, end, source.slice(start, end))
      }
      if (isDigit(code) || (code === DOT && isDigit(source.charCodeAt(start + 1))))
        return readNumber(start)
      if (code === SINGLE_QUOTE || code === DOUBLE_QUOTE) return readString(start)
      if (code === AT) {
        const end = nameEnd(start + 1)
        if (end === start + 1) {
          throw sourceError('rule.syntax', source, start, 'expected the name of a variable after @')
        }
        return token('variable', start, end, source.slice(start + 1, end))
      }
      return readSign(start)
    },

    character: (offset) => source.charAt(skipSpace(offset)),

    readBareTopic(offset) {
      const start = skipSpace(offset)
      let end = start
      while (end < source.length && !isSpace(source.charCodeAt(end))) end += 1
      return token('string', start, end, source.slice(start, end))
    },
  }
}

const DOT = 46
const SINGLE_QUOTE = 39
const DOUBLE_QUOTE = 34
const AT = 64

function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13) || code === 0xa0 || code === 0xfeff
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

/** Letters, `_`, `$` and everything beyond ASCII but the look-alikes of minus and quotes. */
function isNameStart(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    (code >= 65 && code <= 90) ||
    code === 95 ||
    code === 36 ||
    (code > 0xbf && !(code >= 0x2000 && code <= 0x206f) && code !== 0x2212 && code !== 0xfeff)
  )
}

function isNamePart(code: number): boolean {
  return isNameStart(code) || isDigit(code)
}
