import { CoreError } from '../errors.ts'
import { sourceError } from '../model/source-error.ts'
import { createLexer } from './lexer.ts'
import type { RuleLimits } from './limits.ts'
import { describeToken, RESERVED, type Token } from './token.ts'

/** Walks over the tokens of a text: the productions of the grammar ask it what comes next. */
export interface Cursor {
  /** The token that comes next. */
  token: Token
  /** Where the token before it ended. */
  previousEnd: number
  advance(): Token
  /** The token after the next one, or after another. */
  peek(after?: Token): Token
  /** What the token after the next one begins with; empty at the end. */
  nextCharacter(): string
  /** Reads a topic filter without quotes after the token that comes next, and goes on behind it. */
  advanceBareTopic(): Token
  isSign(text: string): boolean
  isWord(word: string): boolean
  /** Goes on if the sign comes next, and tells whether it did. */
  skipSign(text: string): boolean
  skipWord(word: string): boolean
  /** @throws CoreError `rule.syntax` if something else comes next. */
  expectSign(text: string): Token
  expectWord(word: string): Token
  /** Items separated by commas, at least one. */
  many<T>(production: () => T): T[]
  /** Runs a production one level deeper. @throws CoreError `rule.limit` if that is too deep. */
  nested<T>(production: () => T): T
  /** Counts one more link of a chain, which nests to the left. @throws CoreError `rule.limit`. */
  longer(length: number): number
  /** The error for a token that does not fit. */
  unexpected(expected: string, found?: Token): CoreError
}

/** @throws CoreError `rule.limit` if the text is longer than SQL may be. */
export function createCursor(source: string, offset: number, limits: RuleLimits): Cursor {
  checkLength(source, limits.sqlBytes)
  const lexer = createLexer(source)
  let tokens = 0
  let depth = 0

  function isDeeper(levels: number): void {
    if (levels <= limits.depth) return
    const message = `expected at most ${limits.depth} levels of nesting`
    throw sourceError('rule.limit', source, cursor.token.start, message)
  }

  const cursor: Cursor = {
    token: lexer.read(offset),
    previousEnd: offset,

    advance() {
      const taken = cursor.token
      tokens += 1
      if (tokens > limits.tokens) {
        const message = `expected at most ${limits.tokens} words and signs`
        throw sourceError('rule.limit', source, taken.start, message)
      }
      cursor.previousEnd = taken.end
      cursor.token = lexer.read(taken.end)
      return taken
    },

    peek: (after = cursor.token) => lexer.read(after.end),

    nextCharacter: () => lexer.character(cursor.token.end),

    advanceBareTopic() {
      const bare = lexer.readBareTopic(cursor.token.end)
      tokens += 1
      cursor.token = bare
      return cursor.advance()
    },

    isSign: (text) => cursor.token.kind === 'sign' && cursor.token.text === text,
    isWord: (word) => cursor.token.kind === 'name' && cursor.token.keyword === word,

    skipSign(text) {
      if (!cursor.isSign(text)) return false
      cursor.advance()
      return true
    },

    skipWord(word) {
      if (!cursor.isWord(word)) return false
      cursor.advance()
      return true
    },

    expectSign(text) {
      if (!cursor.isSign(text)) throw cursor.unexpected(`"${text}"`)
      return cursor.advance()
    },

    expectWord(word) {
      if (!cursor.isWord(word)) throw cursor.unexpected(word)
      return cursor.advance()
    },

    many(production) {
      const items = [production()]
      while (cursor.skipSign(',')) items.push(production())
      return items
    },

    nested(production) {
      depth += 1
      isDeeper(depth)
      const result = production()
      depth -= 1
      return result
    },

    longer(length) {
      isDeeper(depth + length + 1)
      return length + 1
    },

    unexpected(expected, found = cursor.token) {
      const hint =
        found.kind === 'name' && RESERVED.has(found.keyword) && expected.includes('expression')
          ? `; a field of that name is get(*, '${found.text}')`
          : ''
      const message = `expected ${expected}, found ${describeToken(found)}${hint}`
      return sourceError('rule.syntax', source, found.start, message)
    },
  }
  return cursor
}

/** Most texts are so short that their bytes need no counting. */
function checkLength(source: string, maxBytes: number): void {
  if (source.length * 3 <= maxBytes) return
  const bytes = new TextEncoder().encode(source).length
  if (bytes <= maxBytes) return
  throw new CoreError('rule.limit', `expected at most ${maxBytes} bytes of SQL, found ${bytes}`)
}
