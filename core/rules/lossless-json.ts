import { readNumber } from './decimal.ts'
import { setKey, type Value } from './value.ts'

/** True if `JSON.parse` would lose something of the numbers in a text. */
export function losesNumbers(text: string, keepsScale: boolean): boolean {
  return keepsScale ? /\d[.eE]|\d{16}/.test(text) : /\d{16}|\d[eE]-?\d{3}/.test(text)
}

/**
 * Parses JSON without losing a digit: whole Decimals stay Decimals and long Ints stay exact.
 *
 * Shape: a text that `JSON.parse` has accepted.
 */
export function parseLossless(text: string, keepsScale: boolean): Value {
  const scanner = { text, at: 0, keepsScale }
  return readValue(scanner)
}

interface Scanner {
  readonly text: string
  at: number
  readonly keepsScale: boolean
}

function readValue(scanner: Scanner): Value {
  skipSpace(scanner)
  switch (scanner.text[scanner.at]) {
    case '{':
      return readObject(scanner)
    case '[':
      return readArray(scanner)
    case '"':
      return readString(scanner)
    default:
      return readWord(scanner)
  }
}

function skipSpace(scanner: Scanner): void {
  while (' \t\n\r'.includes(scanner.text[scanner.at] ?? '?')) scanner.at += 1
}

function readObject(scanner: Scanner): Value {
  const result: Record<string, Value> = {}
  for (;;) {
    scanner.at += 1
    skipSpace(scanner)
    if (scanner.text[scanner.at] === '}') break
    const key = readString(scanner)
    skipSpace(scanner)
    scanner.at += 1
    setKey(result, key, readValue(scanner))
    skipSpace(scanner)
    if (scanner.text[scanner.at] !== ',') break
  }
  scanner.at += 1
  return result
}

function readArray(scanner: Scanner): Value {
  const result: Value[] = []
  for (;;) {
    scanner.at += 1
    skipSpace(scanner)
    if (scanner.text[scanner.at] === ']') break
    result.push(readValue(scanner))
    skipSpace(scanner)
    if (scanner.text[scanner.at] !== ',') break
  }
  scanner.at += 1
  return result
}

function readString(scanner: Scanner): string {
  const start = scanner.at
  do {
    scanner.at += scanner.text[scanner.at] === '\\' ? 2 : 1
  } while (scanner.at < scanner.text.length && scanner.text[scanner.at] !== '"')
  scanner.at += 1
  const text: unknown = JSON.parse(scanner.text.slice(start, scanner.at))
  return typeof text === 'string' ? text : ''
}

function readWord(scanner: Scanner): Value {
  const start = scanner.at
  while (
    scanner.at < scanner.text.length &&
    !' \t\n\r,]}'.includes(scanner.text[scanner.at] ?? '')
  ) {
    scanner.at += 1
  }
  const word = scanner.text.slice(start, scanner.at)
  switch (word) {
    case 'true':
      return true
    case 'false':
      return false
    case 'null':
      return null
    default:
      return readNumber(word, scanner.keepsScale) ?? Number(word)
  }
}
