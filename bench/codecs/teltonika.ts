import type { Json } from '../../core/index.ts'
import { type CodecEntry, type CodecShape, POOL } from './entry.ts'
import { ourSide } from './telemetry.ts'

/** A record as cars send it, with 14 IO elements. */
function record(n: number): Json {
  const io = {
    '1': 1,
    '21': 3 + (n % 3),
    '24': n % 120,
    '66': 12_000 + n,
    '67': 3_900,
    '68': 0,
    '69': 1,
    '80': 1,
    '181': 11,
    '182': 6,
    '200': 0,
    '239': 1,
    '240': 1,
    '241': 24_602,
  }
  return {
    timestamp: 1_700_000_000_000 + n * 1_000,
    priority: 0,
    longitude: 25.2618832 + n / 1e4,
    latitude: 54.6990336,
    altitude: 148,
    angle: n % 360,
    satellites: 12,
    speed: n % 120,
    eventId: 0,
    ioCount: Object.keys(io).length,
    io,
  }
}

function packet(records: number): (n: number) => Json {
  return (n) => ({
    codec: 8,
    records: Array.from({ length: records }, (_, index) => record(n + index)),
  })
}

const SHAPES: readonly CodecShape[] = [
  { name: '1 record', values: poolOf(packet(1)), messages: undefined },
  { name: '12 records', values: poolOf(packet(12)), messages: undefined },
]

function poolOf(make: (n: number) => Json): readonly Json[] {
  return Array.from({ length: POOL }, (_, n) => make(n))
}

/** What a record says, in the words of a side. */
interface Said {
  readonly at: number
  readonly longitude: number
  readonly voltage: unknown
}

/**
 * Codec 8 beside the fastest library of npm, which checks the CRC, as we do, and reads hex digits only. `teltonika-parser`
 * takes a hundred times as long.
 */
export const teltonikaEntry: CodecEntry = {
  codec: 'teltonika',
  shapes: SHAPES,
  sides: [
    {
      ...ourSide({ type: 'teltonika', io: {} }),
      async load() {
        const ours = await ourSide({ type: 'teltonika', io: {} }).load()
        return { ...ours, isRight: (decoded, value) => isSame(saidByUs(decoded), value) }
      },
    },
    {
      name: 'complete-teltonika-parser',
      async load() {
        const { ProtocolParser } = (await import('complete-teltonika-parser')).default
        return {
          decode: (bytes) =>
            new ProtocolParser(
              Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex'),
            ),
          encode: undefined,
          isRight(decoded, value) {
            if (!(decoded instanceof ProtocolParser)) return false
            const { Content: content } = decoded
            if (content === null || !('AVL_Datas' in content)) return false
            const said = content.AVL_Datas.map((one) => ({
              at: one.Timestamp.getTime(),
              longitude: one.GPSelement.Longitude,
              voltage: one.IOelement.Elements[66],
            }))
            return isSame(said, value)
          },
        }
      },
    },
  ],
}

function saidByUs(decoded: unknown): readonly Said[] {
  const { records }: { readonly records: readonly SaidRecord[] } = Object(decoded)
  return records.map(({ timestamp, longitude, io }) => ({
    at: timestamp,
    longitude,
    voltage: io['66'],
  }))
}

interface SaidRecord {
  readonly timestamp: number
  readonly longitude: number
  readonly io: Readonly<Record<string, unknown>>
}

/** The same times, places and voltages; a library may cut the seventh digit of a place. */
function isSame(said: readonly Said[], value: Json): boolean {
  const wanted = saidByUs(value)
  return (
    said.length === wanted.length &&
    wanted.every(({ at, longitude, voltage }, index) => {
      const found = said[index]
      return (
        found?.at === at &&
        found.voltage === voltage &&
        Math.abs(found.longitude - longitude) < 2e-7
      )
    })
  )
}
