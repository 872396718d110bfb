import * as z from 'zod'
import { CoreError } from '../errors.ts'
import type { Codec, CodecEngines, CodecKind, ScriptLimits } from './codec.ts'
import { decodeWith, splitMeasurements } from './script/decode.ts'
import { encodeWith } from './script/encode.ts'
import { DECODERS, DOWNLINK_DECODER, ENCODERS, NORMALIZER, SCRIPT_NAMES } from './script/names.ts'

/** Characters of one script: the longest decoders that vendors publish have a tenth of it. */
const MAX_SCRIPT = 1_048_576

/** What may stand beside `type`. */
interface ScriptOptions extends ScriptLimits {
  readonly file?: string
  readonly script?: string
  readonly direction: 'uplink' | 'downlink'
  readonly normalize: boolean
}

function openScript(options: ScriptOptions, { scripts }: CodecEngines): Codec {
  const { file, script: source, direction, normalize } = options
  if (source === undefined) throw new CoreError('codec.bad_options', missingScript(file))
  if (scripts === undefined)
    throw new CoreError(
      'codec.bad_options',
      'expected a host that runs scripts, found one that runs none',
    )
  const { timeMs, memoryBytes, outputBytes } = options
  const opened = scripts.open(source, SCRIPT_NAMES, { timeMs, memoryBytes, outputBytes }, file)
  if (opened.names.length === 0)
    throw new CoreError(
      'codec.script_failed',
      `expected a script that declares ${DECODERS.join(', ')} or ${ENCODERS.join(', ')}, found none of them`,
    )
  const normalizes = normalize && direction === 'uplink' && opened.names.includes(NORMALIZER)
  const decoders = direction === 'uplink' ? DECODERS : [DOWNLINK_DECODER]
  return {
    name: 'script',
    decode: decodeWith(opened, decoders, normalizes),
    encode: encodeWith(opened),
    split: normalizes ? splitMeasurements : undefined,
    exactText: undefined,
  }
}

function missingScript(file: string | undefined): string {
  return file === undefined
    ? 'expected script or file, found neither'
    : `expected the script of ${file}, found a config whose files were not read`
}

/**
 * Scripts as LoRaWAN vendors publish them.
 *
 * Source: The Things Stack, payload formatters in JavaScript; ChirpStack v4 and v3, JavaScript codecs; The Things Network v2.
 */
export const script: CodecKind = {
  name: 'script',
  summary:
    'JavaScript with `decodeUplink` and `encodeDownlink` as The Things Stack and ChirpStack run it; also `Decode`, `Decoder`, `Encode`, `Encoder`.',
  options: z.strictObject({
    type: z.literal('script'),
    file: z.string().min(1).optional().meta({
      description:
        'The file with the script, seen from the folder of the config; read when the config is loaded.',
    }),
    script: z
      .string()
      .min(1)
      .max(MAX_SCRIPT)
      .optional()
      .meta({ description: 'The script itself, instead of a file.' }),
    direction: z.enum(['uplink', 'downlink']).default('uplink').meta({
      description:
        'Which messages are decoded: what devices send, or with decodeDownlink what they are sent.',
    }),
    normalize: z.boolean().default(false).meta({
      description: 'Whether normalizeUplink makes the telemetry of what decodeUplink found.',
    }),
    timeMs: z.int().min(1).max(10_000).default(100).meta({
      description: 'How long one call may take, in ms.',
    }),
    memoryBytes: z.int().min(1_048_576).max(67_108_864).default(8_388_608).meta({
      description: 'How much memory a script may fill, in bytes.',
    }),
    outputBytes: z.int().min(1).max(1_048_576).default(65_536).meta({
      description: 'How long a result may be, in characters of JSON.',
    }),
  }),
  open: openScript,
}
