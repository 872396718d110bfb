const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Base64 of bytes. Source: RFC 4648, section 4. */
export function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (let index = 0; index < bytes.length; index += 3) {
    const second = bytes[index + 1]
    const third = bytes[index + 2]
    const word = ((bytes[index] ?? 0) << 16) | ((second ?? 0) << 8) | (third ?? 0)
    text += BASE64.charAt(word >> 18) + BASE64.charAt((word >> 12) & 63)
    text += second === undefined ? '=' : BASE64.charAt((word >> 6) & 63)
    text += third === undefined ? '=' : BASE64.charAt(word & 63)
  }
  return text
}

/** Bytes of base64, with its padding or without; `undefined` if the text is none. Source: RFC 4648, section 4. */
export function fromBase64(text: string): Uint8Array | undefined {
  const digits = text.replace(/={1,2}$/, '')
  const isPadded = digits.length < text.length
  if (!/^[A-Za-z0-9+/]*$/.test(digits) || digits.length % 4 === 1) return undefined
  if (isPadded && text.length % 4 !== 0) return undefined
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4))
  let word = 0
  let bits = 0
  let at = 0
  for (const digit of digits) {
    word = (word << 6) | BASE64.indexOf(digit)
    bits += 6
    if (bits < 8) continue
    bits -= 8
    bytes[at++] = (word >> bits) & 255
  }
  return bytes
}
