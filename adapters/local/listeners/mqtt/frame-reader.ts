/** What a frame reader calls. */
export interface FrameHandler {
  /** One whole packet: its first byte, and its body in `bytes` from `start` to `end`. */
  frame(first: number, bytes: Buffer, start: number, end: number): void
  /** A packet's length is past the limit or no variable byte integer; nothing more is read. */
  refused(why: 'too_large' | 'malformed'): void
}

/** Cuts a byte stream into packets. */
export interface FrameReader {
  feed(chunk: Buffer): void
  /** Stops handing out packets after the current one; what is fed meanwhile waits. */
  pause(): void
  /** Goes on with what waited. */
  resume(): void
  /** Drops everything, for good. */
  stop(): void
  /** True if there are bytes of a packet whose end has not come. */
  readonly partial: boolean
}

/**
 * Creates a frame reader. A packet that lies whole in one chunk is handed out in place; only a packet that
 * spans chunks is copied, into a buffer that grows with what arrived, not with what the header promises.
 */
export function createFrameReader(handler: FrameHandler, maxBytes: () => number): FrameReader {
  let paused = false
  let stopped = false
  let reading = false
  /** Chunks that came while paused, the first of them cut to what is unread. */
  let waiting: Buffer[] = []
  /** The beginning of a packet whose end has not come. */
  let partial: Buffer | undefined
  let partialLength = 0

  function refuse(why: 'too_large' | 'malformed'): void {
    stop()
    handler.refused(why)
  }

  function stop(): void {
    stopped = true
    waiting = []
    partial = undefined
    partialLength = 0
  }

  /** Reads packets from `chunk`; gives the offset of the first byte that it could not use. */
  function readWhole(chunk: Buffer, from: number): number {
    let at = from
    const limit = maxBytes()
    while (!paused && !stopped) {
      const body = bodyStart(chunk, at, chunk.length)
      if (body < 0) {
        if (body === MALFORMED) refuse('malformed')
        return at
      }
      const end = body + bodyLength(chunk, at)
      if (end - at > limit) {
        refuse('too_large')
        return at
      }
      if (end > chunk.length) return at
      const first = chunk[at] ?? 0
      at = end
      handler.frame(first, chunk, body, end)
    }
    return at
  }

  /** Completes the packet that an earlier chunk began; gives how much of `chunk` that took. */
  function completePartial(chunk: Buffer): number {
    let at = 0
    while (partial && !stopped) {
      const body = bodyStart(partial, 0, partialLength)
      if (body === MALFORMED) {
        refuse('malformed')
        return at
      }
      // Byte by byte until the header is whole, then all that is left of the packet at once.
      const total = body === INCOMPLETE ? partialLength + 1 : body + bodyLength(partial, 0)
      if (total > maxBytes()) {
        refuse('too_large')
        return at
      }
      if (body !== INCOMPLETE && partialLength === total) {
        const whole = partial
        partial = undefined
        partialLength = 0
        handler.frame(whole[0] ?? 0, whole, body, total)
        return at
      }
      if (at === chunk.length) return at
      const take = Math.min(total - partialLength, chunk.length - at)
      append(partial, chunk, at, take, total)
      at += take
    }
    return at
  }

  function append(
    before: Buffer | undefined,
    chunk: Buffer,
    from: number,
    count: number,
    total: number,
  ): void {
    const needed = partialLength + count
    let target = before
    if (!target || target.length < needed) {
      const size = Math.min(Math.max(needed, partialLength * 2, 64), Math.max(total, 64))
      target = Buffer.allocUnsafeSlow(size)
      before?.copy(target, 0, 0, partialLength)
    }
    chunk.copy(target, partialLength, from, from + count)
    partial = target
    partialLength = needed
  }

  function read(chunk: Buffer): void {
    let at = 0
    if (partial) at = completePartial(chunk)
    if (stopped) return
    if (!paused) at = readWhole(chunk, at)
    if (stopped || at >= chunk.length) return
    if (paused) waiting.unshift(chunk.subarray(at))
    else append(undefined, chunk, at, chunk.length - at, chunk.length - at)
  }

  /** One level deep: a handler that resumes the reader finds the loop below still running. */
  function drain(): void {
    if (reading) return
    reading = true
    while (!paused && !stopped) {
      const chunk = waiting.shift()
      if (!chunk) break
      read(chunk)
    }
    reading = false
  }

  return {
    feed(chunk) {
      if (stopped) return
      waiting.push(chunk)
      drain()
    },
    pause() {
      paused = true
    },
    resume() {
      paused = false
      drain()
    },
    stop,
    get partial() {
      return partial !== undefined
    },
  }
}

const INCOMPLETE = -1
const MALFORMED = -2

/** Offset of the body of the packet at `at`, or INCOMPLETE, or MALFORMED for a length of more than 4 bytes. */
function bodyStart(bytes: Buffer, at: number, end: number): number {
  let index = at + 1
  const last = at + 4
  while (index < end) {
    if ((bytes[index] ?? 0) < 128) return index + 1
    if (index === last) return MALFORMED
    index += 1
  }
  return INCOMPLETE
}

/** Length of the body of the packet at `at`, whose header is whole. */
function bodyLength(bytes: Buffer, at: number): number {
  let index = at + 1
  let byte = bytes[index] ?? 0
  let length = byte & 127
  for (let shift = 7; byte > 127; shift += 7) {
    index += 1
    byte = bytes[index] ?? 0
    length |= (byte & 127) << shift
  }
  return length
}
