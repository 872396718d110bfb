/** A key that was written before, as its bytes. */
export interface WrittenKey {
  readonly text: string
  readonly bytes: Uint8Array
  /** The key that followed it in an object, most likely the one that follows it again. */
  next: WrittenKey | undefined
}

/** Messages of one kind have the same keys again and again: each becomes bytes once. */
export interface WrittenKeys {
  /** What stands before the first key of an object. */
  readonly first: WrittenKey
  /** The kept key, kept from now on. */
  find(text: string): WrittenKey
}

/** So many are kept; the one after them makes room for itself. */
const MOST = 1_024

/** Opens a store of keys; `encode` gives the bytes of one. */
export function createWrittenKeys(encode: (text: string) => Uint8Array): WrittenKeys {
  const kept = new Map<string, WrittenKey>()
  const first: WrittenKey = { text: '', bytes: new Uint8Array(0), next: undefined }
  return {
    first,
    find(text) {
      const known = kept.get(text)
      if (known !== undefined) return known
      // Keys refer to each other: with all of them go the chains that they made.
      if (kept.size >= MOST) {
        kept.clear()
        first.next = undefined
      }
      const key = { text, bytes: encode(text), next: undefined }
      kept.set(text, key)
      return key
    },
  }
}
