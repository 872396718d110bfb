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

/** Keeps them in memory: after a restart there are none. */
export function createRecentMessages(maxBytes = MAX_BYTES): RecentMessages {
  const byDevice = new Map<string, RecentMessage[]>()
  let bytes = 0

  function weigh({ payload }: RecentMessage): number {
    return payload.length + OVERHEAD_BYTES
  }

  function forgetFirst(): void {
    for (const [deviceId, messages] of byDevice) {
      byDevice.delete(deviceId)
      for (const message of messages) bytes -= weigh(message)
      return
    }
  }

  return {
    keep(deviceId, { topic, payload, contentType, receivedAt, decoded }) {
      // What a network has decoded, no codec reads again.
      if (payload.length > MAX_MESSAGE_BYTES || decoded !== undefined) return
      // A copy: the payload may be a part of a large buffer of its connection.
      const message = { topic, payload: new Uint8Array(payload), contentType, receivedAt }
      const messages = byDevice.get(deviceId)
      bytes += weigh(message)
      if (messages === undefined) byDevice.set(deviceId, [message])
      else {
        messages.push(message)
        if (messages.length > MOST_LAST) {
          const [oldest] = messages.splice(0, 1)
          if (oldest !== undefined) bytes -= weigh(oldest)
        }
      }
      while (bytes > maxBytes) forgetFirst()
    },
    of: (deviceId) => byDevice.get(deviceId) ?? [],
  }
}
