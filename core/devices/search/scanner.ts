import type { CoreError } from '../../errors.ts'
import { sourceError } from '../../model/source-error.ts'

/** A text as it stood in a search, in the parts between its wildcards. */
export interface Scanned {
  readonly parts: readonly string[]
  /** Whether all of it was in quotes: it is nothing but a text then. */
  readonly quoted: boolean
  readonly start: number
  readonly end: number
}

/** Reads the characters of a search; what they mean is the parser's business. */
export interface Scanner {
  /** The next character that is no white space; '' at the end. The scanner stands before it. */
  peek(): string
  /** The character right here, white space too; '' at the end. */
  here(): string
  readonly offset: number
  /** Steps over a sign, if it stands right here. */
  skip(sign: string): boolean
  /** `'AND'`: whether this word stands next, as a whole. */
  isWord(word: string): boolean
  /**
   * A text up to white space or one of the signs that end it, with `"…"` and `\` taken for what they stand for.
   * @throws CoreError `query.invalid`.
   */
  scan(stops: string): Scanned
  /** The name of a field in the segments between its dots: dots in quotes do not count. */
  scanSegments(stops: string): { readonly segments: readonly Scanned[]; readonly whole: Scanned }
  fault(offset: number, expected: string): CoreError
}

export function createScanner(source: string): Scanner {
  let offset = 0

  function skipSpace(): void {
    while (offset < source.length && isSpace(source.charCodeAt(offset))) offset++
  }

  function found(at: number): string {
    if (at >= source.length) return 'the end'
    const [shown = ''] = /^(?:[^\s()":<>=[\]]{1,40}|.)/su.exec(source.slice(at, at + 41)) ?? []
    return JSON.stringify(shown)
  }

  function fault(at: number, expected: string): CoreError {
    return sourceError('query.invalid', source, at, `expected ${expected}, found ${found(at)}`)
  }

  /** What stands between quotes, and where it ends. */
  function readQuoted(): string {
    const start = offset
    let text = ''
    for (let at = offset + 1; at < source.length; at++) {
      const sign = source.charAt(at)
      if (sign === '"') {
        offset = at + 1
        return text
      }
      if (sign === '\\' && at + 1 < source.length) at++
      text += source.charAt(at)
    }
    throw sourceError(
      'query.invalid',
      source,
      start,
      'expected a closing ", found the end of the search',
    )
  }

  function read(stops: string): Scanned {
    const start = offset
    let parts: string[] = ['']
    let plain = false
    let inQuotes = false
    const add = (text: string): void => {
      parts[parts.length - 1] += text
    }
    while (offset < source.length) {
      const sign = source.charAt(offset)
      if (isSpace(source.charCodeAt(offset)) || stops.includes(sign)) break
      if (sign === '"') {
        inQuotes = true
        add(readQuoted())
        continue
      }
      plain = true
      offset++
      if (sign === '*') parts.push('')
      else if (sign === '\\' && offset < source.length) add(source.charAt(offset++))
      else add(sign)
    }
    parts = parts.length > 2 ? withoutEmptyMiddle(parts) : parts
    return { parts, quoted: inQuotes && !plain, start, end: offset }
  }

  return {
    get offset() {
      return offset
    },
    peek() {
      skipSpace()
      return source.charAt(offset)
    },
    here: () => source.charAt(offset),
    skip(sign) {
      if (!source.startsWith(sign, offset)) return false
      offset += sign.length
      return true
    },
    isWord(word) {
      skipSpace()
      if (!source.startsWith(word, offset)) return false
      const next = source.charAt(offset + word.length)
      return next === '' || isSpace(next.charCodeAt(0)) || next === '(' || next === ')'
    },
    scan: read,
    scanSegments(stops) {
      const segments: Scanned[] = []
      const start = offset
      for (;;) {
        const segment = read(`${stops}.`)
        segments.push(segment)
        if (source.charAt(offset) !== '.') break
        offset++
      }
      const end = offset
      offset = start
      const whole = read(stops)
      offset = end
      return { segments, whole }
    },
    fault,
  }
}

/** `a**b` is `a*b`. */
function withoutEmptyMiddle(parts: readonly string[]): string[] {
  return parts.filter((part, index) => part !== '' || index === 0 || index === parts.length - 1)
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d) || code === 0xa0
}
