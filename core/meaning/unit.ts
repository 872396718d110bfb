import { CoreError } from '../errors.ts'
import { nearestName } from '../model/nearest.ts'
import { PREFIXES, SENML_UNITS, UNIT_ATOMS, type UnitAtom } from './unit-atoms.ts'

/** A unit, as so much of the base units. */
export interface Unit {
  readonly code: string
  readonly factor: number
  readonly dims: Readonly<Record<string, number>>
  /** Where its zero lies, in base units: not 0 for temperatures alone. */
  readonly zero: number
}

/** `stored = sent × scale + offset`. */
export interface Linear {
  readonly scale: number
  readonly offset: number
}

/** Longer codes are no units that a person meant. */
const MAX_CODE = 100

/**
 * Reads a unit.
 *
 * Shape: UCUM, case sensitive: `Cel`, `[degF]`, `m/s`, `kW.h`, `m3/h`, `mm[Hg]`, `{events}/min`; besides the units of SenML
 * that UCUM has not (`%RH`, `lat`, `count`). A temperature with other units beside it is a difference of temperatures.
 * @throws CoreError `config.invalid` if it is none.
 */
export function parseUnit(code: string): Unit {
  if (SENML_UNITS.has(code)) return { code, factor: 1, dims: { [code]: 1 }, zero: 0 }
  const reader: Reader = { code, at: 0 }
  if (code === '' || code.length > MAX_CODE) throw fault(reader, 'expected a UCUM unit such as Cel')
  const unit = readTerm(reader, 0)
  if (reader.at < code.length) throw fault(reader, 'expected . or / or the end')
  return { ...unit, code }
}

/**
 * How values of one unit become values of another.
 * @throws CoreError `config.invalid` if they measure different things.
 */
export function conversion(from: Unit, to: Unit): Linear {
  if (dimsKey(from.dims) !== dimsKey(to.dims)) {
    throw new CoreError(
      'config.invalid',
      `expected a unit that measures the same as ${to.code}, found ${from.code}`,
    )
  }
  return { scale: from.factor / to.factor, offset: (from.zero - to.zero) / to.factor }
}

/** What people write who do not have the table of UCUM at hand. */
const USUAL_NAMES: Readonly<Record<string, string>> = {
  celsius: 'Cel',
  degc: 'Cel',
  c: 'Cel',
  fahrenheit: '[degF]',
  degf: '[degF]',
  f: '[degF]',
  kelvin: 'K',
  kwh: 'kW.h',
  wh: 'W.h',
  mah: 'mA.h',
  kph: 'km/h',
  kmh: 'km/h',
  mph: '[mi_i]/h',
  knots: '[kn_i]',
  kn: '[kn_i]',
  psi: '[psi]',
  inhg: "[in_i'Hg]",
  mmhg: 'mm[Hg]',
  ppm: '[ppm]',
  ppb: '[ppb]',
  rpm: '{rev}/min',
  sec: 's',
  seconds: 's',
  hr: 'h',
  hours: 'h',
  minutes: 'min',
  days: 'd',
  inch: '[in_i]',
  ft: '[ft_i]',
  mi: '[mi_i]',
  gal: '[gal_us]',
  lb: '[lb_av]',
  oz: '[oz_av]',
  ohm: 'Ohm',
  lux: 'lx',
  volt: 'V',
  amp: 'A',
  watt: 'W',
  percent: '%',
  ph: '[pH]',
  dbm: 'dBm',
  byte: 'By',
  bytes: 'By',
}

function usualNames(name: string): string | undefined {
  const lower = name.toLowerCase()
  return Object.hasOwn(USUAL_NAMES, lower) ? USUAL_NAMES[lower] : undefined
}

interface Reader {
  readonly code: string
  at: number
}

type Part = Omit<Unit, 'code'>

const ONE: Part = { factor: 1, dims: {}, zero: 0 }

/** Deeper nesting is no unit that a person meant. */
const MAX_DEPTH = 8

/** term = [/] component { (. | /) component } */
function readTerm(reader: Reader, depth: number): Part {
  if (depth > MAX_DEPTH) throw fault(reader, `expected at most ${MAX_DEPTH} levels of parentheses`)
  const { code } = reader
  let inverse = code[reader.at] === '/'
  if (inverse) reader.at++
  const first = readComponent(reader, depth)
  let whole = inverse ? raise(first, -1) : first
  for (;;) {
    const operator = code[reader.at]
    if (operator !== '.' && operator !== '/') return whole
    reader.at++
    inverse = operator === '/'
    whole = product(whole, raise(readComponent(reader, depth), inverse ? -1 : 1))
  }
}

