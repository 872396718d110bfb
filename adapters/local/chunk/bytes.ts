/** Writes what chunks are made of, into memory that grows. */
export interface ChunkWriter {
  byte(value: number): void
  /** A whole number from 0 to 2^53, in 7 bits a byte, the lowest first. */
  count(value: number): void
  /** A whole number either side of 0, to 2^52. */
  signed(value: number): void
  double(value: number): void
  /** UTF-8, with its length before it. */
  text(value: string): void
  /** As it is, without its length. */
  raw(value: Uint8Array): void
  done(): Uint8Array
}

export function createChunkWriter(): ChunkWriter {
  let bytes = Buffer.allocUnsafe(4_096)
  let length = 0

  function reserve(more: number): void {
    if (length + more <= bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(bytes.length * 2, length + more))
    bytes.copy(larger, 0, 0, length)
    bytes = larger
  }

  const writer: ChunkWriter = {
    byte(value) {
      reserve(1)
      bytes[length++] = value
    },
    count(value) {
      reserve(8)
      let left = value
      while (left > 0x7f) {
        bytes[length++] = (left % 128) + 128
        left = Math.floor(left / 128)
      }
      bytes[length++] = left
    },
    signed(value) {
      writer.count(value < 0 ? -2 * value - 1 : 2 * value)
    },
    double(value) {
      reserve(8)
      length = bytes.writeDoubleLE(value, length)
    },
    text(value) {
      writer.raw(lengthFirst(value))
    },
    raw(value) {
      reserve(value.length)
      bytes.set(value, length)
      length += value.length
    },
    done: () => Uint8Array.prototype.slice.call(bytes, 0, length),
  }

  function lengthFirst(value: string): Uint8Array {
    const encoded = Buffer.from(value, 'utf8')
    writer.count(encoded.length)
    return encoded
  }

  return writer
}

/** Where a reader is in its bytes. */
export interface ChunkReader {
  readonly bytes: Buffer
  at: number
}

export function createChunkReader(bytes: Uint8Array): ChunkReader {
  return { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), at: 0 }
}

/** @throws RangeError past the end, as every function here: the chunk was cut. */
export function readByte(reader: ChunkReader): number {
  return reader.bytes.readUInt8(reader.at++)
}

export function readCount(reader: ChunkReader): number {
  const { bytes } = reader
  let at = reader.at
  let byte = bytes[at++] ?? cut()
  let value = byte & 0x7f
  // Most are of one or two bytes.
  if (byte > 0x7f) {
    byte = bytes[at++] ?? cut()
    value += (byte & 0x7f) * 128
    for (let weight = 16_384; byte > 0x7f; weight *= 128) {
      byte = bytes[at++] ?? cut()
      value += (byte & 0x7f) * weight
    }
  }
  reader.at = at
  return value
}

export function readSigned(reader: ChunkReader): number {
  const count = readCount(reader)
  return count % 2 === 1 ? -(count + 1) / 2 : count / 2
}

export function readDouble(reader: ChunkReader): number {
  const value = reader.bytes.readDoubleLE(reader.at)
  reader.at += 8
  return value
}

export function readText(reader: ChunkReader): string {
  const length = readCount(reader)
  const end = reader.at + length
  if (end > reader.bytes.length) cut()
  const text = reader.bytes.toString('utf8', reader.at, end)
  reader.at = end
  return text
}

function cut(): never {
  throw new RangeError('a chunk of telemetry ends too early')
}
