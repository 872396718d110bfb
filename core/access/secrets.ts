/** What a host does with secrets: the core has no chance of its own that nobody can guess. */
export interface Secrets {
  /** 256 random bits. Shape: 43 characters of base64url. */
  create(): string
  /** SHA-256 of a text. What is digested is random and long, so that no slower digest is needed. Shape: lower-case hex. */
  digest(text: string): string
}

/** Whether two digests are the same, in a time that does not say where they differ. Total. */
export function isSameDigest(one: string, other: string): boolean {
  let difference = one.length ^ other.length
  for (let at = 0; at < one.length; at++)
    difference |= one.charCodeAt(at) ^ (other.charCodeAt(at) | 0)
  return difference === 0
}
