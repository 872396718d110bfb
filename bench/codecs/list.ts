import { cayenneLppEntry } from './cayenne-lpp.ts'
import { cborEntry } from './cbor.ts'
import type { CodecEntry } from './entry.ts'
import { jsonSchemaEntry } from './json-schema.ts'
import { msgpackEntry } from './msgpack.ts'
import { protobufEntry } from './protobuf.ts'
import { sparkplugEntry } from './sparkplug-b.ts'
import { teltonikaEntry } from './teltonika.ts'

/** Every format that is measured beside libraries. */
export const CODEC_ENTRIES: readonly CodecEntry[] = [
  jsonSchemaEntry,
  cborEntry,
  msgpackEntry,
  cayenneLppEntry,
  teltonikaEntry,
  sparkplugEntry,
  protobufEntry,
]
