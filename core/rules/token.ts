/** One word, sign or literal of a statement. */
export interface Token {
  readonly kind: 'name' | 'variable' | 'string' | 'number' | 'sign' | 'end'
  /** Unit: UTF-16 offset into the text; `end` is exclusive. */
  readonly start: number
  readonly end: number
  /** A name as written, a variable without `@`, a string without quotes and escapes, a sign itself. */
  readonly text: string
  /** A name in upper case, for keywords; else empty. */
  readonly keyword: string
}

/** Words that cannot be the first word of a path; after a dot they are plain keys. */
export const RESERVED: ReadonlySet<string> = new Set([
  'SELECT',
  'FROM',
  'WHERE',
  'AS',
  'AND',
  'OR',
  'NOT',
  'CASE',
  'WHEN',
  'THEN',
  'ELSE',
  'END',
  'TRUE',
  'FALSE',
  'NULL',
])

/** How a token is named in an error message. */
export function describeToken(token: Token): string {
  switch (token.kind) {
    case 'end':
      return 'the end of the statement'
    case 'string':
      return `the string '${shorten(token.text)}'`
    case 'number':
      return `the number ${token.text}`
    case 'variable':
      return `@${shorten(token.text)}`
    case 'name':
      return RESERVED.has(token.keyword)
        ? `the keyword ${token.keyword}`
        : `"${shorten(token.text)}"`
    case 'sign':
      return `"${token.text}"`
  }
}

function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}
