import { MOST_LAST, type RecentMessage } from '../../core/api/index.ts'
import type { Uplink } from '../../core/index.ts'

/** What all kept messages may weigh; the devices that came first are forgotten first. Unit: bytes. */
const MAX_BYTES = 16_777_216

/** A longer message is not kept. Unit: bytes. */
const MAX_MESSAGE_BYTES = 4_096

/** What a message weighs besides its payload. Unit: bytes. */
const OVERHEAD_BYTES = 200

/** The last messages of each device, as they came: rules are tried on them. */
export interface RecentMessages {
  keep(deviceId: string, uplink: Uplink): void
  /** Oldest first. */
  of(deviceId: string): readonly RecentMessage[]
}

/** The messages of one device. Slots are used again: a message costs no more than its text. */
interface Ring {
  readonly slots: Slot[]
  /** Where the next one goes. */
  next: number
}

interface Slot {
  topic: string
  contentType: string
  receivedAt: number
  /** The bytes, one character each: a text of the heap is cheaper than bytes of their own. */
  payload: string
}

/** Keeps them in memory: after a restart there are none. */
export function createRecentMessages(maxBytes = MAX_BYTES): RecentMessages {
  const byDevice = new Map<string, Ring>()
  let bytes = 0

  function forgetFirst(): void {
    for (const [deviceId, { slots }] of byDevice) {
      byDevice.delete(deviceId)
      for (const { payload } of slots) bytes -= payload.length + OVERHEAD_BYTES
      return
    }
  }

  return {
    keep(deviceId, { topic, payload: given, contentType, receivedAt, decoded }) {
      // What a network has decoded, no codec reads again.
      if (given.length > MAX_MESSAGE_BYTES || decoded !== undefined) return
      // A copy: the payload may be a part of a large buffer of its connection.
      const payload = asBuffer(given).toString('latin1')
      let ring = byDevice.get(deviceId)
      if (ring === undefined) {
        ring = { slots: [], next: 0 }
        byDevice.set(deviceId, ring)
      }
      const slot = ring.slots[ring.next]
      if (slot === undefined) {
        ring.slots.push({ topic, contentType, receivedAt, payload })
        bytes += payload.length + OVERHEAD_BYTES
      } else {
        bytes += payload.length - slot.payload.length
        slot.topic = topic
        slot.contentType = contentType
        slot.receivedAt = receivedAt
        slot.payload = payload
      }
      ring.next = (ring.next + 1) % MOST_LAST
      while (bytes > maxBytes) forgetFirst()
    },
    of(deviceId) {
      const { slots = [], next = 0 } = byDevice.get(deviceId) ?? {}
      const inOrder =
        slots.length < MOST_LAST ? slots : [...slots.slice(next), ...slots.slice(0, next)]
      return inOrder.map(({ payload, ...rest }) => {
        return { ...rest, payload: new Uint8Array(Buffer.from(payload, 'latin1')) }
      })
    },
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
