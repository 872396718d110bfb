import * as z from 'zod'
import { CoreError } from '../errors.ts'
import { isJsonObject, type Json } from '../model/json.ts'
import {
  type Codec,
  type CodecKind,
  type CodecMessage,
  type Decoded,
  NO_WARNINGS,
} from './codec.ts'
import { faultAt, truncatedAt } from './fault.ts'
import { findRuuvi } from './ruuvi/advertisement.ts'
import { RUUVI_FORMATS, RUUVI_KEYS, type RuuviFormat } from './ruuvi/formats.ts'

const ruuviCodec: Codec = {
  name: 'ruuvi',
  decode: readRuuvi,
  encode: (value) => ({ bytes: writeRuuvi(value), warnings: NO_WARNINGS }),
  split: (value) => [messageOf(toKeys(value))],
  exactText: undefined,
}

function readRuuvi(bytes: Uint8Array): Decoded {
  const { data, at, address, rssi, timestamp } = findRuuvi(bytes)
  const format = formatOf(data, at)
  if (data.length < format.size)
    throw truncatedAt(`RuuviTag format ${format.name}`, format.size, data.length, at)
  for (let index = format.size; index < data.length; index++)
    if (data[index] !== 0)
      throw faultAt(
        'codec.trailing_bytes',
        `RuuviTag format ${format.name}: expected ${format.size} bytes, found ${data.length}`,
        at + index,
      )
  const value: Record<string, Json> = { 'Data format': format.name }
  const missing: string[] = []
  for (const field of format.fields) {
    const found = field.read(data)
    value[field.label] = found
    if (found === null) missing.push(field.label)
  }
  if (address !== undefined) value['MAC'] = address
  if (rssi !== undefined) value['RSSI'] = rssi
  if (timestamp !== undefined) value['Timestamp'] = timestamp
  const warnings =
    missing.length === 0 ? NO_WARNINGS : [`the tag has no value for ${missing.join(', ')}`]
  return { value, warnings }
}

function formatOf(data: Uint8Array, at: number): RuuviFormat {
  const [id] = data
  if (id === undefined) throw truncatedAt('RuuviTag', 1, 0, at)
  const format = RUUVI_FORMATS.find((one) => one.id === id)
  if (format !== undefined) return format
  if (id === 8)
    throw faultAt('codec.unsupported', 'RuuviTag: format 8 is encrypted and is not read', at)
  throw faultAt(
    'codec.unsupported_version',
    `RuuviTag: expected format 2 to 6, C5 or E1, found ${id.toString(16).toUpperCase().padStart(2, '0')}`,
    at,
  )
}

/** The body that rules see: names without spaces, and only what the tag could measure. */
function toKeys(value: Json): Json {
  if (!isJsonObject(value)) return value
  const body: Record<string, Json> = {}
  for (const [label, found] of Object.entries(value)) {
    if (found === null) continue
    const key = RUUVI_KEYS.get(label) ?? label
    body[key] = key === 'mac' ? String(found).replaceAll(' ', ':') : found
  }
  return body
}

function messageOf(body: Json): CodecMessage {
  const at = isJsonObject(body) ? body['timestamp'] : undefined
  return typeof at === 'number' ? { body, at: at * 1_000 } : { body }
}

/** Takes the names of the specification, and those that rules see. What is missing is written as not available. */
function writeRuuvi(value: Json): Uint8Array {
  if (!isJsonObject(value))
    throw new CoreError('codec.wrong_type', 'RuuviTag: expected an object of measured values')
  const name = value['Data format'] ?? value['dataFormat'] ?? 5
  const format = RUUVI_FORMATS.find((one) => one.name === name)
  if (format === undefined)
    throw new CoreError(
      'codec.wrong_type',
      'RuuviTag: expected Data format 2 to 6, "C5" or "E1", found another',
    )
  const bytes = new Uint8Array(format.size)
  if (format.id === 0xe1) bytes.fill(0xff, 22, 25).fill(0xff, 29, 34)
  if (format.id === 6) bytes[14] = 0xff
  bytes[0] = format.id
  for (const { label, key, write } of format.fields)
    write(bytes, value[label] ?? value[key] ?? null)
  return bytes
}

/** Tags and air quality meters of Ruuvi. */
export const ruuvi: CodecKind = {
  name: 'ruuvi',
  summary:
    'RuuviTag formats 2 to 6, C5 and E1: the data alone, an advertisement, the report of a Bluetooth controller, or what a Ruuvi Gateway publishes.',
  options: z.strictObject({ type: z.literal('ruuvi') }),
  open: () => ruuviCodec,
}
