import { CoreError } from '../errors.ts'
import type { CommandAck, QueuedCommand } from '../model/command.ts'

/** A command that somebody wants to be sent. */
export interface CommandRequest {
  /** Names it for its sender, and makes a second sending no second command; made up unless given. */
  readonly commandId?: string
  /** What the device is asked to do. */
  readonly name: string
  readonly payload: Uint8Array
  readonly contentType?: string
  readonly properties?: Readonly<Record<string, string>>
  readonly correlationId?: string
  /** How long it may wait; `expiresAt` (epoch ms) says the same another way. */
  readonly ttlMs?: number
  readonly expiresAt?: number
  /** 0 to 9; the higher one goes first. 0 unless given. */
  readonly priority?: number
  readonly maxDeliveries?: number
  readonly ack?: CommandAck
  readonly sentBy?: string
}

/** What holds for every command. Durations are in ms. */
export interface CommandLimits {
  /** How long a command waits unless its sender says otherwise, and at most. */
  readonly ttl: number
  readonly maxTtl: number
  /** Commands of one device that have not ended. */
  readonly maxPending: number
  readonly maxDeliveries: number
  /** How long a device holds a command before it waits again. */
  readonly lock: number
}

/** Content and properties of one command. Source: Azure IoT Hub, cloud-to-device messages. */
export const MAX_COMMAND_BYTES = 65_536

const MAX_PROPERTIES = 100
const MAX_DELIVERIES = 100
const MAX_TEXT = 128

/**
 * Checks what a sender asks for.
 * @throws CoreError `command.invalid` or `command.too_large`.
 */
export function checkCommand(
  request: CommandRequest,
  limits: CommandLimits,
  now: number,
): QueuedCommand {
  const { commandId, name, payload, contentType, correlationId, sentBy } = request
  if (commandId !== undefined && !isCommandId(commandId))
    throw invalid(`commandId: expected 1 to ${MAX_TEXT} printable ASCII characters`)
  if (!isCommandName(name))
    throw invalid(
      `name: expected 1 to ${MAX_TEXT} characters without control characters, +, # and empty levels`,
    )
  const texts = { contentType, correlationId, sentBy }
  for (const [field, text] of Object.entries(texts))
    if (text !== undefined && !isText(text))
      throw invalid(`${field}: expected at most ${MAX_TEXT} characters without control characters`)
  const properties = request.properties ?? {}
  const entries = Object.entries(properties)
  if (entries.length > MAX_PROPERTIES)
    throw invalid(`properties: expected at most ${MAX_PROPERTIES}, found ${entries.length}`)
  const bytes =
    payload.length +
    [...entries.flat(), name, contentType ?? '', correlationId ?? ''].reduce(
      (sum, text) => sum + bytesOf(text),
      0,
    )
  if (bytes > MAX_COMMAND_BYTES)
    throw new CoreError(
      'command.too_large',
      `expected at most ${MAX_COMMAND_BYTES} bytes with properties, found ${bytes}`,
    )
  return {
    ...(commandId === undefined ? {} : { commandId }),
    name,
    content: {
      payload,
      properties,
      ...(contentType === undefined ? {} : { contentType }),
      ...(correlationId === undefined ? {} : { correlationId }),
    },
    bytes,
    expiresAt: expiryOf(request, limits, now),
    priority: integer('priority', request.priority ?? 0, 0, 9),
    maxDeliveries: integer(
      'maxDeliveries',
      request.maxDeliveries ?? limits.maxDeliveries,
      1,
      MAX_DELIVERIES,
    ),
    ack: request.ack ?? 'none',
    ...(sentBy === undefined ? {} : { sentBy }),
  }
}

/** Source: Azure IoT Hub, message id: 128 characters of 7-bit ASCII. */
export function isCommandId(text: string): boolean {
  return /^[\x21-\x7e]{1,128}$/.test(text)
}

/** Names become levels of topics. */
export function isCommandName(text: string): boolean {
  return isText(text) && !/^\/|\/\/|\/$|[+#]/.test(text) && text !== ''
}

function isText(text: string): boolean {
  return text.length <= MAX_TEXT && text.isWellFormed() && !/\p{Cc}/u.test(text)
}

function expiryOf(
  { ttlMs, expiresAt }: CommandRequest,
  { ttl, maxTtl }: CommandLimits,
  now: number,
): number {
  if (ttlMs !== undefined && expiresAt !== undefined)
    throw invalid('expected a time to live or a time of expiry, found both')
  const at = expiresAt ?? now + (ttlMs ?? Math.min(ttl, maxTtl))
  if (!Number.isSafeInteger(at) || at <= now || at > now + maxTtl)
    throw invalid(`expected an expiry within ${maxTtl} ms from now, found ${at - now} ms`)
  return at
}

function integer(field: string, value: number, from: number, to: number): number {
  if (Number.isInteger(value) && value >= from && value <= to) return value
  throw invalid(`${field}: expected a whole number from ${from} to ${to}, found ${value}`)
}

/** Bytes of a text in UTF-8. */
function bytesOf(text: string): number {
  let bytes = 0
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    // A surrogate is half of a character of four bytes.
    bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 2 : 3
  }
  return bytes
}

function invalid(message: string): CoreError {
  return new CoreError('command.invalid', message)
}
