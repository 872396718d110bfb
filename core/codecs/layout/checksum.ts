/** A checksum by its name. */
export interface Checksum {
  readonly size: 1 | 2 | 4
  /** How it is usually sent. */
  readonly endian: 'big' | 'little'
  of(bytes: ArrayLike<number>, from: number, to: number): number
}

/** A CRC: `poly` as written, or mirrored where `reflected`. */
function crc(
  size: 1 | 2 | 4,
  poly: number,
  start: number,
  reflected: boolean,
  endian: 'big' | 'little' = 'big',
): Checksum {
  const width = 8 * size
  const mask = 2 ** width - 1
  const table = Uint32Array.from({ length: 256 }, (_, byte) =>
    remainder(byte, width, poly, reflected),
  )
  return {
    size,
    endian,
    of(bytes, from, to) {
      let value = start
      for (let at = from; at < to; at++) {
        const byte = bytes[at] ?? 0
        value = reflected
          ? (value >>> 8) ^ (table[(value ^ byte) & 0xff] ?? 0)
          : ((value << 8) & mask) ^ (table[((value >>> (width - 8)) ^ byte) & 0xff] ?? 0)
      }
      return value >>> 0
    },
  }
}

/** What eight steps of the division leave of one byte. */
function remainder(byte: number, width: number, poly: number, reflected: boolean): number {
  const top = 2 ** (width - 1)
  let value = reflected ? byte : (byte << (width - 8)) >>> 0
  for (let bit = 0; bit < 8; bit++) {
    const set = reflected ? (value & 1) === 1 : (value & top) !== 0
    const moved = reflected ? value >>> 1 : value << 1
    value = (set ? moved ^ poly : moved) >>> 0
  }
  return value % 2 ** width
}

function fold(
  size: 1 | 2,
  step: (sum: number, byte: number) => number,
  last: (sum: number) => number = (sum) => sum,
): Checksum {
  return {
    size,
    endian: 'big',
    of(bytes, from, to) {
      let sum = 0
      for (let at = from; at < to; at++) sum = step(sum, bytes[at] ?? 0)
      return last(sum) & (2 ** (8 * size) - 1)
    },
  }
}

const plus = (sum: number, byte: number): number => (sum + byte) & 0xffff

const crc32 = crc(4, 0xedb88320, 0xffffffff, true)

/** Every checksum that a layout may name. Source of the CRCs: the catalogue of Greg Cook (reveng), by their names there. */
export const CHECKSUMS: Readonly<Record<string, Checksum>> = {
  'crc16-modbus': crc(2, 0xa001, 0xffff, true, 'little'),
  'crc16-ibm': crc(2, 0xa001, 0, true),
  'crc16-ccitt': crc(2, 0x1021, 0xffff, false),
  'crc16-xmodem': crc(2, 0x1021, 0, false),
  'crc16-kermit': crc(2, 0x8408, 0, true),
  crc8: crc(1, 0x07, 0, false),
  'crc8-maxim': crc(1, 0x8c, 0, true),
  crc32: { ...crc32, of: (bytes, from, to) => (crc32.of(bytes, from, to) ^ 0xffffffff) >>> 0 },
  xor8: fold(1, (sum, byte) => sum ^ byte),
  sum8: fold(1, plus),
  'sum8-complement': fold(1, plus, (sum) => -sum),
  sum16: fold(2, plus),
}
