import type { Json } from '../../model/json.ts'

/** How a text between separators is read. `auto`: as what it looks like. */
export type CellType = 'auto' | 'number' | 'text' | 'boolean'

/** What stands before the fraction of a number. */
export type DecimalMark = '.' | ','

/** What else a type reads, as no value. */
const NO_VALUE = /^(?:|-?nan|null|n\/a|-)$/i

const YES = /^(?:true|on|yes|1)$/i

const NO = /^(?:false|off|no|0)$/i

/** The value of a text; `undefined` if it is none of its type. */
export function readCell(text: string, type: CellType, decimal: DecimalMark): Json | undefined {
  switch (type) {
    case 'text':
      return text
    case 'number':
      return NO_VALUE.test(text) ? null : readNumber(text, decimal)
    case 'boolean':
      if (YES.test(text)) return true
      if (NO.test(text)) return false
      return NO_VALUE.test(text) ? null : undefined
    case 'auto':
      return guess(text, decimal)
  }
}

/** Digits behind a zero are those of an id or a time of day, and those that no double keeps are an id: they stay a text. */
function guess(text: string, decimal: DecimalMark): Json {
  if (text === '') return null
  if (/^[+-]?0\d/.test(text)) return text
  const number = readNumber(text, decimal)
  if (number !== undefined) {
    const isWhole = /^[+-]?\d+$/.test(text)
    return isWhole && !Number.isSafeInteger(number) ? text : number
  }
  if (/^true$/i.test(text)) return true
  return /^false$/i.test(text) ? false : text
}

/** The number in a text; `undefined` if it is none, or larger than a double. */
export function readNumber(text: string, decimal: DecimalMark): number | undefined {
  const shape = decimal === '.' ? POINTED : COMMAED
  if (!shape.test(text)) return undefined
  const number = Number(decimal === '.' ? text : text.replace(',', '.'))
  return Number.isFinite(number) ? number : undefined
}

const POINTED = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i

const COMMAED = /^[+-]?(?:\d+,?\d*|,\d+)(?:e[+-]?\d+)?$/i

/** The text of a value, without quotes; `undefined` for a value that has none. */
export function writeCell(value: Json | undefined, decimal: DecimalMark): string | undefined {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number')
    return decimal === '.' ? String(value) : String(value).replace('.', ',')
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  return typeof value === 'string' ? value : undefined
}
