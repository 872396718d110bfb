import { CoreError } from '../../errors.ts'
import type { Json } from '../../model/json.ts'

/** What a layout asks for and no message can have; `path` is where it stands in the options. */
export function badLayout(path: string, message: string): CoreError {
  return new CoreError('codec.bad_options', message, { details: { path } })
}

/** A value that a field cannot say. */
export function badValue(label: string, expected: string, found: Json | undefined): CoreError {
  return new CoreError(
    'codec.wrong_type',
    `layout: expected ${label} as ${expected}, found ${nameOf(found)}`,
  )
}

/** A number that does not fit. */
export function outOfRange(label: string, low: number, high: number): CoreError {
  return new CoreError(
    'codec.out_of_range',
    `layout: expected ${label} from ${low} to ${high} counts, found one that is not`,
  )
}

function nameOf(value: Json | undefined): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
