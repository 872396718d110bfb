import type { Core, Settlement } from '../../core/index.ts'
import { createWakes, settleHeld, type Wakes } from '../node/wakes.ts'
import { type AwsClient, unexpected } from './client.ts'
import { publish } from './downlink.ts'

/** Brings commands to devices over the broker of AWS IoT. */
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
 * The broker does not tell us of PUBACK, so a device that takes commands on AWS says itself what became of each.
 *
 * Shape: `devices/{id}/executions/{commandId}/{name}` down, `devices/{id}/executions/{commandId}/{complete,reject,abandon}` up.
 */
export function createCommandPump(client: AwsClient, core: () => Core): CommandPump {
  async function deliver(deviceId: string): Promise<void> {
    const { commands, ports } = core()
    const record = await ports.devices.load(deviceId)
    // Never to somebody who is not there: who connects is served then.
    if (record?.presence.connected !== true) return
    const received = await commands.receiveMany(deviceId, AT_ONCE, { lockMs: LOCK_MS })
    for (const [index, one] of received.entries()) {
      const { command, payload, properties, correlationId, contentType } = one
      const id = encodeURIComponent(command.commandId)
      try {
        const response = await publish(client, {
          topic: `devices/${deviceId}/executions/${id}/${command.name}`,
          body: payload,
          qos: 1,
          retain: false,
          properties: {
            ...properties,
            ...(correlationId === undefined ? {} : { 'correlation-id': correlationId }),
            ...(contentType === undefined ? {} : { 'content-type': contentType }),
          },
        })
        if (response.status !== 200) throw unexpected('iotdata', response)
      } catch (error) {
        for (const { lockToken } of received.slice(index))
          await commands.settle(deviceId, lockToken, 'release')
        throw error
      }
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
