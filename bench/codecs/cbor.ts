import type { CodecEntry } from './entry.ts'
import { ourSide, TELEMETRY_SHAPES } from './telemetry.ts'

/** CBOR beside the libraries of npm, each with the options that make plain objects. */
export const cborEntry: CodecEntry = {
  codec: 'cbor',
  shapes: TELEMETRY_SHAPES,
  sides: [
    ourSide({ type: 'cbor', plain: false, integerKeys: false, bigIntegers: true }),
    {
      name: 'cbor-x',
      async load() {
        const { Decoder, Encoder } = await import('cbor-x')
        const decoder = new Decoder({ useRecords: false, mapsAsObjects: true, int64AsNumber: true })
        const encoder = new Encoder({
          useRecords: false,
          mapsAsObjects: true,
          variableMapSize: true,
        })
        return {
          decode: (bytes) => decoder.decode(bytes),
          encode: (value) => encoder.encode(value),
          isRight: undefined,
        }
      },
    },
    {
      name: 'cborg',
      async load() {
        const { decode, encode } = await import('cborg')
        return {
          decode: (bytes) => decode(bytes),
          encode: (value) => encode(value),
          isRight: undefined,
        }
      },
    },
  ],
}
