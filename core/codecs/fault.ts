import { CoreError, type ErrorCode } from '../errors.ts'

/** A fault in a payload: what was expected and found, and the byte at which it shows (0: the first). */
export function faultAt(code: ErrorCode, sentence: string, offset: number): CoreError {
  return new CoreError(code, `${sentence}, at byte ${offset}`, { details: { offset } })
}

/** Bytes that end inside of something. */
export function truncatedAt(what: string, needed: number, left: number, offset: number): CoreError {
  return faultAt('codec.truncated', `${what}: expected ${needed} bytes, found ${left}`, offset)
}
