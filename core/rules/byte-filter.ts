import type { Predicate } from './predicate.ts'
import type { CompiledRule } from './rule.ts'

/**
 * Looks at the bytes of a message without parsing it. True: WHERE is not true of it, or it is no JSON. False says
 * nothing: parse it and ask the rule.
 */
export type ByteFilter = (bytes: Uint8Array) => boolean

/**
 * Makes the filter of a rule: for whoever has bytes and needs nothing of those messages that do not match.
 *
 * Sound, because the comparison that must be true is with a path, and every value that the path can have stands in the
 * bytes behind the last key of the path. If none of those values makes it true, or the key is not there, it is not
 * true; which of them counts need not be known. Escapes could hide a key or a value, so a message that has any is
 * left to the rule.
 * Result: `undefined` for a rule whose WHERE compares no path with a literal, or a key that JSON has to escape.
 */
export function compileByteFilter({ predicate }: CompiledRule): ByteFilter | undefined {
  if (predicate === undefined || predicate === 'always') return undefined
  const key = predicate.path.at(-1)
  if (key === undefined || mustEscape(key)) return undefined
  const name = new TextEncoder().encode(`"${key}"`)
  const canBe = compileValueTest(predicate)
  if (canBe === undefined) return undefined
  const last = name.length - 1
  const shifts = shiftsOf(name)

  return (bytes) => {
    if (bytes.includes(BACKSLASH)) return false
    for (let at = last; at < bytes.length; ) {
      const byte = bytes[at] ?? QUOTE
      if (byte === QUOTE && endsAt(bytes, at, name)) {
        const colon = skipSpace(bytes, at + 1)
        if (bytes[colon] === COLON && canBe(bytes, skipSpace(bytes, colon + 1))) return false
      }
      at += shifts[byte] ?? 1
    }
    return true
  }
}

/**
 * How far a search may go on when it finds a byte where the last one of the name should be: most bytes need not be
 * looked at. Source: Horspool, "Practical fast searching in strings", 1980.
 */
function shiftsOf(name: Uint8Array): Uint8Array {
  const last = name.length - 1
  const shifts = new Uint8Array(256).fill(Math.min(name.length, 255))
  for (let at = 0; at < last; at += 1) shifts[name[at] ?? 0] = Math.min(last - at, 255)
  return shifts
}

/** True if the name ends there; its last byte is known to. */
function endsAt(bytes: Uint8Array, end: number, name: Uint8Array): boolean {
  const start = end - name.length + 1
  for (let at = 0; at < name.length - 1; at += 1) {
    if (bytes[start + at] !== name[at]) return false
  }
  return true
}

/** True if the value that begins there makes the comparison true, or could. */
type ValueTest = (bytes: Uint8Array, at: number) => boolean

const QUOTE = 34
const MINUS = 45
const POINT = 46
const ZERO = 48
const NINE = 57
const COLON = 58
const UPPER_E = 69
const BACKSLASH = 92
const LOWER_E = 101
const LOWER_F = 102
const LOWER_T = 116

/** So many digits a double keeps as they are. */
const SAFE_DIGITS = 15

/** Result: `undefined` for a literal that bytes which are no UTF-8 could be read as. */
function compileValueTest({ sign, literal }: Predicate): ValueTest | undefined {
  if (typeof literal === 'number') return numberTest(sign, literal)
  if (typeof literal === 'boolean') {
    const first = literal ? LOWER_T : LOWER_F
    return (bytes, at) => bytes[at] === first
  }
  if (literal.includes('\ufffd')) return undefined
  // Only an escape could bring it, and here are none.
  return mustEscape(literal) ? () => false : textTest(literal)
}

function textTest(literal: string): ValueTest {
  const wanted = new TextEncoder().encode(`"${literal}"`)
  const { length } = wanted
  return (bytes, at) => {
    let same = 0
    while (same < length && bytes[at + same] === wanted[same]) same += 1
    return same === length
  }
}

function numberTest(sign: Predicate['sign'], limit: number): ValueTest {
  return (bytes, at) => {
    const first = bytes[at]
    // A text can be a number where there is an order; with `=` it is none.
    if (first === QUOTE) return sign !== '='
    if (first !== MINUS && !isDigit(first)) return false
    const value = readNumber(bytes, at)
    if (value === undefined) return true
    switch (sign) {
      case '=':
        return value === limit
      case '<':
        return value < limit
      case '<=':
        return value <= limit
      case '>':
        return value > limit
      case '>=':
        return value >= limit
    }
  }
}

/** A number without exponent and of few digits; `undefined` for all others, which may need more care. */
function readNumber(bytes: Uint8Array, start: number): number | undefined {
  const isNegative = bytes[start] === MINUS
  let at = isNegative ? start + 1 : start
  let digits = 0
  let places = 0
  let value = 0
  let isFraction = false
  for (; ; at += 1) {
    const byte = bytes[at]
    if (byte === POINT && !isFraction) isFraction = true
    else if (byte === undefined || !isDigit(byte)) {
      if (byte === LOWER_E || byte === UPPER_E || digits === 0) return undefined
      break
    } else {
      digits += 1
      if (digits > SAFE_DIGITS) return undefined
      value = value * 10 + (byte - ZERO)
      if (isFraction) places += 1
    }
  }
  // Both are exact, and so the quotient is the nearest double, as JSON.parse gives it.
  const magnitude = value / (POWERS[places] ?? Number.NaN)
  return isNegative ? -magnitude : magnitude
}

const POWERS: readonly number[] = Array.from(
  { length: SAFE_DIGITS + 1 },
  (_, places) => 10 ** places,
)

function isDigit(byte: number | undefined): byte is number {
  return byte !== undefined && byte >= ZERO && byte <= NINE
}

function skipSpace(bytes: Uint8Array, start: number): number {
  let at = start
  for (;;) {
    const byte = bytes[at]
    if (byte !== 32 && byte !== 10 && byte !== 13 && byte !== 9) return at
    at += 1
  }
}

/** True for texts that stand in JSON with a backslash. */
function mustEscape(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code < 32 || code === QUOTE || code === BACKSLASH) return true
  }
  return false
}
