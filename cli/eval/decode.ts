import { CODECS, CoreError, isJsonObject, type Json } from '../../core/index.ts'

/** `anyhub eval decode`: `{codec, bytesHex | bytesBase64 | text}` → `{telemetry}` or `{error}`. */
export function evalDecode(line: Json): Json {
  try {
    if (!isJsonObject(line))
      throw new CoreError(
        'input.malformed',
        'expected an object with codec and bytesHex, bytesBase64 or text',
      )
    const codec = CODECS.find(({ name }) => name === line['codec'])
    if (codec === undefined) {
      const known = CODECS.map(({ name }) => name).join(', ')
      throw new CoreError(
        'codec.unknown',
        `expected a codec (${known}), found ${JSON.stringify(line['codec'] ?? null)}`,
      )
    }
    return { telemetry: codec.decode(readBytes(line)) }
  } catch (error) {
    if (!(error instanceof CoreError)) throw error
    return { error: { code: error.code, message: error.message } }
  }
}

function readBytes({ bytesHex, bytesBase64, text }: { readonly [key: string]: Json }): Uint8Array {
  if (typeof bytesHex === 'string') {
    if (!/^([0-9a-f]{2})*$/i.test(bytesHex))
      throw new CoreError('input.malformed', 'bytesHex: expected pairs of hex digits')
    return Buffer.from(bytesHex, 'hex')
  }
  if (typeof bytesBase64 === 'string') {
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(bytesBase64))
      throw new CoreError('input.malformed', 'bytesBase64: expected base64')
    return Buffer.from(bytesBase64, 'base64')
  }
  if (typeof text === 'string') return Buffer.from(text)
  throw new CoreError('input.malformed', 'expected bytesHex, bytesBase64 or text')
}
