/** One line of a file. Without bytes it was longer than allowed. */
export interface Line {
  /** 1-based. */
  readonly number: number
  /** As they stand in the file, without the line break. */
  readonly bytes: Buffer | undefined
}

const LF = 0x0a
const CR = 0x0d

/**
 * Cuts a stream into lines, byte for byte. No more than one chunk and one line are held; a line of more than `maxBytes` is
 * skipped.
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array | string>,
  maxBytes: number,
): AsyncGenerator<Line> {
  let number = 1
  let pieces: Buffer[] = []
  let length = 0

  function close(last: Buffer): Line {
    length += last.length
    const bytes =
      length > maxBytes ? undefined : pieces.length === 0 ? last : Buffer.concat([...pieces, last])
    pieces = []
    length = 0
    return { number: number++, bytes: bytes?.at(-1) === CR ? bytes.subarray(0, -1) : bytes }
  }

  for await (const given of chunks) {
    const chunk = typeof given === 'string' ? Buffer.from(given) : asBuffer(given)
    let from = 0
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, from)) {
      yield close(chunk.subarray(from, end))
      from = end + 1
    }
    length += chunk.length - from
    if (length > maxBytes) pieces = []
    else if (from < chunk.length) pieces.push(chunk.subarray(from))
  }
  if (length > 0) {
    const rest = Buffer.concat(pieces)
    length -= rest.length
    pieces = []
    yield close(rest)
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
