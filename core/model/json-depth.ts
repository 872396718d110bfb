const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * Whether objects and lists in a text of JSON stand in each other more than so many levels deep; nothing is parsed.
 *
 * Total: what is no JSON has levels as far as its brackets say so.
 */
export function isDeeperThan(bytes: Uint8Array, levels: number): boolean {
  let depth = 0
  let isText = false
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (isText) {
      if (byte === BACKSLASH) at++
      else if (byte === QUOTE) isText = false
    } else if (byte === QUOTE) isText = true
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > levels) return true
    } else if (byte === 0x5d || byte === 0x7d) depth--
  }
  return false
}