/** component = ( term ) | annotation | number | unit [exponent] [annotation] */
function readComponent(reader: Reader, depth: number): Part {
  const { code } = reader
  if (code[reader.at] === '(') {
    reader.at++
    const inner = readTerm(reader, depth + 1)
    if (code[reader.at] !== ')') throw fault(reader, 'expected )')
    reader.at++
    return inner
  }
  if (readAnnotation(reader)) return ONE
  const part = readUnit(reader)
  readAnnotation(reader)
  return part
}

/** What people add in braces says nothing of the size. */
function readAnnotation(reader: Reader): boolean {
  if (reader.code[reader.at] !== '{') return false
  const end = reader.code.indexOf('}', reader.at)
  if (end < 0) throw fault(reader, 'expected } after {')
  reader.at = end + 1
  return true
}

function readUnit(reader: Reader): Part {
  const { code } = reader
  const power = /^10[*^]/.test(code.slice(reader.at, reader.at + 3))
  if (power) {
    reader.at += 3
    return { ...ONE, factor: 10 ** readExponent(reader) }
  }
  const digits = /^\d+/.exec(code.slice(reader.at))?.[0]
  if (digits !== undefined) {
    reader.at += digits.length
    return { ...ONE, factor: Number(digits) }
  }
  const start = reader.at
  const name = /^(?:[A-Za-z%'"_]|\[[^\]]*\])+/.exec(code.slice(start))?.[0] ?? ''
  if (name === '') throw fault(reader, 'expected a unit')
  const atom = findAtom(name)
  if (atom === undefined) {
    const close = usualNames(name) ?? nearestName(name, Object.keys(UNIT_ATOMS))
    throw fault(
      reader,
      `expected a UCUM unit, found ${JSON.stringify(name)}${close === undefined ? '' : `; did you mean ${close}?`}`,
    )
  }
  reader.at += name.length
  const exponent = readExponent(reader)
  const part = { factor: atom.factor, dims: atom.dims, zero: atom.zero ?? 0 }
  return exponent === 1 ? part : raise(part, exponent)
}

/** The exponent that follows, 1 if none does. */
function readExponent(reader: Reader): number {
  const text = /^[+-]?\d{1,3}/.exec(reader.code.slice(reader.at))?.[0]
  if (text === undefined) return 1
  reader.at += text.length
  return Number(text)
}

/** A unit by its name, or a prefix and a metric unit. */
function findAtom(name: string): UnitAtom | undefined {
  if (Object.hasOwn(UNIT_ATOMS, name)) return UNIT_ATOMS[name]
  for (const length of [2, 1]) {
    const prefix = name.slice(0, length)
    const rest = name.slice(length)
    if (!Object.hasOwn(PREFIXES, prefix) || !Object.hasOwn(UNIT_ATOMS, rest)) continue
    const atom = UNIT_ATOMS[rest]
    const times = PREFIXES[prefix]
    if (atom?.metric === true && times !== undefined)
      return { ...atom, factor: atom.factor * times }
  }
  return undefined
}

function product(left: Part, right: Part): Part {
  const dims: Record<string, number> = { ...left.dims }
  for (const [base, exponent] of Object.entries(right.dims))
    dims[base] = (dims[base] ?? 0) + exponent
  return { factor: left.factor * right.factor, dims, zero: 0 }
}

function raise({ factor, dims, zero }: Part, exponent: number): Part {
  if (exponent === 1) return { factor, dims, zero }
  return {
    factor: factor ** exponent,
    dims: Object.fromEntries(Object.entries(dims).map(([base, own]) => [base, own * exponent])),
    zero: 0,
  }
}

function dimsKey(dims: Unit['dims']): string {
  return Object.entries(dims)
    .filter(([, exponent]) => exponent !== 0)
    .map(([base, exponent]) => `${base}${exponent}`)
    .toSorted()
    .join(' ')
}

function fault({ code, at }: Reader, sentence: string): CoreError {
  return new CoreError(
    'config.invalid',
    `${sentence}, in the unit ${JSON.stringify(code)} at ${at + 1}`,
  )
}
