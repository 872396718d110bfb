import { floor, type Numeric, toDouble } from '../decimal.ts'
import type { Semantics } from '../operators.ts'
import { toNumeric, toText, type Value } from '../value.ts'

/** An argument as a number; Undefined for what does not convert. */
export function numberOf(
  args: readonly Value[],
  at: number,
  semantics: Semantics,
): Numeric | undefined {
  return toNumeric(args[at], semantics.keepsScale)
}

/** An argument as a double. */
export function doubleOf(
  args: readonly Value[],
  at: number,
  semantics: Semantics,
): number | undefined {
  const value = numberOf(args, at, semantics)
  return value === undefined ? undefined : toDouble(value)
}

/** An argument rounded down to an Int, as a double: for indexes and counts, which are clamped. */
export function indexOf(
  args: readonly Value[],
  at: number,
  semantics: Semantics,
): number | undefined {
  const value = numberOf(args, at, semantics)
  return value === undefined ? undefined : toDouble(floor(value))
}

/** An argument as text, by the standard conversions. */
export function textOf(
  args: readonly Value[],
  at: number,
  semantics: Semantics,
): string | undefined {
  return toText(args[at], semantics.limits.stringLength)
}
