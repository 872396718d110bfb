import { CoreError } from '../../errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../../model/json.ts'

/** How deep a result may nest. */
const MAX_DEPTH = 64

/** Characters of what a script says about a message. */
const MAX_TEXT = 500

/** What a script returned where data, warnings and errors stand beside each other. */
export interface Formatted {
  /** `undefined`: it returned none. */
  readonly data: Json | undefined
  readonly fields: JsonObject
  readonly warnings: readonly string[]
}

/**
 * Reads `{data, warnings, errors}`; a script that reports errors has failed, whatever data it returned beside them.
 * @throws CoreError `codec.script_failed` or `codec.too_deep`.
 */
export function readFormatted(name: string, value: Json | undefined): Formatted {
  if (!isJsonObject(value))
    throw new CoreError(
      'codec.script_failed',
      `expected ${name} to return an object of data, warnings and errors, found ${nameOf(value)}`,
    )
  const errors = textsOf(value['errors'])
  if (errors.length > 0) throw new CoreError('codec.script_failed', `${name}: ${errors.join(', ')}`)
  checkDepth(name, value)
  return { data: value['data'], fields: value, warnings: textsOf(value['warnings']) }
}

/**
 * A result that stands for itself.
 * @throws CoreError `codec.script_failed` or `codec.too_deep`.
 */
export function readPlain(name: string, value: Json | undefined): Json {
  if (value === undefined)
    throw new CoreError('codec.script_failed', `expected ${name} to return a value, found nothing`)
  checkDepth(name, value)
  return value
}

/** What a value is, in words. */
export function nameOf(value: Json | undefined): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`
}

/** Texts of a list; scripts also return one text, or objects. */
function textsOf(value: Json | undefined): readonly string[] {
  if (value === undefined || value === null || value === '' || value === false) return []
  const list = Array.isArray(value) ? value : [value]
  return list.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)).slice(0, MAX_TEXT))
}

function checkDepth(name: string, value: Json): void {
  if (isDeeper(value, MAX_DEPTH))
    throw new CoreError(
      'codec.too_deep',
      `expected ${name} to return at most ${MAX_DEPTH} levels of nesting, found more`,
    )
}

/** Never recurses deeper than `levels`. */
function isDeeper(value: Json, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  if (!isJsonObject(value)) return value.some((item) => isDeeper(item, levels - 1))
  for (const key in value) {
    const inner = value[key]
    if (inner !== undefined && isDeeper(inner, levels - 1)) return true
  }
  return false
}
