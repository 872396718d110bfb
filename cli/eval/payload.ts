import {
  CODEC_KINDS,
  type Codec,
  type CodecEngines,
  CoreError,
  isJsonObject,
  type Json,
  type JsonObject,
  openCodec,
  type PayloadFacts,
  unknownCodec,
} from '../../core/index.ts'

/**
 * The codec that a line asks for: `codec` is a name, or an object of `type` and options as in anyhub.yml; `script` is the
 * text of a script codec, `direction` (`uplink` or `downlink`) which of its messages are decoded.
 * @throws CoreError `codec.unknown`, `codec.bad_options` or `input.malformed`.
 */
export function codecOf(line: JsonObject, engines: CodecEngines): Codec {
  const { codec, script, direction } = line
  const given = isJsonObject(codec) ? codec : { type: codec }
  const type = given['type']
  if (typeof type !== 'string')
    throw new CoreError('input.malformed', 'codec: expected the name of a codec, or its options')
  const kind = CODEC_KINDS.find(({ name }) => name === type)
  if (kind === undefined) throw new CoreError('codec.unknown', unknownCodec(type))
  if (script !== undefined && typeof script !== 'string')
    throw new CoreError('input.malformed', 'script: expected the text of a script')
  const parsed = kind.options.safeParse({
    ...given,
    ...(script === undefined ? {} : { script }),
    ...(direction === undefined ? {} : { direction }),
  })
  if (!parsed.success) {
    const faults = parsed.error.issues.map(
      ({ path, message }) => `${path.length === 0 ? '' : `${path.join('.')}: `}${message}`,
    )
    throw new CoreError('codec.bad_options', `codec ${type}: ${faults.join('; ')}`)
  }
  return openCodec({ ...parsed.data, type }, engines)
}

/**
 * What a line says of the payload besides its bytes. The time of receipt is `recvTime` (ISO 8601 or epoch ms), else the
 * moment 0.
 * @throws CoreError `input.malformed`.
 */
export function factsOf({
  fPort,
  contentType,
  topic,
  recvTime,
  variables,
}: JsonObject): PayloadFacts {
  if (fPort !== undefined && fPort !== null && !isPort(fPort))
    throw new CoreError('input.malformed', 'fPort: expected a whole number from 0 to 255')
  const receivedAt = readTime(recvTime ?? 0)
  if (Number.isNaN(receivedAt))
    throw new CoreError('input.malformed', 'recvTime: expected a time in ISO 8601, or epoch ms')
  return {
    receivedAt,
    ...(isPort(fPort) ? { fPort } : {}),
    ...(typeof contentType === 'string' ? { contentType } : {}),
    ...(typeof topic === 'string' ? { topic } : {}),
    ...(isJsonObject(variables) ? { variables: textsOf(variables) } : {}),
  }
}

/** Epoch ms; NaN for what is no time. */
function readTime(time: Json): number {
  return typeof time === 'string' || typeof time === 'number'
    ? new Date(time).getTime()
    : Number.NaN
}

function isPort(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 255
}

function textsOf(given: JsonObject): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]))
}

/** What is wrong, for the line of the answer. */
export function errorOf(error: unknown): Json {
  if (!(error instanceof CoreError)) throw error
  const { code, message, details, position } = error
  const { offset } = details
  return {
    error: {
      code,
      message,
      ...(typeof offset === 'number' ? { offset } : {}),
      ...(position === undefined ? {} : { line: position.line, column: position.column }),
    },
  }
}
