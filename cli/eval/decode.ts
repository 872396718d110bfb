import {
  type Codec,
  type CodecEngines,
  CoreError,
  isJsonObject,
  type Json,
} from '../../core/index.ts'
import { codecOf, errorOf, factsOf } from './payload.ts'
import { checkTold } from './told.ts'

/**
 * `anyhub eval decode`: `{codec, bytesHex | bytesBase64 | text, fPort?, script?}` → `{telemetry, warnings?}` or `{error}`.
 * With `split: true` also `messages`, as rules see them: a body each, and `at` in epoch ms where the codec found a time.
 */
export function evalDecode(line: Json, engines: CodecEngines): Json {
  try {
    if (!isJsonObject(line))
      throw new CoreError(
        'input.malformed',
        'expected an object with codec and bytesHex, bytesBase64 or text',
      )
    const codec = codecOf(line, engines)
    const { value, warnings } = codec.decode(readBytes(line), factsOf(line))
    checkTold(value)
    return {
      telemetry: value,
      ...(line['split'] === true ? { messages: messagesOf(codec, value) } : {}),
      ...(warnings.length === 0 ? {} : { warnings }),
    }
  } catch (error) {
    return errorOf(error)
  }
}

function messagesOf({ split }: Codec, value: Json): readonly Json[] {
  const messages = split?.(value) ?? [{ body: value }]
  return messages.map(({ body, at }) => (at === undefined ? { body } : { body, at }))
}

function readBytes({ bytesHex, bytesBase64, text }: { readonly [key: string]: Json }): Uint8Array {
  if (typeof bytesHex === 'string') {
    // An expression for all of it would need a stack as long as the text.
    if (bytesHex.length % 2 !== 0 || /[^0-9a-f]/i.test(bytesHex))
      throw new CoreError('input.malformed', 'bytesHex: expected pairs of hex digits')
    return Buffer.from(bytesHex, 'hex')
  }
  if (typeof bytesBase64 === 'string') {
    if (/[^A-Za-z0-9+/]/.test(bytesBase64.replace(/={1,2}$/, '')))
      throw new CoreError('input.malformed', 'bytesBase64: expected base64')
    return Buffer.from(bytesBase64, 'base64')
  }
  if (typeof text === 'string') return Buffer.from(text)
  throw new CoreError('input.malformed', 'expected bytesHex, bytesBase64 or text')
}
