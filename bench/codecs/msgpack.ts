import type { CodecEntry } from './entry.ts'
import { ourSide, TELEMETRY_SHAPES } from './telemetry.ts'

/** MessagePack beside the libraries of npm, each with the options that make plain objects. */
export const msgpackEntry: CodecEntry = {
  codec: 'msgpack',
  shapes: TELEMETRY_SHAPES,
  sides: [
    ourSide({ type: 'msgpack', plain: false, bigIntegers: true }),
    {
      name: 'msgpackr',
      async load() {
        const { Packr, Unpackr } = await import('msgpackr')
        const unpackr = new Unpackr({
          useRecords: false,
          mapsAsObjects: true,
          int64AsType: 'number',
        })
        const packr = new Packr({ useRecords: false, variableMapSize: true })
        return {
          decode: (bytes) => unpackr.unpack(bytes),
          encode: (value) => packr.pack(value),
          isRight: undefined,
        }
      },
    },
    {
      name: '@msgpack/msgpack',
      async load() {
        const { Decoder, Encoder } = await import('@msgpack/msgpack')
        const decoder = new Decoder()
        const encoder = new Encoder()
        return {
          decode: (bytes) => decoder.decode(bytes),
          encode: (value) => encoder.encode(value),
          isRight: undefined,
        }
      },
    },
  ],
}
