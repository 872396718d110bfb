/** A permutation of the bytes made from the digits of pi. Source: RFC 1319, section 3.2. */
const PERMUTATION: readonly number[] = readHex(
  '292e43c9a2d87c013d3654a1ecf0061362a705f3c0c7738c98932bd9bc4c82ca' +
    '1e9b573cfdd4e01667426f188a17e512be4ec4d6da9ede49a0fbf58ebb2fee7a' +
    'a968799115b2073f94c210890b225f21807f5d9a5a903227353ecce7bff79703' +
    'ff1930b348a5b5d1d75e922aac56aac64fb838d296a47db676fc6be29c7404f1' +
    '459d705964718720865bcf65e62da8021b6025adaeb0b9f61c46616934407e0f' +
    '5547a323dd51af3ac35cf9cebac5ea262c530d6e85288409d3dfcdf441814d52' +
    '6adc37c86cc1abfa24e17b080cbdb14a7888958be363e86de9cbd5fe3b001d39' +
    'f2efb70e6658d0e4a67772f8eb754b0a314450b48fed1f1adb998d339f118314',
)

const BLOCK = 16

/** Hashes with MD2, which is broken and lives on in old devices only. Source: RFC 1319. */
export function md2(message: Uint8Array): Uint8Array {
  const padding = BLOCK - (message.length % BLOCK)
  const padded = new Uint8Array(message.length + padding + BLOCK)
  padded.set(message)
  padded.fill(padding, message.length, message.length + padding)
  padded.set(checksum(padded.subarray(0, message.length + padding)), message.length + padding)

  const state = new Uint8Array(3 * BLOCK)
  for (let start = 0; start < padded.length; start += BLOCK) {
    for (let at = 0; at < BLOCK; at += 1) {
      const byte = padded[start + at] ?? 0
      state[BLOCK + at] = byte
      state[2 * BLOCK + at] = byte ^ (state[at] ?? 0)
    }
    mix(state)
  }
  return state.slice(0, BLOCK)
}

/** Source: RFC 1319, section 3.2, with the erratum on the line that sets C[j]. */
function checksum(message: Uint8Array): Uint8Array {
  const sum = new Uint8Array(BLOCK)
  let last = 0
  for (const [index, byte] of message.entries()) {
    const at = index % BLOCK
    last = (sum[at] ?? 0) ^ substitute(byte ^ last)
    sum[at] = last
  }
  return sum
}

/** Source: RFC 1319, section 3.4. */
function mix(state: Uint8Array): void {
  let carry = 0
  for (let round = 0; round < 18; round += 1) {
    for (let at = 0; at < state.length; at += 1) {
      carry = (state[at] ?? 0) ^ substitute(carry)
      state[at] = carry
    }
    carry = (carry + round) % 256
  }
}

function substitute(byte: number): number {
  return PERMUTATION[byte] ?? 0
}

function readHex(hex: string): readonly number[] {
  return Array.from({ length: hex.length / 2 }, (_, at) =>
    Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16),
  )
}
