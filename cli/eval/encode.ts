import { type CodecEngines, CoreError, isJsonObject, type Json } from '../../core/index.ts'
import { codecOf, errorOf, factsOf } from './payload.ts'
import { checkTold } from './told.ts'

/** `anyhub eval encode`: `{codec, data, fPort?, script?}` → `{bytesHex, fPort?, warnings?}` or `{error}`. */
export function evalEncode(line: Json, engines: CodecEngines): Json {
  try {
    if (!isJsonObject(line) || line['data'] === undefined)
      throw new CoreError('input.malformed', 'expected an object with codec and data')
    checkTold(line['data'])
    const codec = codecOf(line, engines)
    if (codec.encode === undefined)
      throw new CoreError(
        'codec.no_encoder',
        `expected a codec that encodes, found ${codec.name}, which only decodes`,
      )
    const { bytes, fPort, warnings } = codec.encode(line['data'], factsOf(line))
    return {
      bytesHex: Buffer.from(bytes).toString('hex'),
      ...(fPort === undefined ? {} : { fPort }),
      ...(warnings.length === 0 ? {} : { warnings }),
    }
  } catch (error) {
    return errorOf(error)
  }
}
