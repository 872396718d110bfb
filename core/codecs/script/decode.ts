import { CoreError } from '../../errors.ts'
import { isJsonObject, type Json } from '../../model/json.ts'
import {
  type Codec,
  type CodecMessage,
  type Decoded,
  NO_WARNINGS,
  type PayloadFacts,
  type Script,
} from '../codec.ts'
import { CONVERTER, DOWNLINK_DECODER, NORMALIZER, VALIDATOR } from './names.ts'
import { nameOf, readFormatted, readPlain } from './result.ts'

/** The decoder of a script: the first of these functions that it declares. */
export function decodeWith(
  script: Script,
  decoders: readonly string[],
  normalizes: boolean,
): Codec['decode'] {
  const name = decoders.find((one) => script.names.includes(one))
  switch (name) {
    case undefined:
      return () => {
        throw new CoreError(
          'codec.script_failed',
          `expected a script that declares ${decoders.join(', ')}, found ${script.names.join(', ')}`,
        )
      }
    case 'Decode':
      return (bytes, facts) => decodePlain(script, name, chirpStack3(bytes, facts), facts)
    case 'Decoder':
      return (bytes, facts) => decodeNetwork2(script, bytes, facts)
    default:
      return normalizes
        ? (bytes, facts) => normalize(script, decodeFormatted(script, name, bytes, facts), facts)
        : (bytes, facts) => decodeFormatted(script, name, bytes, facts)
  }
}

/** The measurements of normalizeUplink: each is a message, at its `time` where it has one. */
export function splitMeasurements(value: Json): readonly CodecMessage[] {
  if (!Array.isArray(value)) return [measurementOf(value)]
  return value.map(measurementOf)
}

function measurementOf(body: Json): CodecMessage {
  const time = isJsonObject(body) ? body['time'] : undefined
  const at = typeof time === 'string' ? Date.parse(time) : Number.NaN
  return Number.isNaN(at) ? { body } : { body, at }
}

/** The Things Stack and ChirpStack v4: one object in, `{data, warnings, errors}` out. */
function decodeFormatted(
  script: Script,
  name: string,
  bytes: Uint8Array,
  { fPort, receivedAt, variables }: PayloadFacts,
): Decoded {
  const input: Record<string, Json> = { bytes: Array.from(bytes), recvTime: receivedAt }
  if (fPort !== undefined) input['fPort'] = fPort
  if (name !== DOWNLINK_DECODER) input['variables'] = variables ?? {}
  const { value, warnings } = script.call(name, [input], receivedAt)
  const formatted = readFormatted(name, value)
  const all = together(formatted.warnings, warnings)
  if (formatted.data !== undefined) return { value: formatted.data, warnings: all }
  const { warnings: _warnings, errors: _errors, ...rest } = formatted.fields
  if (Object.keys(rest).length === 0) return { value: {}, warnings: all }
  return { value: rest, warnings: [...all, `${name} returned no data: its whole result is read`] }
}

function normalize(script: Script, decoded: Decoded, { receivedAt }: PayloadFacts): Decoded {
  const { value, warnings } = script.call(NORMALIZER, [{ data: decoded.value }], receivedAt)
  const { data, warnings: own } = readFormatted(NORMALIZER, value)
  if (data === undefined || data === null)
    throw new CoreError(
      'codec.script_failed',
      `expected ${NORMALIZER} to return data, found ${nameOf(data)}`,
    )
  return { value: data, warnings: together(decoded.warnings, together(own, warnings)) }
}

function chirpStack3(bytes: Uint8Array, { fPort, variables }: PayloadFacts): readonly Json[] {
  return [fPort ?? null, Array.from(bytes), variables ?? {}]
}

function decodePlain(
  script: Script,
  name: string,
  args: readonly Json[],
  { receivedAt }: PayloadFacts,
): Decoded {
  const { value, warnings } = script.call(name, args, receivedAt)
  return { value: readPlain(name, value), warnings }
}

/** The Things Network v2: what Decoder returns goes through Converter, and Validator says whether it counts. */
function decodeNetwork2(script: Script, bytes: Uint8Array, facts: PayloadFacts): Decoded {
  const port = facts.fPort ?? null
  let decoded = decodePlain(script, 'Decoder', [Array.from(bytes), port], facts)
  if (script.names.includes(CONVERTER)) {
    const converted = decodePlain(script, CONVERTER, [decoded.value, port], facts)
    decoded = {
      value: converted.value,
      warnings: together(decoded.warnings, converted.warnings),
    }
  }
  if (script.names.includes(VALIDATOR)) {
    const { value } = script.call(VALIDATOR, [decoded.value, port], facts.receivedAt)
    if (value !== true)
      throw new CoreError(
        'codec.script_failed',
        `expected ${VALIDATOR} to return true, found ${value === false ? 'false' : nameOf(value)}`,
      )
  }
  return decoded
}

function together(first: readonly string[], second: readonly string[]): readonly string[] {
  if (second.length === 0) return first.length === 0 ? NO_WARNINGS : first
  return first.length === 0 ? second : [...first, ...second]
}
