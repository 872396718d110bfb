import type { CastType } from './ast.ts'
import { floor, keepScale, signOf } from './decimal.ts'
import type { Semantics } from './operators.ts'
import { isNumeric, toBoolean, toNumeric, toText, type Value } from './value.ts'

/**
 * Converts by `cast`: as the language does by itself, and also between numbers and Booleans.
 *
 * Result: Undefined where there is no conversion.
 * Source: AWS IoT SQL, functions, cast.
 */
export function castValue(value: Value, type: CastType, semantics: Semantics): Value {
  switch (type) {
    case 'string':
      return toText(value, semantics.limits.stringLength)
    case 'boolean':
      return isNumeric(value) ? signOf(value) !== 0 : toBoolean(value)
    case 'int':
      return castNumber(value, semantics, true)
    case 'double':
    case 'decimal':
      return castNumber(value, semantics, false)
  }
}

function castNumber(value: Value, semantics: Semantics, whole: boolean): Value {
  const { keepsScale } = semantics
  if (typeof value === 'boolean') {
    const bit = value ? 1 : 0
    return whole || !keepsScale ? bit : keepScale(bit)
  }
  const number = toNumeric(value, keepsScale)
  if (number === undefined) return undefined
  return whole ? floor(number) : number
}
