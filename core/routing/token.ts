/** One word, sign or literal of a condition. */
export interface Token {
  /**
   * A `name` may hold most signs (`a-b`, `3-4`); a `system` starts with `$`; a `path` is a name with brackets, which
   * fits nowhere; `unknown` is a character that fits nowhere.
   */
  readonly kind:
    | 'name'
    | 'system'
    | 'path'
    | 'string'
    | 'number'
    | 'constant'
    | 'word'
    | 'sign'
    | 'unknown'
    | 'end'
  /** Unit: UTF-16 offset into the text; `end` is exclusive. */
  readonly start: number
  readonly end: number
  /** As it is written; a `word` (AND, OR, NOT) in upper case. */
  readonly text: string
}

/** How a token is named in an error message. */
export function describeToken({ kind, text }: Token): string {
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text
  switch (kind) {
    case 'end':
      return 'the end of the condition'
    case 'string':
      return `the string ${shown}`
    case 'number':
      return `the number ${shown}`
    case 'name':
      return `the property ${shown}`
    case 'system':
      return `the system property ${shown}`
    default:
      return `"${shown}"`
  }
}
