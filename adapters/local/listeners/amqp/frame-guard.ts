import type { AmqpLimits } from './limits.ts'
import { isGiven, type Performative, readPerformative, walkMessage } from './performatives.ts'
import { booleanAt, kindAt, uintAt } from './values.ts'
import { AmqpViolation, malformed, tooMuch } from './violation.ts'

// Stands before the AMQP library, which believes what frames say of themselves: sizes, counts and ranges are made sure
// of here, so that whatever goes on is short, whole and means what it says.

/** Takes bytes as they come and gives on whole frames that were looked at. */
export interface FrameGuard {
  /**
   * Calls `deliver` with each frame that is whole, in order.
   * @throws AmqpViolation: nothing of the frame at fault was delivered, and nothing may follow.
   */
  push(chunk: Buffer): void
  /** The connection has proved who it is. */
  prove(): void
}

interface LinkState {
  /** Parts of a message that is not whole yet. */
  parts: Buffer[]
  bytes: number
  /** Its message format; 0 is the standard one. */
  format: number
  partial: boolean
}

interface SessionState {
  readonly links: Map<number, LinkState>
}

const HEADER_BYTES = 8
/** Source: AMQP 1.0, part 2, 2.8.19: no peer may offer less. */
const MIN_FRAME_BYTES = 512
/** A peer that asks for signs of life more often than this is not served. Unit: ms. */
const MIN_IDLE_MS = 1_000
/** Deliveries that one disposition may settle. */
const MAX_RANGE = 65_536
/** Source: AMQP 1.0, part 2, 2.8.7. Unit: bytes. */
const MAX_TAG_BYTES = 32

