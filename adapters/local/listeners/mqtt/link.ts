import type { Broker } from './broker.ts'
import type { MqttVersion } from './hooks.ts'
import { frame3, frame5 } from './outbound-message.ts'
import type { Output } from './output.ts'
import { PACKET } from './reason-codes.ts'
import type { Link, Parcel } from './session.ts'

/** What a client said in CONNECT that it takes. */
export interface Allowance {
  readonly version: MqttVersion
  readonly receiveMaximum: number
  readonly maxPacketBytes: number
  readonly topicAliasMaximum: number
}

/** The way of messages from a session to its client. */
export function createLink(
  broker: Broker,
  output: Output,
  allowance: Allowance,
  overflow: () => void,
): Link {
  const { limits, stats, clock } = broker
  const { version, maxPacketBytes } = allowance
  const maxAliases = Math.min(allowance.topicAliasMaximum, limits.maxTopicAliases)
  /** The first topics of a connection have an alias, up to what the client allows. */
  const aliases = new Map<string, number>()

  function send5(parcel: Parcel, packetId: number, first: number): boolean {
    const { message } = parcel
    const known = aliases.get(message.topic)
    const isNewAlias = known === undefined && aliases.size < maxAliases
    const alias = isNewAlias ? aliases.size + 1 : (known ?? 0)
    const frame = frame5(message, {
      withPacketId: parcel.qos > 0,
      now: clock(),
      identifiers: parcel.identifiers,
      alias,
      aliasKnown: known !== undefined,
    })
    // MQTT-3.1.2-27, MQTT-3.1.2-28.
    if (frame.length > maxPacketBytes) return false
    if (isNewAlias) aliases.set(message.topic, alias)
    output.publish(frame, first, packetId)
    return true
  }

  return {
    window: Math.min(limits.maxInflight, allowance.receiveMaximum),

    get congested() {
      return output.buffered > limits.maxOutboundBytes
    },

    send(parcel, packetId, dup) {
      const first =
        (PACKET.publish << 4) | (dup ? 8 : 0) | (parcel.qos << 1) | (parcel.retain ? 1 : 0)
      if (version !== 5) output.publish(frame3(parcel.message, parcel.qos > 0), first, packetId)
      else if (!send5(parcel, packetId, first)) return false
      stats.sent += 1
      return true
    },

    release(packetId) {
      output.ack((PACKET.pubrel << 4) | 2, packetId)
    },

    overflow,
  }
}
