/** What is known of a value before a message comes; `any` is a value of the body or the twin. */
export type StaticType = 'string' | 'number' | 'bool' | 'null' | 'undefined' | 'any'

/**
 * A value of the language. `undefined` is Undefined; NaN never occurs. `null` of a `string` is a property whose value
 * is null.
 */
export type Value = string | number | boolean | null | undefined

/** The order of kinds, by which values of the body compare with values of another kind. Source: `QueryValueType`. */
const KINDS = { boolean: 1, number: 2, string: 3, null: 4 } as const

function kindOf(value: string | number | boolean | null): number {
  if (value === null) return KINDS.null
  switch (typeof value) {
    case 'boolean':
      return KINDS.boolean
    case 'number':
      return KINDS.number
    default:
      return KINDS.string
  }
}

/**
 * Negative, 0 or positive as the first value comes before, with or after the second. Texts are compared code unit by code
 * unit; kinds are told apart before values.
 */
export function compareValues(
  left: string | number | boolean | null,
  right: string | number | boolean | null,
): number {
  if (typeof left === 'string' && typeof right === 'string')
    return left < right ? -1 : left > right ? 1 : 0
  const byKind = kindOf(left) - kindOf(right)
  return byKind === 0 ? Number(left) - Number(right) || 0 : byKind
}

/** A number, or Undefined where it is none. */
export function numberOrUndefined(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value
}

/**
 * Reads a number as people write it.
 *
 * Total:  Undefined where the text is none.
 * Source: .NET `Double.TryParse` with `NumberStyles.Any` and the invariant culture.
 */
export function readNumber(text: string): number | undefined {
  const trimmed = text.replace(/^[\t-\r ]+|[\t-\r ]+$/g, '')
  if (/^[+-]?(infinity|∞)$/i.test(trimmed)) return trimmed.startsWith('-') ? -Infinity : Infinity
  const inner = /^\((.*)\)$/s.exec(trimmed)
  const parts = DECIMAL.exec((inner?.[1] ?? trimmed).replace('¤', ''))
  if (parts === null) return undefined
  const [, leading = '', whole = '', fraction = '', exponent = '', trailing = ''] = parts
  const digits = whole.replaceAll(',', '')
  if (digits === '' && fraction.length < 2) return undefined
  if (inner !== null && leading + trailing !== '') return undefined
  if (leading !== '' && trailing !== '') return undefined
  const size = Number(
    `${digits === '' ? '0' : digits}${fraction === '.' ? '' : fraction}${exponent}`,
  )
  const isNegative = inner !== null || leading === '-' || trailing === '-'
  return isNegative ? -size : size
}

const DECIMAL =
  /^[\t-\r ]*([+-]?)[\t-\r ]*(\d[\d,]*)?(\.\d*)?(e[+-]?\d+)?[\t-\r ]*([+-]?)[\t-\r ]*$/i
