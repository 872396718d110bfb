/** A line of a table with its cells, or why it is none. Lines count from 1. */
export type CsvLine =
  | { readonly line: number; readonly cells: readonly string[] }
  | { readonly line: number; readonly fault: string }

/** No cell is longer: a quote that is not closed would swallow the rest of the file. Unit: characters. */
const MAX_CELL = 65_536

const QUOTE = '"'

/**
 * The lines of a table that somebody wrote. What is wrong with one is said, and the next begins behind the end of its line:
 * one bad line never takes others along. Empty lines do not count.
 *
 * Shape: RFC 4180; line ends of any system; a mark of byte order is skipped.
 */
export function* csvLines(text: string, separator: string): Generator<CsvLine, void> {
  let at = text.startsWith('\ufeff') ? 1 : 0
  let line = 1

  /** The end of the line that `from` is in, quotes or not. */
  function lineEnd(from: number): number {
    let end = from
    while (end < text.length && !isLineEnd(text.charCodeAt(end))) end++
    return end
  }

  function pastLineEnd(end: number): number {
    return end + (text.startsWith('\r\n', end) ? 2 : 1)
  }

  while (at < text.length) {
    const start = at
    const first = line
    const cells: string[] = []
    let fault: string | undefined
    for (;;) {
      if (text.charAt(at) === QUOTE) {
        const read = readQuoted(text, at)
        if (read === undefined) {
          fault = `cell ${cells.length + 1}: expected a closing quote, found none`
          break
        }
        cells.push(read.text)
        line += lineEndsIn(read.text)
        at = read.end
        const next = text.charCodeAt(at)
        if (at < text.length && !text.startsWith(separator, at) && !isLineEnd(next)) {
          fault = `cell ${cells.length}: expected a separator behind its quotes, found ${JSON.stringify(text.charAt(at))}`
          break
        }
      } else {
        let end = at
        while (
          end < text.length &&
          text.charAt(end) !== separator &&
          !isLineEnd(text.charCodeAt(end))
        )
          end++
        cells.push(text.slice(at, end))
        at = end
      }
      if (at >= text.length || isLineEnd(text.charCodeAt(at))) break
      at += 1
    }
    if (fault !== undefined) {
      // From the line in which the fault began: what its quotes hold is not to be trusted.
      line = first + 1
      at = pastLineEnd(lineEnd(start))
      yield { line: first, fault }
      continue
    }
    at = pastLineEnd(at)
    line += 1
    if (cells.length > 1 || cells[0] !== '') yield { line: first, cells }
  }
}

/** The separator that a header is written with: a comma, or what spreadsheets write where a comma is the decimal mark. */
export function separatorOf(text: string): ',' | ';' | '\t' {
  const [header = ''] = text.split(/[\r\n]/, 1)
  if (header.includes(',')) return ','
  return header.includes(';') ? ';' : header.includes('\t') ? '\t' : ','
}

function isLineEnd(code: number): boolean {
  return code === 0x0a || code === 0x0d
}

function lineEndsIn(text: string): number {
  return text.match(/\r\n|\r|\n/g)?.length ?? 0
}

function readQuoted(
  text: string,
  opened: number,
): { readonly text: string; readonly end: number } | undefined {
  const limit = opened + MAX_CELL
  let content = ''
  let at = opened + 1
  while (at < text.length && at < limit) {
    const next = text.slice(at, limit).indexOf(QUOTE)
    if (next < 0) return undefined
    content += text.slice(at, at + next)
    at += next + 1
    if (text.charAt(at) !== QUOTE) return { text: content, end: at }
    content += QUOTE
    at += 1
  }
  return undefined
}

/** A line of a table. Source: RFC 4180, section 2, rules 5 to 7. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
