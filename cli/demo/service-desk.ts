import { connectAsync, type MqttClient } from 'mqtt'
import { CoreError } from '../../core/index.ts'

/** Where the rule `call-service` of the built-in config calls for help. */
const TOPIC = 'fleet/service'

/** Who repairs compressors: a client of the broker like any other service. */
export interface ServiceDesk {
  readonly connected: boolean
  close(): Promise<void>
}

/**
 * Opens the desk, which is also how the demo learns whether there is a cloud.
 * @throws CoreError `channel.unavailable` if none answers.
 */
export async function openServiceDesk(
  url: string,
  onCall: (deviceId: string) => void,
): Promise<ServiceDesk> {
  const client = await subscribed(url).catch((cause: unknown) => {
    throw new CoreError(
      'channel.unavailable',
      `no cloud answers at ${url}: start one with "npm start", or name another with --mqtt`,
      { cause },
    )
  })
  client.on('error', () => undefined)
  client.on('message', (_topic, payload) => {
    const deviceId = /"device"\s*:\s*"([^"\\]+)"/.exec(payload.toString('utf8'))?.[1]
    if (deviceId !== undefined) onCall(deviceId)
  })
  return {
    get connected() {
      return client.connected
    },
    close: () => client.endAsync(true),
  }
}

async function subscribed(url: string): Promise<MqttClient> {
  const client = await connectAsync(
    url,
    {
      clientId: `anyhub-demo-desk-${process.pid}`,
      clean: true,
      connectTimeout: 5_000,
      reconnectPeriod: 1_000,
    },
    false,
  )
  await client.subscribeAsync(TOPIC, { qos: 1 })
  return client
}
