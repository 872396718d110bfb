import * as z from 'zod'
import { isJsonObject, type Json } from '../model/json.ts'
import { readDownlink, readFrame } from './cayenne-lpp/decode.ts'
import { type LppRounding, writeLpp } from './cayenne-lpp/encode.ts'
import { toChirpStack, toKeys } from './cayenne-lpp/forms.ts'
import type { LppForm, LppReading } from './cayenne-lpp/reading.ts'
import { type Codec, type CodecKind, NO_WARNINGS } from './codec.ts'

/** What may stand beside `type`, with defaults applied. */
interface CayenneOptions {
  readonly form: LppForm
  readonly direction: 'uplink' | 'downlink'
  readonly rounding: LppRounding
  readonly endByte: boolean
}

function openCayenneLpp(options: CayenneOptions): Codec {
  const { form, direction } = options
  return {
    name: 'cayenne-lpp',
    decode: (bytes) => ({
      value: direction === 'downlink' ? downlinkOf(bytes, form) : uplinkOf(bytes, form),
      warnings: NO_WARNINGS,
    }),
    encode: (value) => ({ bytes: writeLpp(value, options), warnings: NO_WARNINGS }),
    split:
      form === 'readings' && direction === 'uplink'
        ? (value) => [{ body: toKeys(readingsIn(value)) }]
        : undefined,
    exactText: undefined,
  }
}

function uplinkOf(bytes: Uint8Array, form: LppForm): Json {
  const readings = readFrame(bytes)
  switch (form) {
    case 'readings':
      return readings
    case 'keys':
      return toKeys(readings)
    case 'chirpstack':
      return toChirpStack(readings)
  }
}

function downlinkOf(bytes: Uint8Array, form: LppForm): Json {
  const prefix = form === 'keys' ? 'value_' : ''
  return Object.fromEntries(
    [...readDownlink(bytes)].map(([channel, value]) => [`${prefix}${channel}`, value]),
  )
}

/** The readings of a decoded value. */
function readingsIn(value: Json): readonly LppReading[] {
  return Array.isArray(value) ? value.filter(isReading) : []
}

function isReading(item: Json): item is LppReading {
  return (
    isJsonObject(item) &&
    typeof item['channel'] === 'number' &&
    typeof item['type'] === 'number' &&
    typeof item['name'] === 'string' &&
    (typeof item['value'] === 'number' || isJsonObject(item['value']))
  )
}

/** Cayenne LPP, of which many LoRaWAN devices speak some dialect. */
export const cayenneLpp: CodecKind = {
  name: 'cayenne-lpp',
  summary:
    'Cayenne Low Power Payload with its extended types (voltage, current, energy, switch and more), and its downlinks.',
  options: z.strictObject({
    type: z.literal('cayenne-lpp'),
    form: z.enum(['readings', 'keys', 'chirpstack']).default('readings').meta({
      description:
        'How a frame stands in telemetry: `readings` keeps each value with channel and type, and rules see `temperature_3`; `keys` is `{temperature_3: 27.2}` everywhere, `chirpstack` is `{temperatureSensor: {"3": 27.2}}`.',
    }),
    direction: z.enum(['uplink', 'downlink']).default('uplink').meta({
      description: 'What `decode` reads: frames of devices, or values that a server sends to one.',
    }),
    rounding: z.enum(['nearest', 'down']).default('nearest').meta({
      description:
        'How `encode` makes counts of a value: the nearest, or cut towards zero as many libraries do.',
    }),
    endByte: z.boolean().default(false).meta({
      description: 'Whether `encode` ends a downlink with the byte 0xFF.',
    }),
  }),
  open: openCayenneLpp,
}
