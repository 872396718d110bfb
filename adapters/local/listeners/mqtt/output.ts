import type { Duplex } from 'node:stream'
import { packetIdOffset } from './encode.ts'

/** What waits for the next write, and nothing of it for longer than one turn of the event loop. */
export interface Output {
  /** A packet of two bytes after its header: PUBACK, PUBREC, PUBREL, PUBCOMP or MQTT 3 UNSUBACK. */
  ack(first: number, packetId: number): void
  /** A whole packet, as it is. */
  frame(bytes: Buffer): void
  /** A shared PUBLISH, sent with this first byte and, unless it is 0, this packet id. */
  publish(bytes: Buffer, first: number, packetId: number): void
  /** Writes all of it at once. */
  flush(): void
  /** Bytes that were given and not yet taken by the socket. */
  readonly buffered: number
}

/** How an output tells its connection of the socket's progress. */
export interface OutputEvents {
  /** Bytes were given to the socket. */
  onWritten(): void
  /** The socket took bytes that it was given. */
  onTaken(): void
}

/** Past this a turn's writes are not held back any longer. */
const FLUSH_BYTES = 65_536

/**
 * Creates the output of one connection. `schedule` is called with `flush` for the first packet of a turn.
 * Packets are kept as what they are made of, and encoded into one buffer of the right size at the end.
 */
export function createOutput(
  stream: Duplex,
  schedule: (flush: () => void) => void,
  events: OutputEvents,
): Output {
  /** `undefined` for an acknowledgement, else the packet. */
  let frames: (Buffer | undefined)[] = []
  /** First byte and packet id (`first << 16 | id`); 0 leaves the packet as it is. */
  let codes: number[] = []
  let bytes = 0
  let scheduled = false

  function push(frame: Buffer | undefined, code: number, length: number): void {
    frames.push(frame)
    codes.push(code)
    bytes += length
    if (!scheduled) {
      scheduled = true
      schedule(flush)
    }
    if (bytes >= FLUSH_BYTES) write()
  }

  function flush(): void {
    scheduled = false
    write()
  }

  function write(): void {
    if (bytes === 0) return
    const out = Buffer.allocUnsafe(bytes)
    let at = 0
    for (let index = 0; index < frames.length; index += 1) {
      const frame = frames[index]
      const code = codes[index] ?? 0
      if (frame === undefined) {
        out[at] = code >> 16
        out[at + 1] = 2
        out[at + 2] = (code >> 8) & 255
        out[at + 3] = code & 255
        at += 4
        continue
      }
      out.set(frame, at)
      if (code !== 0) {
        out[at] = code >> 16
        if ((code & 0xffff) !== 0) {
          const offset = packetIdOffset(out, at)
          out[offset] = (code >> 8) & 255
          out[offset + 1] = code & 255
        }
      }
      at += frame.length
    }
    frames = []
    codes = []
    bytes = 0
    if (!stream.writable) return
    stream.write(out, onTaken)
    events.onWritten()
  }

  function onTaken(error?: Error | null): void {
    if (!error) events.onTaken()
  }

  return {
    ack(first, packetId) {
      push(undefined, (first << 16) | packetId, 4)
    },
    frame(frame) {
      push(frame, 0, frame.length)
    },
    publish(frame, first, packetId) {
      push(frame, (first << 16) | packetId, frame.length)
    },
    flush,
    get buffered() {
      return bytes + stream.writableLength
    },
  }
}
