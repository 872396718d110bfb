import type { Core, Settlement } from '../../core/index.ts'
import { type AwsClient, unexpected } from './client.ts'
import { publish } from './downlink.ts'

/** Brings commands to devices over the broker of AWS IoT. */
export interface CommandPump {
  /** Publishes what waits for a device that is connected. */
  deliver(deviceId: string): Promise<void>
  /** A device says what became of a command that it holds. One that it holds no more changes nothing. */
  settle(deviceId: string, commandId: string, how: Settlement): Promise<void>
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
    for (let sent = 0; sent < AT_ONCE; sent++) {
      const received = await commands.receive(deviceId, { lockMs: LOCK_MS })
      if (received === undefined) return
      const { command, payload, lockToken, properties, correlationId, contentType } = received
      const id = encodeURIComponent(command.commandId)
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
      if (response.status === 200) continue
      await commands.settle(deviceId, lockToken, 'release')
      throw unexpected('iotdata', response)
    }
  }

  return {
    deliver,

    async settle(deviceId, commandId, how) {
      const { commands, ports } = core()
      const record = await ports.devices.load(deviceId)
      const entry = record?.commands?.find((one) => one.commandId === commandId)
      if (entry?.lock === undefined) return
      await commands.settle(deviceId, entry.lock.token, how)
      await deliver(deviceId)
    },
  }
}
