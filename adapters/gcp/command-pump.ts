import type { Core, Settlement } from '../../core/index.ts'
import { createWakes, settleHeld, type Wakes } from '../node/wakes.ts'
import { toMessage } from './downlink.ts'
import type { PubSub } from './pubsub.ts'

/** Brings commands to devices that hold a connection of the broker front. */
export interface CommandPump extends Wakes {
  /** Publishes what waits for a device that is connected. */
  deliver(deviceId: string): Promise<void>
  /** A device says what became of a command that it holds. One that it holds no more changes nothing. */
  settle(deviceId: string, commandId: string, how: Settlement, reason?: string): Promise<void>
}

/** A device has so long to say what became of a command; then it gets it again. Unit: ms. */
const LOCK_MS = 60_000

/** Commands of one device that are on their way at once. */
const AT_ONCE = 10

/**
 * Between us and the device stand a topic and a broker, and neither tells us of PUBACK: a device that takes commands here
 * says itself what became of each. One that holds no connection asks for its next command at ingest-http.
 *
 * Shape: `devices/{id}/executions/{commandId}/{name}` down, `devices/{id}/executions/{commandId}/{complete,reject,abandon}` up.
 */
export function createCommandPump(pubsub: PubSub, topic: string, core: () => Core): CommandPump {
  async function deliver(deviceId: string): Promise<void> {
    const { commands, ports } = core()
    const record = await ports.devices.load(deviceId)
    // Never to somebody who is not there: who connects is served then.
    if (record?.presence.connected !== true) return
    const received = await commands.receiveMany(deviceId, AT_ONCE, { lockMs: LOCK_MS })
    const messages = received.map(
      ({ command, payload, lockToken, properties, correlationId, contentType }) =>
        toMessage({
          to: `devices/${deviceId}/executions/${encodeURIComponent(command.commandId)}/${command.name}`,
          data: payload,
          qos: 1,
          retain: false,
          key: lockToken,
          properties: {
            ...properties,
            ...(correlationId === undefined ? {} : { 'correlation-id': correlationId }),
            ...(contentType === undefined ? {} : { 'content-type': contentType }),
          },
        }),
    )
    try {
      if (messages.length > 0) await pubsub.publish(topic, messages)
    } catch (error) {
      for (const { lockToken } of received) await commands.settle(deviceId, lockToken, 'release')
      throw error
    }
  }

  return {
    ...createWakes(core, deliver),
    deliver,

    async settle(deviceId, commandId, how, reason) {
      const settled = await settleHeld(core(), { deviceId, commandId, how, reason })
      if (settled) await deliver(deviceId)
    },
  }
}
