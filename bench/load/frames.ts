import { FIRST_NUMBER, messageOf, textOf } from './message.ts'

// MQTT 3.1.1 by hand: the load process has to cost less than what it measures.

/** CONNECT with a clean session and no keep-alive. Source: MQTT 3.1.1, section 3.1. */
export function connectFrame(clientId: string, password?: string): Buffer {
  const proof = password === undefined ? [] : [text(clientId), text(password)]
  const flags = password === undefined ? 2 : 0xc2
  return frame(0x10, [text('MQTT'), Buffer.from([4, flags, 0, 0]), text(clientId), ...proof])
}

/** SUBSCRIBE to filters with QoS 1. Source: section 3.8. */
export function subscribeFrame(packetId: number, filters: readonly string[]): Buffer {
  const entries = filters.flatMap((filter) => [text(filter), Buffer.from([1])])
  return frame(0x82, [Buffer.from([packetId >> 8, packetId & 255]), ...entries])
}

export const DISCONNECT = Buffer.from([0xe0, 0])

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes])
}

function frame(first: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const length: number[] = []
  for (let rest = body.length; length.length === 0 || rest > 0; rest >>= 7)
    length.push((rest & 127) | (rest > 127 ? 128 : 0))
  return Buffer.concat([Buffer.from([first, ...length]), body])
}

/** The PUBLISH of one device with QoS 1, encoded once; each message is a copy with other digits in it. */
export interface PublishFrame {
  /** Length of one packet. Unit: bytes. */
  readonly length: number
  /** Writes one packet at `at`. */
  write(out: Buffer, at: number, packetId: number, n: number, ts: number): void
}

/** `wrap` makes the payload of the text of a message. */
export function createPublishFrame(
  topic: string,
  wrap: (message: string) => string = (message) => message,
): PublishFrame {
  const payload = Buffer.from(wrap(textOf(messageOf(FIRST_NUMBER, 1_700_000_000_000))))
  const template = frame(0x32, [text(topic), Buffer.from([0, 0]), payload])
  const start = template.length - payload.length
  const packetIdAt = start - 2
  const tsAt = start + payload.indexOf('"ts":') + 5
  const nAt = start + payload.indexOf('"n":') + 4
  const tempAt = start + payload.indexOf('"temp":-') + 8
  return {
    length: template.length,
    write(out, at, packetId, n, ts) {
      out.set(template, at)
      out[at + packetIdAt] = packetId >> 8
      out[at + packetIdAt + 1] = packetId & 255
      digits(out, at + tsAt, 13, ts)
      digits(out, at + nAt, 9, n)
      const temp = 1_800 + (n % 200)
      digits(out, at + tempAt, 2, Math.floor(temp / 100))
      digits(out, at + tempAt + 3, 2, temp % 100)
    },
  }
}

/** Writes a number in so many decimal digits. */
function digits(out: Buffer, at: number, count: number, value: number): void {
  let rest = value
  for (let index = at + count - 1; index >= at; index--) {
    const tenth = Math.floor(rest / 10)
    out[index] = 48 + rest - tenth * 10
    rest = tenth
  }
}

/** What a packet cutter calls for each packet: its first byte, and where its body lies. */
export type OnPacket = (first: number, bytes: Buffer, start: number, end: number) => void

/** Cuts what a broker sends into packets. */
export function createPacketCutter(onPacket: OnPacket): (chunk: Buffer) => void {
  let rest: Buffer | undefined
  return (chunk) => {
    const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk])
    let at = 0
    rest = undefined
    for (;;) {
      let index = at + 1
      let length = 0
      let shift = 0
      let whole = false
      while (index < bytes.length) {
        const byte = bytes[index++] ?? 0
        length |= (byte & 127) << shift
        shift += 7
        if (byte < 128) {
          whole = true
          break
        }
      }
      const end = index + length
      if (!whole || end > bytes.length) break
      onPacket(bytes[at] ?? 0, bytes, index, end)
      at = end
    }
    if (at < bytes.length) rest = bytes.subarray(at)
  }
}
