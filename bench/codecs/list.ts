import { cborEntry } from './cbor.ts'
import type { CodecEntry } from './entry.ts'
import { msgpackEntry } from './msgpack.ts'

/** Every format that is measured beside libraries. */
export const CODEC_ENTRIES: readonly CodecEntry[] = [cborEntry, msgpackEntry]
