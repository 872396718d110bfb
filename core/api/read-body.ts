import { CoreError } from '../errors.ts'

/** What was read of a body: all of it, or its start if it is larger than allowed. */
export interface ReadBody {
  readonly bytes: Uint8Array
  /** Length as far as it was read or announced. */
  readonly length: number
  readonly complete: boolean
}

/**
 * Reads a body up to a limit and not one chunk further: what is larger never fills the memory.
 * @throws CoreError `input.malformed` if the sender left before its end.
 */
export async function readBody(request: Request, limit: number): Promise<ReadBody> {
  const announced = Number(request.headers.get('content-length') ?? 0)
  const chunks: Uint8Array[] = []
  let length = 0
  if (request.body !== null) {
    const reader = request.body.getReader()
    for (;;) {
      const { done, value } = await reader.read().catch((cause) => {
        throw new CoreError('input.malformed', 'expected a whole body, found its start', { cause })
      })
      if (done) break
      chunks.push(value)
      length += value.length
      if (length > limit) {
        await reader.cancel()
        break
      }
    }
  }
  const bytes = new Uint8Array(Math.min(length, limit))
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk.subarray(0, bytes.length - at), at)
    at += Math.min(chunk.length, bytes.length - at)
  }
  return { bytes, length: Math.max(length, announced), complete: length <= limit }
}
