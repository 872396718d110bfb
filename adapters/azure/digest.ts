/** SHA-256 of a text, in hex: an id for what may hold anything. */
export function digestOf(text: string): string {
  const { createHash } = process.getBuiltinModule('node:crypto')
  return createHash('sha256').update(text).digest('hex')
}
