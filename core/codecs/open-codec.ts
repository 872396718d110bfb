import { CoreError } from '../errors.ts'
import { nearestName } from '../model/nearest.ts'
import type { Codec, CodecEngines } from './codec.ts'
import { CODEC_KINDS } from './list.ts'

/** A codec as a checked config names it. */
export interface CodecConfig {
  readonly type: string
  readonly [option: string]: unknown
}

/**
 * Opens the codec of a checked config.
 * @throws CoreError `codec.unknown` or `codec.bad_options`.
 */
export function openCodec(config: CodecConfig, engines: CodecEngines): Codec {
  const kind = CODEC_KINDS.find(({ name }) => name === config.type)
  if (kind === undefined) throw new CoreError('codec.unknown', unknownCodec(config.type))
  return kind.open(config, engines)
}

/** The sentence for a name that no codec has. */
export function unknownCodec(name: string): string {
  const known = CODEC_KINDS.map((kind) => kind.name)
  const close = nearestName(name, known)
  const hint = close === undefined ? '' : `; did you mean ${close}?`
  return `expected a codec (${known.join(', ')}), found ${JSON.stringify(name)}${hint}`
}
