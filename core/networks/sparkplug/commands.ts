import { CoreError } from '../../errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../../model/json.ts'
import { REBIRTH } from './session.ts'

/** The types of metrics travel with the address, as JSON; of a birth that says more than this, none do. */
const MAX_TYPES_CHARS = 16_000

/** The payload that asks an edge node for its birth. Source: tck-id-operational-behavior-data-commands-ncmd-rebirth. */
export function rebirthPayload(at: number): Json {
  return {
    timestamp: at,
    metrics: [{ name: REBIRTH, timestamp: at, dataType: 'Boolean', value: true }],
  }
}

/** The types of a birth's metrics as one text, for the address; `undefined` where they are too many. */
export function typesText(metrics: readonly JsonObject[]): string | undefined {
  const types: [string, string][] = []
  for (const { name, dataType } of metrics)
    if (typeof name === 'string' && typeof dataType === 'string') types.push([name, dataType])
  const text = JSON.stringify(Object.fromEntries(types))
  return text.length > MAX_TYPES_CHARS ? undefined : text
}

/**
 * The payload of a command. Its content is values by the names of metrics; or a payload, with `metrics`; or one value, and
 * the command is called as the metric. Types are those of the birth, as far as they are known.
 * @throws CoreError `command.invalid`
 */
export function commandPayload(
  name: string,
  value: Json,
  types: string | undefined,
  at: number,
): Json {
  if (isJsonObject(value) && Array.isArray(value['metrics'])) {
    const { seq: _, ...payload } = value
    return { timestamp: at, ...payload }
  }
  const known = readTypes(types)
  const given: readonly (readonly [string, Json])[] = isJsonObject(value)
    ? Object.entries(value)
    : [[name, value]]
  if (given.length === 0)
    throw new CoreError('command.invalid', 'expected values by the names of metrics, found none')
  return {
    timestamp: at,
    metrics: given.map(([metric, one]) => {
      const typed = isJsonObject(one) && one['dataType'] !== undefined
      const content = typed ? (one['value'] ?? null) : one
      const dataType = typed ? one['dataType'] : (known.get(metric) ?? guessType(content))
      return {
        name: metric,
        timestamp: at,
        ...(dataType === undefined ? {} : { dataType }),
        value: content,
      }
    }),
  }
}

function readTypes(text: string | undefined): ReadonlyMap<string, Json> {
  if (text === undefined) return new Map()
  const types: Json = JSON.parse(text)
  return new Map(isJsonObject(types) ? Object.entries(types) : [])
}

function guessType(value: Json): string | undefined {
  if (typeof value === 'boolean') return 'Boolean'
  if (typeof value === 'string') return 'String'
  if (typeof value !== 'number') return undefined
  if (!Number.isInteger(value)) return 'Double'
  return value === (value | 0) ? 'Int32' : 'Int64'
}
