/**
 * A fingerprint of one message, the same whenever the same bytes arrive on the same topic.
 *
 * Shape: 64 bits as two words of 7 digits in base 36. It tells messages of one device and one event time apart; it is no
 * protection against somebody who looks for a collision, who could only hide a message of his own device.
 * Source: the mixing steps of MurmurHash3 (public domain), over two seeds.
 */
export function messageFingerprint(topic: string, payload: Uint8Array): string {
  let a = 0x9747b28c
  let b = 0x3c6ef372
  for (let index = 0; index < topic.length; index++) {
    const unit = topic.charCodeAt(index)
    a = Math.imul(a ^ unit, 0x5bd1e995)
    b = Math.imul(b ^ unit, 0x1b873593)
  }
  const whole = payload.length & ~3
  for (let index = 0; index < whole; index += 4) {
    const word =
      (payload[index] ?? 0) |
      ((payload[index + 1] ?? 0) << 8) |
      ((payload[index + 2] ?? 0) << 16) |
      ((payload[index + 3] ?? 0) << 24)
    a = Math.imul(a ^ word, 0xcc9e2d51)
    a = (a << 13) | (a >>> 19)
    b = Math.imul(b ^ word, 0x85ebca6b)
    b = (b << 15) | (b >>> 17)
  }
  for (let index = whole; index < payload.length; index++) {
    a = Math.imul(a ^ (payload[index] ?? 0), 0xcc9e2d51)
    b = Math.imul(b ^ (payload[index] ?? 0), 0x85ebca6b)
  }
  return inBase36(finish(a ^ payload.length), finish(b ^ a))
}

const DIGITS = new TextEncoder().encode('0123456789abcdefghijklmnopqrstuvwxyz')

/** Both words with 7 digits each. Digit by digit: `toString(36)` takes longer than the whole fingerprint. */
function inBase36(first: number, second: number): string {
  const units: number[] = new Array(14)
  let high = first
  let low = second
  for (let index = 6; index >= 0; index--) {
    units[index] = DIGITS[high % 36] ?? 0
    units[index + 7] = DIGITS[low % 36] ?? 0
    high = Math.floor(high / 36)
    low = Math.floor(low / 36)
  }
  return String.fromCharCode(...units)
}

function finish(word: number): number {
  let mixed = word ^ (word >>> 16)
  mixed = Math.imul(mixed, 0x85ebca6b)
  mixed ^= mixed >>> 13
  mixed = Math.imul(mixed, 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
