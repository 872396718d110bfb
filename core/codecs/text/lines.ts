import { CoreError, type ErrorCode } from '../../errors.ts'
import { readText, textBytes } from '../binary/text.ts'
import { faultAt } from '../fault.ts'

/**
 * The text of a message, without a mark of byte order before it.
 * @throws CoreError `codec.malformed` if it is not UTF-8.
 */
export function textOf(bytes: Uint8Array): string {
  const text = readText(bytes, 0, bytes.length)
  return text.startsWith('\ufeff') ? text.slice(1) : text
}

/** How many values a line may have: no object with more is quick to fill. */
export const MAX_CELLS = 65_536

/** A text between separators. */
export interface Cell {
  readonly text: string
  /** Where it begins. Unit: UTF-16 units. */
  readonly at: number
  /** A text in quotes is a text. */
  readonly quoted: boolean
}

/** A fault in a text: `position` counts UTF-16 units, what is told are bytes. */
export function faultInText(
  code: ErrorCode,
  sentence: string,
  text: string,
  position: number,
): Error {
  return faultAt(code, sentence, textBytes(text.slice(0, position)).length)
}

/**
 * The lines of a text, each of cells. Quotes (`''`: there are none) hold separators and ends of lines; a quote in quotes is
 * written twice. Empty lines do not count.
 *
 * Source: RFC 4180.
 * @throws CoreError `codec.malformed` or `codec.too_large`.
 */
export function readLines(
  text: string,
  separator: string,
  quote: string,
): readonly (readonly Cell[])[] {
  const lines: Cell[][] = []
  let cells: Cell[] = []
  let at = 0
  for (;;) {
    const start = at
    let cell: Cell
    if (quote !== '' && text[skipBlanks(text, at, separator)] === quote) {
      const opened = skipBlanks(text, at, separator)
      const { content, end } = readQuoted(text, opened, quote)
      cell = { text: content, at: opened, quoted: true }
      at = skipBlanks(text, end, separator)
      if (at < text.length && !text.startsWith(separator, at) && !isLineEnd(text, at))
        throw faultInText(
          'codec.malformed',
          'expected a separator behind a quote, found something else',
          text,
          at,
        )
    } else {
      while (at < text.length && !text.startsWith(separator, at) && !isLineEnd(text, at)) at++
      cell = { text: text.slice(start, at).trim(), at: start, quoted: false }
    }
    cells.push(cell)
    if (cells.length > MAX_CELLS)
      throw faultInText(
        'codec.too_large',
        `expected a line of at most ${MAX_CELLS} values, found more`,
        text,
        start,
      )
    if (text.startsWith(separator, at) && at < text.length) {
      at += separator.length
      continue
    }
    if (cells.length > 1 || cell.quoted || cell.text !== '') lines.push(cells)
    cells = []
    if (at >= text.length) return lines
    at += text.startsWith('\r\n', at) ? 2 : 1
  }
}

function isLineEnd(text: string, at: number): boolean {
  const unit = text.charCodeAt(at)
  return unit === 0x0a || unit === 0x0d
}

/** A separator may be a blank itself. */
function skipBlanks(text: string, start: number, separator: string): number {
  let at = start
  while ((text[at] === ' ' || text[at] === '\t') && !text.startsWith(separator, at)) at++
  return at
}

function readQuoted(text: string, opened: number, quote: string): { content: string; end: number } {
  let content = ''
  let at = opened + 1
  for (;;) {
    const next = text.indexOf(quote, at)
    if (next < 0)
      throw faultInText(
        'codec.malformed',
        'expected the end of a quoted text, found none',
        text,
        opened,
      )
    content += text.slice(at, next)
    if (text[next + 1] !== quote) return { content, end: next + 1 }
    content += quote
    at = next + 2
  }
}

/**
 * Sees that a text can be taken apart in one way only.
 * @throws CoreError `codec.bad_options`.
 */
export function checkMarks(codec: string, marks: readonly string[]): void {
  const given = marks.filter((mark) => mark !== '')
  const isClear = given.every((mark, index) =>
    given.every((other, at) => index === at || !mark.includes(other)),
  )
  if (isClear) return
  throw new CoreError(
    'codec.bad_options',
    `codec ${codec}: expected separators, quote and decimal mark that differ, found one in another`,
  )
}

/** Whether a text would be taken apart: it holds a mark, or ends in the first part of one, or ends its line. */
export function breaks(text: string, mark: string): boolean {
  return (text + mark).indexOf(mark) < text.length || /[\r\n]/.test(text)
}
