import type { Json } from '../../model/json.ts'
import { typedFloat } from '../binary/typed.ts'

/** The content of a tag as JSON. */
export interface Tagged {
  readonly value: Json
  readonly warning?: string
}

/**
 * What a tag makes of its content: times (0, 1) and fractions (4, 5) are what they say, any other tag is kept beside
 * its content.
 *
 * Source: RFC 8949, section 3.4.
 */
export function readTagged(tag: number | string, content: Json, plain: boolean): Tagged {
  switch (tag) {
    case 0:
      if (typeof content !== 'string' || !isRfc3339(content))
        return odd(tag, content, plain, 'a date')
      return { value: plain ? content : { $time: content } }
    case 1:
      if (typeof content !== 'number') return odd(tag, content, plain, 'epoch seconds')
      return { value: plain ? content : { $time: content } }
    case 4:
    case 5: {
      const value = fractionOf(content, tag === 4 ? 10 : 2)
      if (value === undefined) return odd(tag, content, plain, 'an exponent and a mantissa')
      if (Number.isFinite(value)) return { value }
      return {
        value: plain ? null : typedFloat(value),
        warning: 'expected a number, found one too large',
      }
    }
    default:
      return { value: plain ? content : kept(tag, content) }
  }
}

function odd(tag: number, content: Json, plain: boolean, expected: string): Tagged {
  const warning = `expected ${expected}, found something else`
  return { value: plain ? content : kept(tag, content), warning }
}

function kept(tag: number | string, content: Json): Json {
  return { $tag: tag, value: content }
}

function isRfc3339(text: string): boolean {
  return (
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i.test(text) &&
    !Number.isNaN(Date.parse(text))
  )
}

function fractionOf(content: Json, base: 2 | 10): number | undefined {
  if (!Array.isArray(content) || content.length !== 2) return undefined
  const [exponent, mantissa] = content
  if (typeof exponent !== 'number' || !Number.isInteger(exponent)) return undefined
  const isWhole =
    typeof mantissa === 'string'
      ? /^-?\d+$/.test(mantissa)
      : typeof mantissa === 'number' && Number.isInteger(mantissa)
  if (!isWhole) return undefined
  // As a text it is rounded once.
  return base === 10 ? Number(`${mantissa}e${exponent}`) : Number(mantissa) * 2 ** exponent
}
