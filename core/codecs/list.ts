import { cayenneLpp } from './cayenne-lpp.ts'
import { cbor } from './cbor.ts'
import type { CodecKind } from './codec.ts'
import { csv } from './csv.ts'
import { json } from './json.ts'
import { keyValue } from './key-value.ts'
import { layout } from './layout.ts'
import { msgpack } from './msgpack.ts'
import { number } from './number.ts'
import { owntracks } from './owntracks.ts'
import { protobuf } from './protobuf.ts'
import { ruuvi } from './ruuvi.ts'
import { script } from './script.ts'
import { senml } from './senml.ts'
import { senmlCbor } from './senml-cbor.ts'
import { senmlJson } from './senml-json.ts'
import { sparkplug } from './sparkplug.ts'
import { sparkplugB } from './sparkplug-b.ts'
import { teltonika } from './teltonika.ts'
import { text } from './text.ts'

/** Every codec that a device type may name: one file and one entry each. */
export const CODEC_KINDS: readonly CodecKind[] = [
  json,
  cayenneLpp,
  teltonika,
  sparkplugB,
  sparkplug,
  protobuf,
  ruuvi,
  script,
  cbor,
  msgpack,
  layout,
  senml,
  senmlJson,
  senmlCbor,
  csv,
  keyValue,
  number,
  text,
  owntracks,
]
