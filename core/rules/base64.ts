const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Writes bytes as base64 with padding. Source: RFC 4648, section 4. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const one = bytes[at] ?? 0
    const two = bytes[at + 1]
    const three = bytes[at + 2]
    const bits = (one << 16) | ((two ?? 0) << 8) | (three ?? 0)
    text += `${ALPHABET[bits >> 18]}${ALPHABET[(bits >> 12) & 63]}`
    text += two === undefined ? '=' : ALPHABET[(bits >> 6) & 63]
    text += three === undefined ? '=' : ALPHABET[bits & 63]
  }
  return text
}

/**
 * Reads base64, with or without padding.
 *
 * Result: `undefined` for any other character and for a length that no bytes have.
 * Source: RFC 4648, section 4.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  const digits = text.replace(/={1,2}$/, '')
  if (digits.length % 4 === 1) return undefined
  if (digits.length !== text.length && text.length % 4 !== 0) return undefined
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4))
  let bits = 0
  let held = 0
  let at = 0
  for (const digit of digits) {
    const six = ALPHABET.indexOf(digit)
    if (six === -1) return undefined
    bits = ((bits << 6) | six) & 0xffffff
    held += 6
    if (held >= 8) {
      held -= 8
      bytes[at] = (bits >> held) & 0xff
      at += 1
    }
  }
  return bytes
}
