/** `truck-*` → a test of the whole id. */
export function globTest(pattern: string): (deviceId: string) => boolean {
  return partsTest(pattern.split('*'))
}

/** The same with the texts that stand between the wildcards: each may hold any character. One text has to be the whole id. */
export function partsTest(parts: readonly string[]): (deviceId: string) => boolean {
  const first = parts[0] ?? ''
  const last = parts.at(-1) ?? ''
  if (parts.length === 1) return (deviceId) => deviceId === first
  const middle = parts.slice(1, -1)
  // Each part at its first place: what is left for the next is never less. No backtracking: ids come from outside.
  return (deviceId) => {
    if (!deviceId.startsWith(first) || !deviceId.endsWith(last)) return false
    const end = deviceId.length - last.length
    let at = first.length
    for (const part of middle) {
      const found = deviceId.indexOf(part, at)
      if (found < 0) return false
      at = found + part.length
    }
    return at <= end
  }
}
