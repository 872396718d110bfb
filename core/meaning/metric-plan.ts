import { CoreError } from '../errors.ts'
import type { Flag } from '../model/meaning.ts'
import type { MetricValue } from '../model/telemetry.ts'
import type { MetricConfig } from './schema.ts'
import { conversion, type Linear, parseUnit, type Unit } from './unit.ts'

/** What one metric of a type is, compiled to facts: all plans have the same shape, so that one function reads them fast. */
export interface MetricPlan {
  /** For people: `a number from -40 to 85 Cel`. */
  readonly expected: string
  /** What `typeof` says of its values. */
  readonly kind: 'number' | 'boolean' | 'string'
  readonly whole: boolean
  readonly least: number
  readonly most: number
  readonly among: ReadonlySet<MetricValue> | undefined
  /** How a number is stored; `undefined`: as it was sent. */
  readonly toStored: ((value: number) => number) | undefined
}

/** The value as it is stored. */
export function storedValue({ toStored }: MetricPlan, value: MetricValue): MetricValue {
  return toStored === undefined || typeof value !== 'number' ? value : toStored(value)
}

/** Whether a value is stored as it was sent, and nothing is wrong with it. */
export function isRight(plan: MetricPlan, value: MetricValue): boolean {
  return plan.toStored === undefined && faultOf(plan, value) === undefined
}

/** What is wrong with a value as it is stored; `undefined` if nothing is. */
export function faultOf(plan: MetricPlan, stored: MetricValue): Flag | undefined {
  if (typeof stored !== plan.kind) return 'type'
  if (typeof stored === 'number') {
    if (!(stored >= plan.least && stored <= plan.most)) return 'range'
    if (plan.whole && !Number.isInteger(stored)) return 'type'
  }
  return plan.among === undefined || plan.among.has(stored) ? undefined : 'value'
}

/**
 * Compiles the schema of one metric.
 * @throws CoreError `config.invalid` with `details.key`, the key that is wrong.
 */
export function compileMetric(metric: MetricConfig): MetricPlan {
  const { type, min, max, values, precision } = metric
  const numeric = type === 'number' || type === 'integer'
  if (!numeric) {
    const odd = (['unit', 'sent', 'min', 'max', 'precision'] as const).find(
      (key) => metric[key] !== undefined,
    )
    if (odd !== undefined) throw wrong(odd, 'expected it for numbers only')
  }
  if (min !== undefined && max !== undefined && min > max)
    throw wrong('max', `expected at least min (${min}), found ${max}`)
  return {
    expected: describeMetric(metric),
    kind: numeric ? 'number' : type === 'boolean' ? 'boolean' : 'string',
    whole: type === 'integer',
    least: min ?? -Number.MAX_VALUE,
    most: max ?? Number.MAX_VALUE,
    among: values === undefined ? undefined : new Set<MetricValue>(values),
    toStored: storedOf(linearOf(metric), rounder(precision)),
  }
}

/** Rounds to a multiple, halves away from zero; `undefined` where nothing is rounded. */
export function rounder(precision: number | undefined): ((value: number) => number) | undefined {
  if (precision === undefined) return undefined
  // Dividing by 10 is exact where multiplying by 0.1 is not.
  const inverse = 1 / precision
  const whole = Math.round(inverse)
  const parts = precision < 1 && Math.abs(whole - inverse) < 1e-9 * whole
  return (value) => {
    const rounded = parts
      ? roundHalfAway(value * whole) / whole
      : roundHalfAway(value / precision) * precision
    // A number without digits past the point is as round as it gets, and may be too large to be multiplied.
    return Number.isFinite(rounded) ? rounded : value
  }
}

/** `Math.round(-2.5)` is -2, and `Math.round(-0.4)` is -0. */
function roundHalfAway(value: number): number {
  return value < 0 ? 0 - Math.round(-value) : Math.round(value)
}

/** Digits past these are the noise of the conversion. */
const CONVERTED_DIGITS = 1e9
const LARGEST_ROUNDED = 9e6
const RIGHT_DIGITS = 13

function storedOf(
  linear: Linear | undefined,
  round: ((value: number) => number) | undefined,
): ((value: number) => number) | undefined {
  if (linear === undefined) return round
  const { scale, offset } = linear
  if (round !== undefined) return (value) => round(value * scale + offset)
  return (value) => {
    const converted = value * scale + offset
    const size = Math.abs(converted)
    if (size >= LARGEST_ROUNDED) return converted
    // Of picofarads in farads nothing is left before the ninth digit. Where a zero moves, as of temperatures, noise is.
    if (size < 1 && offset === 0)
      return converted === 0 ? 0 : Number(converted.toPrecision(RIGHT_DIGITS))
    return roundHalfAway(converted * CONVERTED_DIGITS) / CONVERTED_DIGITS
  }
}

function linearOf({ unit, sent }: MetricConfig): Linear | undefined {
  const read = (key: 'unit' | 'sent', code: string) => {
    try {
      return parseUnit(code)
    } catch (error) {
      if (!(error instanceof CoreError)) throw error
      throw wrong(key, error.message)
    }
  }
  const to = unit === undefined ? undefined : read('unit', unit)
  if (sent === undefined) return undefined
  if (to === undefined) throw wrong('sent', 'expected unit beside it')
  const from = read('sent', sent)
  const linear = conversionOf(from, to)
  return linear.scale === 1 && linear.offset === 0 ? undefined : linear
}

function conversionOf(from: Unit, to: Unit): Linear {
  try {
    return conversion(from, to)
  } catch (error) {
    if (!(error instanceof CoreError)) throw error
    throw wrong('sent', error.message)
  }
}

/** Says which key is wrong, so that whoever reads the config finds its place. */
function wrong(key: keyof MetricConfig, sentence: string): CoreError {
  return new CoreError('config.invalid', sentence, { details: { key } })
}

function describeMetric({ type, unit, min, max, values }: MetricConfig): string {
  const what = {
    number: 'a number',
    integer: 'a whole number',
    boolean: 'true or false',
    text: 'a text',
  }
  if (values !== undefined)
    return `one of ${values
      .slice(0, 10)
      .map((value) => JSON.stringify(value))
      .join(', ')}`
  const bounds = [min === undefined ? '' : ` from ${min}`, max === undefined ? '' : ` up to ${max}`]
  return `${what[type]}${bounds.join('')}${unit === undefined ? '' : ` ${unit}`}`
}
