import type { Core, Settlement } from '../../core/index.ts'
import { toMessage } from './downlink.ts'
import type { PubSub } from './pubsub.ts'

/** Brings commands to devices that hold a connection of the broker front. */
export interface CommandPump {
  /**
   * Notes that a command waits. It is not brought at once: who says so is within a step of the device, and bringing it
   * takes another.
   * @throws CoreError if the device could not be served in this run.
   */
  ask(deviceId: string): void
  /** Serves all that were noted, before the host may freeze. What fails is left to the tick. */
  drain(): Promise<void>
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
  const asked = new Set<string>()
  /** Devices that cannot be served now, until the end of this run. */
  const failed = new Map<string, unknown>()

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

  /** The word waits in the outbox of the device, where the tick finds it. */
  async function leaveBehind(deviceId: string, error: unknown): Promise<void> {
    const { gate, ports } = core()
    failed.set(deviceId, error)
    const key = `wake/${ports.ids.next(ports.clock.now())}`
    await gate.run(deviceId, [{ kind: 'effect', key, effect: { kind: 'wake', deviceId } }])
  }

  async function deliverOrLeave(deviceId: string): Promise<void> {
    try {
      await deliver(deviceId).catch((error) => leaveBehind(deviceId, error))
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      core().ports.observer.log('error', 'nobody told of a command', { deviceId, reason })
    }
  }

  return {
    deliver,

    ask(deviceId) {
      if (failed.has(deviceId)) throw failed.get(deviceId)
      asked.add(deviceId)
    },

    async drain() {
      while (asked.size > 0) {
        const deviceIds = [...asked]
        asked.clear()
        await Promise.all(deviceIds.map(deliverOrLeave))
        await core().gate.idle()
      }
      failed.clear()
    },

    async settle(deviceId, commandId, how, reason) {
      const { commands, ports } = core()
      const record = await ports.devices.load(deviceId)
      const entry = record?.commands?.find((one) => one.commandId === commandId)
      if (entry?.lock === undefined) return
      await commands.settle(deviceId, entry.lock.token, how, reason)
      await deliver(deviceId)
    },
  }
}
