import type { CommandDesk, CommandPump } from '../command-desk.ts'
import type { MqttListener, MqttQos } from '../listeners/mqtt/index.ts'
import type { ConfigDesk } from './google-config.ts'

/** What of a device a client may listen to. */
export type SeatTopic = 'config' | 'commands' | 'errors'

/** One device behind one connection: its own, or that of its gateway. */
export interface Seat {
  readonly deviceId: string
  /** The filter of a topic was granted: what waits, goes out. */
  begin(topic: SeatTopic, qos: MqttQos): void
  end(topic: SeatTopic): void
  /** Whether somebody listens. */
  hears(topic: SeatTopic): boolean
  close(): void
}

export interface SeatOptions {
  readonly deviceId: string
  /** Whose connection it is. */
  readonly clientId: string
  readonly listener: () => Pick<MqttListener, 'deliver'>
  readonly configs: ConfigDesk
  readonly commands: CommandDesk
  /** What could not be done is worth a line in the log; the device asks again when it subscribes. */
  readonly failed: (what: string, error: unknown) => void
}

/** The property that names the level below `commands`; without it the name of the command does. */
export const SUBFOLDER = 'subfolder'

/** Brings config and commands of one device to one connection. */
export function createSeat({
  deviceId,
  clientId,
  listener,
  configs,
  commands,
  failed,
}: SeatOptions): Seat {
  const endings = new Map<SeatTopic, () => void>()

  function sendConfigs(qos: MqttQos): () => void {
    let closed = false
    let sent = 0
    const send = async (): Promise<void> => {
      const { version, payload } = await configs.current(deviceId)
      if (closed || version <= sent) return
      sent = version
      const topic = `/devices/${deviceId}/config`
      const handed = await listener().deliver(clientId, { topic, payload, qos: 1 })
      // With QoS 0 nobody knows whether it has arrived.
      if (handed === 'acknowledged' && qos > 0) await configs.acknowledge(deviceId, version)
    }
    const start = (): void => void send().catch((error) => failed('config', error))
    const stop = configs.watch(deviceId, start)
    start()
    return () => {
      closed = true
      stop()
    }
  }

  function takeCommands(): () => void {
    const pump: CommandPump = {
      dialect: 'google',
      async offer({ command, properties, payload }) {
        const subfolder = properties[SUBFOLDER] ?? command.name
        const root = `/devices/${deviceId}/commands`
        const topic = subfolder === '' ? root : `${root}/${subfolder}`
        switch (await listener().deliver(clientId, { topic, payload, qos: 1 })) {
          case 'acknowledged':
            return 'complete'
          case 'lost':
            return 'abandon'
          case 'refused':
            return 'reject'
          case 'offline':
          case 'not_subscribed':
            return 'release'
        }
      },
    }
    commands.attach(deviceId, pump)
    return () => commands.detach(deviceId, pump)
  }

  function end(topic: SeatTopic): void {
    const ending = endings.get(topic)
    endings.delete(topic)
    ending?.()
  }

  return {
    deviceId,
    begin(topic, qos) {
      end(topic)
      const ending =
        topic === 'config'
          ? sendConfigs(qos)
          : topic === 'commands'
            ? takeCommands()
            : () => undefined
      endings.set(topic, ending)
    },
    end,
    hears: (topic) => endings.has(topic),
    close() {
      for (const topic of [...endings.keys()]) end(topic)
    },
  }
}
