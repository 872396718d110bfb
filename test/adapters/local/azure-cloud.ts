import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { onTestFinished } from 'vitest'
import { createSasToken } from '../../../adapters/local/sas.ts'
import { openTlsCloud, type TlsCloud } from './tls-cloud.ts'

/** A cloud with a device that has keys, as its firmware would use them. */
export interface AzureCloud extends TlsCloud {
  readonly key: string
  readonly secondaryKey: string
  /** A connection string of the device for a transport. */
  connectionString(port: number | undefined, key?: string): string
  /** A shared access signature of the device. Unit: epoch ms. */
  sas(expiresAt?: number, key?: string, resource?: string): string
  /** Connects as the firmware of an Azure device would, without an SDK. */
  connectAzure(options?: ConnectOptions): Promise<MqttClient>
}

/** Options of a connection; no password: none is sent. */
export type ConnectOptions = Omit<IClientOptions, 'password'> & {
  readonly password?: string | undefined
}

export const USERNAME = 'localhost/dev1/?api-version=2021-04-12'

/** Opens a cloud where `dev1` is registered with keys. */
export async function openAzureCloud(
  ...options: Parameters<typeof openTlsCloud>
): Promise<AzureCloud> {
  const cloud = await openTlsCloud(...options)
  const answer = await cloud.admin('POST', '/devices', { deviceId: 'dev1', credential: 'key' })
  if (answer.status !== 201) throw new Error(await answer.text())
  const { primaryKey: key, secondaryKey } = (await answer.json()) as {
    primaryKey: string
    secondaryKey: string
  }
  const sas: AzureCloud['sas'] = (
    expiresAt = Date.now() + 3_600_000,
    signedWith = key,
    resource = 'localhost/devices/dev1',
  ) => createSasToken({ resource, key: signedWith, expiresAt })
  return {
    ...cloud,
    key,
    secondaryKey,
    connectionString: (port, signedWith = key) =>
      `HostName=localhost:${port};DeviceId=dev1;SharedAccessKey=${signedWith}`,
    sas,
    async connectAzure(more = {}) {
      const { password, ...others }: ConnectOptions = { password: sas(), ...more }
      const client = await connectAsync(`mqtts://localhost:${cloud.mqttsPort}`, {
        clientId: 'dev1',
        username: USERNAME,
        ...(password === undefined ? {} : { password }),
        protocolVersion: 4,
        reconnectPeriod: 0,
        ca: cloud.authority,
        ...others,
      })
      client.on('error', () => undefined)
      onTestFinished(() => void client.end(true))
      return client
    },
  }
}

/** Resolves when the connection has ended. */
export function closeOf(client: MqttClient): Promise<void> {
  return new Promise((resolve) => void client.once('close', () => resolve()))
}
