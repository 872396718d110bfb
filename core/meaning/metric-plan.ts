import { CoreError } from '../errors.ts'
import type { Flag } from '../model/meaning.ts'
import type { MetricValue } from '../model/telemetry.ts'
import type { MetricConfig } from './schema.ts'
import { conversion, type Linear, parseUnit } from './unit.ts'

/** What one metric of a type is, compiled: neither looks anything up nor allocates for a value that is right. */
export interface MetricPlan {
  /** For people: `a number from -40 to 85 Cel`. */
  readonly expected: string
  /** The value as it is stored. */
  convert(value: MetricValue): MetricValue
  /** What is wrong with a value as it is stored; `undefined` if nothing is. */
  faultOf(stored: MetricValue): Flag | undefined
}

/**
 * Compiles the schema of one metric.
 * @throws CoreError `config.invalid` that names the key.
 */
export function compileMetric(metric: MetricConfig): MetricPlan {
  const { type, min, max, values, precision } = metric
  const numeric = type === 'number' || type === 'integer'
  if (!numeric) {
    const odd = (['unit', 'sent', 'min', 'max', 'precision'] as const).find(
      (key) => metric[key] !== undefined,
    )
    if (odd !== undefined)
      throw new CoreError('config.invalid', `${odd}: expected it for numbers only`)
  }
  if (min !== undefined && max !== undefined && min > max)
    throw new CoreError('config.invalid', `max: expected at least min (${min}), found ${max}`)
  const linear = linearOf(metric)
  const round = rounder(precision)
  const among = values === undefined ? undefined : new Set<MetricValue>(values)
  const toStored = storedOf(linear, round)
  const least = min ?? -Number.MAX_VALUE
  const most = max ?? Number.MAX_VALUE

  const faultOf = (stored: MetricValue): Flag | undefined => {
    if (numeric) {
      if (typeof stored !== 'number') return 'type'
      if (!(stored >= least && stored <= most)) return 'range'
      if (type === 'integer' && !Number.isInteger(stored)) return 'type'
    } else if (type === 'boolean' ? typeof stored !== 'boolean' : typeof stored !== 'string') {
      return 'type'
    }
    return among === undefined || among.has(stored) ? undefined : 'value'
  }
  return {
    expected: describeMetric(metric),
    faultOf,
    convert: (value) =>
      typeof value === 'number' && toStored !== undefined ? toStored(value) : value,
  }
}

/** Rounds to a multiple; `undefined` where nothing is rounded. */
export function rounder(precision: number | undefined): ((value: number) => number) | undefined {
  if (precision === undefined) return undefined
  // Dividing by 10 is exact where multiplying by 0.1 is not.
  const inverse = 1 / precision
  const whole = Math.round(inverse)
  if (precision < 1 && Math.abs(whole - inverse) < 1e-9 * whole)
    return (value) => Math.round(value * whole) / whole
  return (value) => Math.round(value / precision) * precision
}

/** Digits past these are the noise of the conversion. */
const CONVERTED_DIGITS = 1e9
const LARGEST_ROUNDED = 9e6

function storedOf(
  linear: Linear | undefined,
  round: ((value: number) => number) | undefined,
): ((value: number) => number) | undefined {
  if (linear === undefined) return round
  const { scale, offset } = linear
  if (round !== undefined) return (value) => round(value * scale + offset)
  return (value) => {
    const converted = value * scale + offset
    return Math.abs(converted) < LARGEST_ROUNDED
      ? Math.round(converted * CONVERTED_DIGITS) / CONVERTED_DIGITS
      : converted
  }
}

function linearOf({ unit, sent }: MetricConfig): Linear | undefined {
  const read = (key: 'unit' | 'sent', code: string) => {
    try {
      return parseUnit(code)
    } catch (error) {
      if (!(error instanceof CoreError)) throw error
      throw new CoreError('config.invalid', `${key}: ${error.message}`)
    }
  }
  const to = unit === undefined ? undefined : read('unit', unit)
  if (sent === undefined) return undefined
  if (to === undefined) throw new CoreError('config.invalid', `sent: expected unit beside it`)
  const from = read('sent', sent)
  const linear = conversion(from, to)
  return linear.scale === 1 && linear.offset === 0 ? undefined : linear
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
