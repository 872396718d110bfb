import { RE2JS } from 're2js'

/** A pattern that is ready, or what is wrong with it. */
export type JavaPattern =
  | { readonly pattern: RE2JS }
  /** No regular expression at all: functions give Undefined. */
  | { readonly invalid: string }
  /** A regular expression of Java that cannot run in linear time, or is not built. */
  | { readonly unsupported: string }

const POSIX_CLASSES: ReadonlyMap<string, string> = new Map(
  [
    'Lower',
    'Upper',
    'ASCII',
    'Alpha',
    'Digit',
    'Alnum',
    'Punct',
    'Graph',
    'Print',
    'Blank',
    'Cntrl',
    'XDigit',
    'Space',
  ].map((name) => [name, name.toLowerCase()]),
)

/** What RE2 has no form of, because it cannot be matched in linear time or takes a class apart. */
const UNSUPPORTED: readonly (readonly [RegExp, string])[] = [
  [/^\(\?[=!]/, 'lookahead'],
  [/^\(\?<[=!]/, 'lookbehind'],
  [/^\(\?>/, 'an atomic group'],
  [/^\\[1-9]/, 'a back reference'],
  [/^\\k</, 'a back reference'],
  [/^(?:[*+?]|\{\d+(?:,\d*)?\})\+/, 'a possessive quantifier'],
]

/**
 * Compiles a regular expression of Java for RE2, which takes linear time whatever the text.
 *
 * Source: java.util.regex.Pattern; RE2 syntax.
 */
export function compileJavaPattern(text: string): JavaPattern {
  const translated = translate(text)
  if ('unsupported' in translated) return translated
  try {
    return { pattern: RE2JS.compile(translated.text) }
  } catch (error) {
    return { invalid: error instanceof Error ? error.message : 'invalid regular expression' }
  }
}

/** Rewrites what Java spells otherwise: `\uXXXX`, `\p{Alpha}`, `\h`, `\e`, `\R`, `\Z`. */
function translate(text: string): { text: string } | { unsupported: string } {
  let result = ''
  let inClass = 0
  let at = 0
  while (at < text.length) {
    const rest = text.slice(at, at + 40)
    if (inClass === 0) {
      for (const [pattern, name] of UNSUPPORTED) {
        if (pattern.test(rest)) return { unsupported: `${name} in a regular expression` }
      }
    } else if (rest.startsWith('&&')) {
      return { unsupported: 'an intersection of classes in a regular expression' }
    }
    const char = text[at] ?? ''
    if (char === '\\') {
      const [from, to] = translateEscape(rest, inClass > 0)
      if (from === '\\Q') {
        const end = text.indexOf('\\E', at + 2)
        const stop = end === -1 ? text.length : end
        result += RE2JS.quote(text.slice(at + 2, stop))
        at = end === -1 ? stop : stop + 2
        continue
      }
      result += to
      at += from.length
      continue
    }
    if (char === '[') {
      if (inClass > 0) return { unsupported: 'a class inside a class in a regular expression' }
      inClass += 1
      // A bracket that closes directly after the opening one is a plain character.
      const plain = /^\[\^?\]/.exec(rest)
      if (plain !== null) {
        result += `${plain[0].slice(0, -1)}\\]`
        at += plain[0].length
        continue
      }
    } else if (char === ']' && inClass > 0) {
      inClass -= 1
    }
    result += char
    at += 1
  }
  return { text: result }
}

/** One escape: how many characters it takes, and what RE2 writes for it. */
function translateEscape(rest: string, inClass: boolean): readonly [from: string, to: string] {
  const unicode = /^\\u([0-9a-fA-F]{4})/.exec(rest)
  if (unicode !== null) return [unicode[0], `\\x{${unicode[1]}}`]
  const posix = /^\\([pP])\{([A-Za-z]+)\}/.exec(rest)
  const name = posix === null ? undefined : POSIX_CLASSES.get(posix[2] ?? '')
  if (posix !== null && name !== undefined) {
    const negation = posix[1] === 'P' ? '^' : ''
    const inner = `[:${negation}${name}:]`
    return [posix[0], inClass ? inner : `[${inner}]`]
  }
  const two = rest.slice(0, 2)
  switch (two) {
    case '\\e':
      return [two, '\\x1B']
    case '\\h':
      return [two, inClass ? ' \\t' : '[ \\t]']
    case '\\R':
      return inClass ? [two, two] : [two, '(?:\\r\\n|[\\n\\r\\f\\v])']
    case '\\Z':
      return [two, '\\z']
    default:
      return [two, two]
  }
}

/** A part of a replacement: plain text, or the number or name of a group. */
export type ReplacementPart = string | { readonly group: number | string }

/**
 * Reads a replacement of Java: `$1`, `${name}`, and `\` before a plain character.
 *
 * Result: `undefined` if it is none, or names a group that the pattern does not have.
 * Source: java.util.regex.Matcher.appendReplacement.
 */
export function readJavaReplacement(
  text: string,
  pattern: RE2JS,
): readonly ReplacementPart[] | undefined {
  const parts: ReplacementPart[] = []
  let plain = ''
  let at = 0
  while (at < text.length) {
    const char = text[at] ?? ''
    if (char !== '\\' && char !== '$') {
      plain += char
      at += 1
      continue
    }
    if (char === '\\') {
      const next = text[at + 1]
      if (next === undefined) return undefined
      plain += next
      at += 2
      continue
    }
    const reference = readReference(text, at, pattern)
    if (reference === undefined) return undefined
    if (plain !== '') parts.push(plain)
    plain = ''
    parts.push({ group: reference.group })
    at = reference.end
  }
  if (plain !== '') parts.push(plain)
  return parts
}

/** Digits are taken as long as there is a group of that number. */
function readReference(
  text: string,
  at: number,
  pattern: RE2JS,
): { readonly group: number | string; readonly end: number } | undefined {
  const named = /^\$\{([A-Za-z][A-Za-z0-9]*)\}/.exec(text.slice(at, at + 100))
  if (named !== null) {
    const [whole, name = ''] = named
    return Object.hasOwn(pattern.namedGroups(), name)
      ? { group: name, end: at + whole.length }
      : undefined
  }
  const first = text.charCodeAt(at + 1) - 48
  if (!(first >= 0 && first <= 9) || first > pattern.groupCount()) return undefined
  let group = first
  let end = at + 2
  for (;;) {
    const digit = text.charCodeAt(end) - 48
    const longer = group * 10 + digit
    if (!(digit >= 0 && digit <= 9) || longer > pattern.groupCount()) return { group, end }
    group = longer
    end += 1
  }
}
