import { CoreError } from '../../errors.ts'
import type { Json } from '../../model/json.ts'
import type { Codec, Encoded, PayloadFacts, Script } from '../codec.ts'
import { ENCODERS } from './names.ts'
import { nameOf, readFormatted } from './result.ts'

/** The encoder of a script; `undefined` where it declares none. */
export function encodeWith(script: Script): Codec['encode'] {
  const name = ENCODERS.find((one) => script.names.includes(one))
  switch (name) {
    case undefined:
      return undefined
    case 'Encode':
      return (value, facts) =>
        encodePlain(script, name, [facts.fPort ?? null, value, facts.variables ?? {}], facts)
    case 'Encoder':
      return (value, facts) => encodePlain(script, name, [value, facts.fPort ?? null], facts)
    default:
      return (value, facts) => encodeFormatted(script, name, value, facts)
  }
}

/** The Things Stack and ChirpStack v4: `{data, fPort}` in, `{bytes, fPort, warnings, errors}` out. */
function encodeFormatted(script: Script, name: string, data: Json, facts: PayloadFacts): Encoded {
  const input: Record<string, Json> = { data, variables: facts.variables ?? {} }
  if (facts.fPort !== undefined) input['fPort'] = facts.fPort
  const { value, warnings } = script.call(name, [input], facts.receivedAt)
  if (Array.isArray(value)) return encoded(readBytes(name, value), facts.fPort, warnings)
  const { fields, warnings: own } = readFormatted(name, value)
  const bytes = readBytes(name, fields['bytes'])
  return encoded(bytes, readPort(name, fields['fPort']) ?? facts.fPort, [...own, ...warnings])
}

function encodePlain(
  script: Script,
  name: string,
  args: readonly Json[],
  facts: PayloadFacts,
): Encoded {
  const { value, warnings } = script.call(name, args, facts.receivedAt)
  return encoded(readBytes(name, value), facts.fPort, warnings)
}

function encoded(
  bytes: Uint8Array,
  fPort: number | undefined,
  warnings: readonly string[],
): Encoded {
  return fPort === undefined ? { bytes, warnings } : { bytes, fPort, warnings }
}

/** Numbers become bytes as in a Uint8Array: -1 is 255, 3.7 is 3. */
function readBytes(name: string, value: Json | undefined): Uint8Array {
  const list = isBuffer(value) ? value.data : value
  if (!Array.isArray(list))
    throw new CoreError(
      'codec.script_failed',
      `expected ${name} to return an array of bytes, found ${nameOf(list)}`,
    )
  return Uint8Array.from(list, (one: Json, index) => {
    if (typeof one === 'number') return one
    throw new CoreError(
      'codec.script_failed',
      `expected ${name} to return numbers, found ${nameOf(one)} as byte ${index}`,
    )
  })
}

/** What a Buffer is in JSON. */
function isBuffer(value: Json | undefined): value is { readonly data: readonly Json[] } {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    'type' in value &&
    value['type'] === 'Buffer' &&
    'data' in value &&
    Array.isArray(value['data'])
  )
}

function readPort(name: string, value: Json | undefined): number | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 255)
    return value
  throw new CoreError(
    'codec.script_failed',
    `expected ${name} to return an fPort from 0 to 255, found ${JSON.stringify(value)}`,
  )
}
