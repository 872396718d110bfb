import type fc from 'fast-check'
import { CODEC_KINDS, type Codec, CoreError, type Json } from '../../../core/index.ts'

/** Opens a codec as `anyhub eval` does: options checked, defaults applied. */
export function openWith(name: string, options: object = {}): Codec {
  const kind = CODEC_KINDS.find((one) => one.name === name)!
  return kind.open(kind.options.parse({ type: name, ...options }), {})
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

export function fromHex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'))
}

/** What a codec says of bytes or of a value that it refuses. */
export function faultOf(run: () => unknown): { code: string; offset: unknown; message: string } {
  try {
    run()
  } catch (error) {
    if (!(error instanceof CoreError)) throw error
    return { code: error.code, offset: error.details['offset'], message: error.message }
  }
  throw new Error('expected a fault, found none')
}

/** What a run of `fuzz` saw. */
export interface Fuzzed {
  readonly decoded: number
  readonly refused: number
}

/**
 * Gives a codec 100,000 inputs: random bytes, and valid messages that were cut, grown or changed. Anything but a value that is
 * JSON or a fault of a codec ends the run.
 */
export function fuzz(codec: Codec, seeds: readonly Uint8Array[], runs = 100_000): Fuzzed {
  const random = generator(20_261_121)
  let decoded = 0
  let refused = 0
  for (let run = 0; run < runs; run++) {
    const bytes = inputOf(run, random, seeds)
    try {
      const { value } = codec.decode(bytes, { receivedAt: 0, fPort: 1 })
      if (run % 50 === 0) expectJson(value)
      decoded++
    } catch (error) {
      if (!(error instanceof CoreError) || !error.code.startsWith('codec.'))
        throw new Error(`${codec.name} on ${hex(bytes)}`, { cause: error })
      refused++
    }
  }
  return { decoded, refused }
}

/** Looks at each value: to parse the text again would be a test of the engine, whose parser takes some escaped keys for others. */
function expectJson(value: Json): void {
  if (holdsNoJson(value)) throw new Error('expected JSON, found undefined or a number that is none')
}

function holdsNoJson(value: unknown): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return false
  if (typeof value === 'number') return !Number.isFinite(value)
  if (Array.isArray(value)) return value.some(holdsNoJson)
  if (typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype) return true
  return Object.values(value).some(holdsNoJson)
}

function inputOf(run: number, random: () => number, seeds: readonly Uint8Array[]): Uint8Array {
  if (run % 4 === 0) return Uint8Array.from({ length: random() % 40 }, () => random() & 0xff)
  const seed = seeds[random() % seeds.length]!
  if (run % 4 === 1) return seed.slice(0, random() % (seed.length + 1))
  const bytes = Uint8Array.from(seed)
  for (let change = random() % 4; change >= 0; change--)
    if (bytes.length > 0) bytes[random() % bytes.length] = random() & 0xff
  if (run % 4 === 2) return bytes
  return Uint8Array.from([...bytes, ...seed.subarray(0, random() % 9)])
}

/** Numbers of 32 bits that are the same in every run. Source: mulberry32, public domain. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
}

/** The parameters of property tests: the same in every run. */
export const SEEDED: fc.Parameters<unknown> = { seed: 9, numRuns: 300 }
