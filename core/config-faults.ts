import type * as z from 'zod'

/** One fault, with the path to it, so that whoever read the file can say line and column. */
export interface ConfigFault {
  readonly path: readonly (string | number)[]
  readonly message: string
  /** Position inside the value, where the value is a text with lines of its own (SQL). 1-based. */
  readonly position?: { readonly line: number; readonly column: number }
  /** The fault is the key at the end of the path; the value unless given. */
  readonly part?: 'key'
}

/** What a schema finds wrong with a text that a person wrote: each fault with its path. */
export function faultsOf(error: z.core.$ZodError): readonly ConfigFault[] {
  return error.issues.flatMap(toFaults)
}

function toFaults(issue: z.core.$ZodIssue): ConfigFault[] {
  const path = issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key))
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: `unknown key ${JSON.stringify(key)}`,
      part: 'key' as const,
    }))
  }
  if (issue.code === 'invalid_key') {
    return issue.issues.map(({ message }) => ({ path, message, part: 'key' as const }))
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    if (issue.errors.every(isOfWhole)) {
      if (issue.message.startsWith('expected ')) return [{ path, message: issue.message }]
      const expected = issue.errors
        .flat()
        .map((one) => plain(one.message).replace(/^expected /, ''))
      return [{ path, message: `expected ${[...new Set(expected)].join(' or ')}` }]
    }
    if (issue.errors.every(isKeyMissing)) {
      return [{ path, message: `expected one of ${issue.errors.flatMap(requiredKeys).join(', ')}` }]
    }
    const strangers = unknownToAll(issue.errors)
    if (strangers.length > 0) {
      const known = issue.errors.flatMap(requiredKeys).join(', ')
      return strangers.map((key) => ({
        path: [...path, key],
        message: `unknown key ${JSON.stringify(key)}: expected one of ${known}`,
        part: 'key' as const,
      }))
    }
    const closest =
      issue.errors.toSorted((a, b) => depth(b) - depth(a) || a.length - b.length)[0] ?? []
    return closest.flatMap((inner) => toFaults({ ...inner, path: [...issue.path, ...inner.path] }))
  }
  return [{ path, message: plain(issue.message) }]
}

function plain(message: string): string {
  return message.replace(/^Invalid input: /, '')
}

/** One fault, of the value as a whole: it is of another kind, or another constant. */
function isOfWhole(issues: readonly z.core.$ZodIssue[]): boolean {
  const [first] = issues
  return (
    issues.length === 1 &&
    first?.path.length === 0 &&
    (first.code === 'invalid_type' || first.code === 'invalid_value')
  )
}

/** Nothing wrong but that the one key is missing that makes this alternative. */
function isKeyMissing(issues: readonly z.core.$ZodIssue[]): boolean {
  return issues.length === 1 && requiredKeys(issues).length === 1
}

/** Keys that no alternative of a union knows: then none of them was meant. */
function unknownToAll(alternatives: readonly (readonly z.core.$ZodIssue[])[]): readonly string[] {
  const [first = [], ...others] = alternatives.map((issues) =>
    issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys' && issue.path.length === 0 ? issue.keys : [],
    ),
  )
  return first.filter((key) => others.every((keys) => keys.includes(key)))
}

/** The keys that an alternative misses. */
function requiredKeys(issues: readonly z.core.$ZodIssue[]): readonly string[] {
  return issues.flatMap(({ code, path }) =>
    code === 'invalid_type' && path.length === 1 ? path.map(String) : [],
  )
}

/** How far into the value the alternative of a union got: the deepest is the one that was meant. */
function depth(issues: readonly z.core.$ZodIssue[]): number {
  return issues.reduce(
    (most, issue) =>
      Math.max(most, issue.path.length + (issue.code === 'unrecognized_keys' ? 0 : 1)),
    0,
  )
}