export function createFrameGuard(limits: AmqpLimits, deliver: (frame: Buffer) => void): FrameGuard {
  const sessions = new Map<number, SessionState>()
  let waiting: Buffer[] = []
  let have = 0
  let need = HEADER_BYTES
  let phase: 'header' | 'sasl' | 'open' | 'frames' | 'closed' = 'header'
  let proven = false
  let saidWho = false
  /** Parts of messages that are not whole yet, of all links. Unit: bytes. */
  let partBytes = 0

  function push(chunk: Buffer): void {
    if (have > 0) {
      waiting.push(chunk)
      have += chunk.length
      if (have < need) return
      const whole = Buffer.concat(waiting, have)
      waiting = []
      have = 0
      read(whole)
      return
    }
    read(chunk)
  }

  /** Frames go on one by one: after one at which the library takes offence, none may follow. */
  function read(bytes: Buffer): void {
    let at = 0
    while (phase !== 'closed') {
      const size = sizeAt(bytes, at)
      if (size === undefined || at + size > bytes.length) {
        need = size ?? HEADER_BYTES
        break
      }
      const frame = bytes.subarray(at, at + size)
      look(frame)
      at += size
      deliver(frame)
    }
    if (at < bytes.length && phase !== 'closed') {
      waiting = [bytes.subarray(at)]
      have = bytes.length - at
    }
  }

  /** The size of what starts here; `undefined` while too little of it has come. */
  function sizeAt(bytes: Buffer, at: number): number | undefined {
    const left = bytes.length - at
    if (phase === 'header') return HEADER_BYTES
    if (left < HEADER_BYTES) return undefined
    const size = bytes.readUInt32BE(at)
    // After SASL comes the header of AMQP itself.
    if (phase === 'sasl' && size === 0x414d5150) return HEADER_BYTES
    if (size < HEADER_BYTES) throw malformed(`expected a frame of at least 8 bytes, found ${size}`)
    if (size > limits.frameBytes)
      throw tooMuch(`expected a frame of at most ${limits.frameBytes} bytes, found ${size}`)
    return size
  }

  function look(frame: Buffer): void {
    if (phase === 'header' || (phase === 'sasl' && frame.length === HEADER_BYTES))
      lookAtHeader(frame)
    else lookAtFrame(frame)
  }

  function lookAtHeader(header: Buffer): void {
    const protocol = header.readUInt8(4)
    if (header.toString('latin1', 0, 4) !== 'AMQP' || header.readUIntBE(5, 3) !== 0x010000)
      throw malformed('expected AMQP 1.0')
    if (protocol === 3 && phase === 'header') phase = 'sasl'
    else if (protocol === 0) phase = 'open'
    else throw malformed(`expected AMQP or SASL, found protocol ${protocol}`)
  }

  function lookAtFrame(frame: Buffer): void {
    const start = frame.readUInt8(4) * 4
    const isSasl = phase === 'sasl'
    if (frame.readUInt8(5) !== (isSasl ? 1 : 0)) throw malformed('expected another type of frame')
    if (start < HEADER_BYTES || start > frame.length)
      throw malformed('expected the body of a frame inside it')
    if (start === frame.length) {
      if (phase !== 'frames') throw malformed('expected a frame that says something')
      return
    }
    const budget = { values: limits.values, depth: limits.depth }
    const body = readPerformative(frame, start, frame.length, budget)
    if (body.code !== 0x14 && body.end !== frame.length)
      throw malformed('expected the end of a frame, found more')
    const first = isSasl ? 0x41 : phase === 'open' ? 0x10 : undefined
    if (first !== undefined && body.code !== first)
      throw illegal('expected the first frame of its kind, found another')
    const channel = frame.readUInt16BE(6)
    switch (body.code) {
      case 0x10:
        lookAtOpen(frame, body)
        return
      case 0x11:
        lookAtBegin(frame, body, channel)
        return
      case 0x18:
        phase = 'closed'
        return
      case 0x41:
        if (saidWho) throw illegal('expected one SASL init, found another')
        saidWho = true
        return
      default:
        lookAtSession(frame, body, channel)
    }
  }

  function lookAtOpen(frame: Buffer, { fields }: Performative): void {
    if (phase !== 'open') throw illegal('expected one open, found another')
    const frameBytes = uintOf(frame, fields[2])
    if (frameBytes !== undefined && frameBytes < MIN_FRAME_BYTES)
      throw malformed(`expected frames of ${MIN_FRAME_BYTES} bytes or more, found ${frameBytes}`)
    const idleMs = uintOf(frame, fields[4]) ?? 0
    if (idleMs > 0 && idleMs < MIN_IDLE_MS)
      throw tooMuch(`expected an idle time-out of ${MIN_IDLE_MS} ms or more, found ${idleMs}`)
    phase = 'frames'
  }

  function lookAtBegin(frame: Buffer, { fields }: Performative, channel: number): void {
    if (isGiven(frame, fields[0])) throw illegal('expected a session that nobody asked for')
    if (sessions.has(channel)) throw illegal('expected a channel that is free')
    const most = proven ? limits.sessions : limits.unproven.sessions
    if (channel >= limits.sessions || sessions.size >= most)
      throw tooMuch(`expected at most ${most} sessions`)
    sessions.set(channel, { links: new Map() })
  }

  function lookAtSession(frame: Buffer, body: Performative, channel: number): void {
    const session = sessions.get(channel)
    if (session === undefined) throw illegal('expected a frame of a session that has begun')
    const { code, fields } = body
    switch (code) {
      case 0x12: {
        const handle = uintOf(frame, fields[1]) ?? 0
        const most = proven ? limits.links : limits.unproven.links
        if (handle >= limits.links || session.links.size >= most)
          throw tooMuch(`expected at most ${most} links`)
        if (session.links.has(handle)) throw illegal('expected a handle that is free')
        session.links.set(handle, { parts: [], bytes: 0, format: 0, partial: false })
        return
      }
      case 0x13:
        if (isGiven(frame, fields[4])) linkOf(session, frame, fields[4])
        return
      case 0x14:
        lookAtTransfer(frame, body, linkOf(session, frame, fields[0]))
        return
      case 0x15: {
        const first = uintOf(frame, fields[1]) ?? 0
        const last = uintOf(frame, fields[2]) ?? first
        if (last < first || last - first >= MAX_RANGE)
          throw tooMuch(`expected at most ${MAX_RANGE} deliveries in one disposition`)
        return
      }
      case 0x16:
        forget(linkOf(session, frame, fields[0]))
        session.links.delete(uintOf(frame, fields[0]) ?? 0)
        return
      case 0x17:
        for (const link of session.links.values()) forget(link)
        sessions.delete(channel)
        return
      default:
        throw illegal('expected a frame of an open connection')
    }
  }

  function lookAtTransfer(frame: Buffer, { fields, end }: Performative, link: LinkState): void {
    if (booleanOf(frame, fields[9])) throw unsupported('a delivery that is given up')
    if (booleanOf(frame, fields[8])) throw unsupported('a delivery that is resumed')
    if (!link.partial) {
      if (uintOf(frame, fields[1]) === undefined)
        throw malformed('expected the id of a delivery, found none')
      const tag = fields[2]
      if (
        tag !== undefined &&
        kindAt(frame, tag) === 'binary' &&
        tagLength(frame, tag) > MAX_TAG_BYTES
      )
        throw malformed(`expected a delivery tag of at most ${MAX_TAG_BYTES} bytes`)
      link.format = uintOf(frame, fields[3]) ?? 0
      link.bytes = 0
      link.parts = []
    }
    const payload = frame.subarray(end)
    link.bytes += payload.length
    const most = proven ? limits.messageBytes : limits.unproven.messageBytes
    if (link.bytes > most) {
      throw tooLarge(`expected a message of at most ${most} bytes, found more`)
    }
    const isPart = booleanOf(frame, fields[5])
    if (isPart && payload.length === 0) throw malformed('expected a part of a message')
    if (isPart || link.partial) {
      link.parts.push(payload)
      partBytes += payload.length
    }
    link.partial = isPart
    if (isPart) {
      if (partBytes > limits.partBytes) throw tooMuch('expected fewer messages in parts')
      return
    }
    const message = link.parts.length === 0 ? payload : Buffer.concat(link.parts, link.bytes)
    forget(link)
    if (message.length === 0) throw malformed('expected a message, found nothing')
    walkMessage(message, { values: limits.values, depth: limits.depth })
  }

  function forget(link: LinkState): void {
    for (const part of link.parts) partBytes -= part.length
    link.parts = []
  }

  return {
    push,
    prove() {
      proven = true
    },
  }
}

function linkOf(session: SessionState, frame: Buffer, at: number | undefined): LinkState {
  const link = session.links.get(uintOf(frame, at) ?? -1)
  if (link === undefined) throw illegal('expected the handle of a link that is attached')
  return link
}

function uintOf(frame: Buffer, at: number | undefined): number | undefined {
  return isGiven(frame, at) ? uintAt(frame, at) : undefined
}

function booleanOf(frame: Buffer, at: number | undefined): boolean {
  return isGiven(frame, at) && booleanAt(frame, at)
}

function tagLength(frame: Buffer, at: number): number {
  return frame[at] === 0xa0 ? frame.readUInt8(at + 1) : frame.readUInt32BE(at + 1)
}

function illegal(message: string): AmqpViolation {
  return new AmqpViolation('amqp:illegal-state', message)
}

function unsupported(what: string): AmqpViolation {
  return new AmqpViolation('amqp:not-implemented', `${what} is not supported`)
}

function tooLarge(message: string): AmqpViolation {
  return new AmqpViolation('amqp:link:message-size-exceeded', message)
}
