import { ascii, type Cursor, hexDigits, need, uint8, uint32 } from './cursor.ts'

export const CODEC_12 = 0x0c
export const CODEC_13 = 0x0d
export const CODEC_14 = 0x0e
export const CODEC_15 = 0x0f

/** What a device answers to a command, or passes on from its serial port: a type of JSON. */
export type GprsMessage = {
  /** 5 command, 6 answer, 17 refused, 11 and 13 from the serial port. */
  readonly type: number
  /** Epoch ms, UTC. */
  readonly timestamp?: number
  readonly imei?: string
  /** The bytes as text, or as hex digits where they are none. */
  readonly text?: string
  readonly hex?: string
}

/** Whether a codec carries commands and their answers. */
export function carriesMessages(codec: number): boolean {
  return codec >= CODEC_12 && codec <= CODEC_15
}

/**
 * Reads one message.
 * @throws CoreError `codec.truncated`.
 */
export function readMessage(cursor: Cursor, codec: number): GprsMessage {
  need(cursor, 5, 'type and size of a message')
  const type = uint8(cursor)
  const size = uint32(cursor)
  need(cursor, size, 'a message')
  const end = cursor.at + size
  const message: { -readonly [K in keyof GprsMessage]: GprsMessage[K] } = { type }
  if (codec === CODEC_13 || codec === CODEC_15) {
    need(cursor, 4, 'time of a message')
    message.timestamp = uint32(cursor) * 1_000
  }
  if (codec === CODEC_14 || codec === CODEC_15) {
    need(cursor, 8, 'IMEI of a message')
    message.imei = hexDigits(cursor, 8).slice(1)
  }
  const length = Math.max(0, end - cursor.at)
  if (isText(cursor.bytes, cursor.at, end)) message.text = ascii(cursor, length)
  else message.hex = hexDigits(cursor, length)
  return message
}

/** Printable characters and what ends lines. */
function isText(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const byte = bytes[at] ?? 0
    if (byte > 0x7e || (byte < 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09))
      return false
  }
  return true
}
