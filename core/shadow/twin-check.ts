import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import { isDeeperThan, jsonBytes, utf8Bytes } from './json-tree.ts'
import type { TwinDialect } from './twin-dialect.ts'

/** Where the walk through a patch is. */
interface Place {
  /** The name of the property; '' for the section itself and for what lies in an array. */
  readonly name: string
  readonly depth: number
  readonly inArray: boolean
}

/**
 * The first fault of a patch, in the words of the system; `undefined` if there is none.
 *
 * Total:  goes no deeper than the limit on depth.
 * Source: Azure/iotedge `ReportedPropertiesValidator`.
 */
export function twinPatchFault(patch: JsonObject, dialect: TwinDialect): string | undefined {
  const { maxDepth, maxPatchBytes } = dialect
  if (maxPatchBytes !== undefined && !isDeeperThan(patch, maxDepth + 1)) {
    const bytes = jsonBytes(patch)
    if (bytes > maxPatchBytes) return sizeFault(bytes, maxPatchBytes)
  }
  return valueFault(patch, { name: '', depth: 0, inArray: false }, dialect)
}

/** What is said of a section that is too large. */
export function sizeFault(bytes: number, limit: number): string {
  return `Twin properties size ${bytes} exceeds maximum ${limit}`
}

/** What is said of a section that is nested too deep. */
export function depthFault(dialect: TwinDialect): string {
  return `Nested depth of twin property exceeds ${dialect.maxDepth}`
}

function valueFault(value: Json, place: Place, dialect: TwinDialect): string | undefined {
  const { name, depth, inArray } = place
  switch (typeof value) {
    case 'string':
      return stringFault(value, name, dialect)
    case 'number':
      return numberFault(value, name, dialect)
    case 'boolean':
      return undefined
    default:
      break
  }
  if (value === null)
    return inArray ? `Property ${name} of an object in an array cannot be 'null'` : undefined
  if (depth > dialect.maxDepth) return depthFault(dialect)
  return isJsonObject(value)
    ? objectFault(value, place, dialect)
    : arrayFault(value, depth, dialect)
}

function objectFault(
  value: JsonObject,
  { depth, inArray }: Place,
  dialect: TwinDialect,
): string | undefined {
  for (const name in value) {
    const child = value[name]
    const fault =
      nameFault(name, dialect) ??
      (child === undefined
        ? undefined
        : valueFault(child, { name, depth: depth + 1, inArray }, dialect))
    if (fault !== undefined) return fault
  }
  return undefined
}

function arrayFault(
  items: readonly Json[],
  depth: number,
  dialect: TwinDialect,
): string | undefined {
  for (const item of items) {
    if (item === null) return "Arrays cannot contain 'null' as value"
    const fault = valueFault(item, { name: '', depth: depth + 1, inArray: true }, dialect)
    if (fault !== undefined) return fault
  }
  return undefined
}

function nameFault(name: string, dialect: TwinDialect): string | undefined {
  if (utf8Bytes(name) > dialect.maxKeyBytes) {
    return `Length of property name ${name.slice(0, 10)}.. exceeds maximum length of ${dialect.maxKeyBytes}`
  }
  const character = dialect.forbiddenInKey.exec(name)?.[0]
  return character === undefined
    ? undefined
    : `Property name ${name} contains invalid character '${character}'`
}

function stringFault(value: string, name: string, dialect: TwinDialect): string | undefined {
  const bytes = utf8Bytes(value)
  if (bytes <= dialect.maxStringBytes) return undefined
  return `Value associated with property name ${name} has length ${bytes} that exceeds maximum length of ${dialect.maxStringBytes}`
}

/** JSON in JavaScript has one kind of number: one without a fraction counts as an integer. */
function numberFault(value: number, name: string, dialect: TwinDialect): string | undefined {
  const { smallestInteger, largestInteger } = dialect
  if (!Number.isInteger(value) || (value >= smallestInteger && value <= largestInteger))
    return undefined
  return `Property ${name} has an out of bound value. Valid values are between ${smallestInteger} and ${largestInteger}`
}
