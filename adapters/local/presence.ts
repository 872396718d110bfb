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

/**
 * Presence of the clients of this process's broker. A device is who is known as one when it connects, or has a record under
 * its client id.
 */
export function createPresence(
  core: Core,
  isDevice: (client: MqttClientInfo) => boolean = () => false,
): Presence {
  /** The connection of each client id; of two the later, for it has taken over. */
  const live = new Map<string, MqttClientInfo>()
  const shown = new Set<MqttClientInfo>()

  function show(client: MqttClientInfo): void {
    if (live.get(client.clientId) !== client || shown.has(client)) return
    shown.add(client)
    void storePresence(core, client.clientId, true)
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
      if (before !== undefined && shown.delete(before)) show(client)
      else showIfDevice(client)
    },
    spoke: showIfDevice,
    disconnected(client, cause) {
      const wasShown = shown.delete(client)
      if (live.get(client.clientId) !== client) return
      live.delete(client.clientId)
      if (wasShown) void storePresence(core, client.clientId, false, { heard: cause === 'client' })
    },
    shows: (client) => shown.has(client),
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
export async function storePresence(
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
