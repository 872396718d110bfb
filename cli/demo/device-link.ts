import { connect } from 'mqtt'
import { isJsonObject, type Json, type JsonObject } from '../../core/index.ts'

/** More messages than this do not wait in a device for a cloud that is away: it has little memory. */
const MAX_WAITING = 300
/** How long a clean end may take. Unit: ms. */
const END_MS = 3_000

/** The connection of one device, over real MQTT, that comes back by itself. */
export interface DeviceLink {
  readonly connected: boolean
  /** Sends one message with QoS 1, now or when the cloud is there again. False if too many wait already. */
  publish(payload: string): boolean
  /** Says goodbye, after what waits was acknowledged, if the cloud is there or comes back soon enough. */
  end(): Promise<void>
  /** Is gone without a word, as a device without power is. */
  cut(): void
}

export interface DeviceLinkOptions {
  readonly url: string
  readonly deviceId: string
  /** The shadow desires this state; only what is new to the device comes here. */
  readonly onDesired: (desired: JsonObject) => void
  readonly onAcknowledged: () => void
}

/** Connects one device: the client id is the device id, its shadow is asked for on every connect. */
export function connectDevice({
  url,
  deviceId,
  onDesired,
  onAcknowledged,
}: DeviceLinkOptions): DeviceLink {
  const shadow = `devices/${deviceId}/shadow`
  const client = connect(url, {
    clientId: deviceId,
    clean: true,
    keepalive: 30,
    reconnectPeriod: 1_000,
    resubscribe: false,
  })
  let waiting = 0
  let onNoneWaiting = (): void => undefined
  let version = 0

  client.on('connect', () => {
    client.subscribe(
      [`${shadow}/update/delta`, `${shadow}/get/accepted`],
      { qos: 1 },
      // A subscription that fails is made again with the next connection.
      (error) => void (error ?? client.publish(`${shadow}/get`, '', { qos: 1 })),
    )
  })
  // Faults of the network end in a new connection; the demo says that the cloud is gone.
  client.on('error', () => undefined)
  client.on('message', (topic, payload) => {
    const body = readObject(payload.toString('utf8'))
    const state = isJsonObject(body['state']) ? body['state'] : {}
    const desired = topic.endsWith('/delta') ? state : state['desired']
    const told = typeof body['version'] === 'number' ? body['version'] : version
    if (told < version || !isJsonObject(desired)) return
    version = told
    onDesired(desired)
  })

  return {
    get connected() {
      return client.connected
    },
    publish(payload) {
      if (waiting >= MAX_WAITING) return false
      waiting++
      client.publish(`devices/${deviceId}/telemetry`, payload, { qos: 1 }, (error) => {
        waiting--
        if (waiting === 0) onNoneWaiting()
        if (error === undefined || error === null) onAcknowledged()
      })
      return true
    },
    async end() {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<'late'>((resolve) => {
        timer = setTimeout(resolve, END_MS, 'late')
      })
      // A client that ends connects no more, so what waits for a cloud that is away goes out before.
      if (waiting > 0) {
        const none = new Promise<void>((resolve) => {
          onNoneWaiting = resolve
        })
        await Promise.race([none, late])
      }
      // Ending waits for every acknowledgement, also for those that a lost connection took along.
      const force = !client.connected || waiting > 0
      if ((await Promise.race([client.endAsync(force), late])) === 'late') client.stream.destroy()
      clearTimeout(timer)
    },
    cut: () => void client.end(true),
  }
}

function readObject(text: string): JsonObject {
  try {
    const parsed: Json = JSON.parse(text)
    return isJsonObject(parsed) ? parsed : {}
  } catch {
    return {}
  }
}
