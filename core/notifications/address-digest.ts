import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'

/** Stands for an address where the address itself must not stand: the first half of its SHA-256, in hex. */
export function digestOf(address: string): string {
  return bytesToHex(sha256(new TextEncoder().encode(address))).slice(0, 32)
}
