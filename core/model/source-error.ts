import { CoreError, type ErrorCode, type SourcePosition } from '../errors.ts'

/**
 * Where an offset lies in a text.
 *
 * Unit: line and column count from 1, the column in UTF-16 units.
 */
export function positionAt(text: string, offset: number): SourcePosition {
  let line = 1
  let lineStart = 0
  for (;;) {
    const lineEnd = text.indexOf('\n', lineStart)
    if (lineEnd === -1 || lineEnd >= offset) return { line, column: offset - lineStart + 1 }
    line += 1
    lineStart = lineEnd + 1
  }
}

/** The faulty line with a caret under the fault; long lines are cut around it. */
function caret(text: string, position: SourcePosition): string {
  const whole = text.split('\n')[position.line - 1] ?? ''
  const from = Math.max(0, position.column - 61)
  const shown = whole.slice(from, from + 100).replaceAll(/\s/g, ' ')
  const gutter = `${position.line}`
  return `${gutter} | ${shown}\n${' '.repeat(gutter.length)} | ${' '.repeat(position.column - 1 - from)}^`
}

/** The same fault shown in another text, in which it stands at the same place; errors without a place stay as they are. */
export function shownIn(text: string, error: unknown): unknown {
  if (!(error instanceof CoreError) || error.position === undefined) return error
  const { code, message, position } = error
  const [first = ''] = message.split('\n')
  return new CoreError(code, `${first}\n${caret(text, position)}`, { position })
}

/** An error that points into a text which a person wrote. */
export function sourceError(
  code: ErrorCode,
  text: string,
  offset: number,
  message: string,
): CoreError {
  const position = positionAt(text, offset)
  const place = `line ${position.line}, column ${position.column}`
  return new CoreError(code, `${message} (${place})\n${caret(text, position)}`, { position })
}
