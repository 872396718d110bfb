import type { Core } from '../../core/index.ts'
import type { MqttClientInfo, MqttDisconnectCause } from './listeners/mqtt/index.ts'
import type { Database } from './sqlite/database.ts'

/** So many devices are shown disconnected at a time. */
const RESET_BATCH = 256

/** Keeps in the record of each device whether it holds a connection. Clients that are no devices leave no trace. */
export interface Presence {
  connected(client: MqttClientInfo): void
  /** A client spoke as the device of its own name, so that it may have a record now. */
  spoke(client: MqttClientInfo): void
  /** Its connection ended; `client` as cause: it said so itself. */
  disconnected(client: MqttClientInfo, cause?: MqttDisconnectCause): void
  /** Whether this connection is why its device is shown as connected. */
  shows(client: MqttClientInfo): boolean
}

/** Connections of devices, whatever they speak: a device is there while it has one. */
export interface DeviceConnections {
  /** A connection has begun, the device's own or that of its gateway. What it gives ends it: `heard` if the device said so. */
  began(deviceId: string, gateway?: string): (heard: boolean) => void
  /** A device that has a connection gave a sign of life that comes to its record in no other way. */
  heard(deviceId: string): Promise<void>
}

/** The connections of this process. */
export function createDeviceConnections(core: Core): DeviceConnections {
  const open = new Map<string, number>()

  return {
    began(deviceId, gateway) {
      const facts = gateway === undefined ? {} : { gateway }
      open.set(deviceId, (open.get(deviceId) ?? 0) + 1)
      void storePresence(core, deviceId, true, facts)
      let isOver = false
      return (heard) => {
        if (isOver) return
        isOver = true
        const left = (open.get(deviceId) ?? 1) - 1
        if (left > 0) {
          open.set(deviceId, left)
          return
        }
        open.delete(deviceId)
        void storePresence(core, deviceId, false, { ...facts, heard })
      }
    },
    heard: (deviceId) => storePresence(core, deviceId, true),
  }
}

/**
 * Presence of the clients of this process's broker. A device is who is known as one when it connects, or has a record under
 * its client id.
 */
export function createPresence(
  core: Core,
  connections: DeviceConnections,
  isDevice: (client: MqttClientInfo) => boolean = () => false,
): Presence {
  /** The connection of each client id; of two the later, for it has taken over. */
  const live = new Map<string, MqttClientInfo>()
  /** What ends the connections of those that are shown. */
  const endings = new Map<MqttClientInfo, (heard: boolean) => void>()

  function show(client: MqttClientInfo): void {
    if (live.get(client.clientId) !== client || endings.has(client)) return
    endings.set(client, connections.began(client.clientId))
  }

  function showIfDevice(client: MqttClientInfo): void {
    if (isDevice(client)) {
      show(client)
      return
    }
    core.ports.devices.load(client.clientId).then(
      (record) => {
        if (record !== undefined) show(client)
      },
      () => undefined,
    )
  }

  return {
    connected(client) {
      const before = live.get(client.clientId)
      live.set(client.clientId, client)
      const ending = before === undefined ? undefined : endings.get(before)
      if (before === undefined || ending === undefined) {
        showIfDevice(client)
        return
      }
      show(client)
      endings.delete(before)
      ending(false)
    },
    spoke: showIfDevice,
    disconnected(client, cause) {
      if (live.get(client.clientId) === client) live.delete(client.clientId)
      const ending = endings.get(client)
      endings.delete(client)
      ending?.(cause === 'client')
    },
    shows: (client) => endings.has(client),
  }
}

/**
 * Shows as disconnected whoever was connected when the process before this one ended without a word. Call it before the
 * listeners open.
 */
export async function resetPresence(core: Core, database: Database): Promise<void> {
  const rows = await database.read('deviceConnected')
  const ids = rows.map((row) => String(row['device_id']))
  for (let from = 0; from < ids.length; from += RESET_BATCH) {
    const batch = ids.slice(from, from + RESET_BATCH)
    await Promise.all(batch.map((deviceId) => storePresence(core, deviceId, false)))
  }
}

/**
 * Keeps that a device came or went. It is worth a line in the log if it cannot be stored, and no more: the next change
 * comes.
 */
async function storePresence(
  { gate, ports }: Core,
  deviceId: string,
  connected: boolean,
  { heard = connected, gateway }: { readonly heard?: boolean; readonly gateway?: string } = {},
): Promise<void> {
  try {
    const input = { kind: 'presence' as const, connected, heard, at: ports.clock.now() }
    await gate.run(deviceId, [gateway === undefined ? input : { ...input, gateway }])
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    ports.observer.log('warn', 'presence not stored', { deviceId, reason })
  }
}
