import { Client, type Message } from 'azure-iot-device'
import { Amqp } from 'azure-iot-device-amqp'
import { Client as ServiceClient } from 'azure-iothub'
import { onTestFinished } from 'vitest'
import { ownerKeyOf } from '../../../../adapters/local/identity.ts'
import type { LocalSettings } from '../../../../adapters/local/index.ts'
import { type AzureCloud, openAzureCloud } from '../azure-cloud.ts'
import type { TestCloudOptions } from '../cloud.ts'

/** A cloud that serves AMQP, with the clients that Azure has for it. */
export interface AmqpCloud extends AzureCloud {
  /** A device by the vendor's SDK, connected. */
  device(options?: { readonly key?: string }): Promise<Client>
  /** The back end by the vendor's SDK. */
  service(): ServiceClient
  /** How many uplinks were accepted so far. */
  accepted(): Promise<number>
}

export async function openAmqpCloud(
  settings: Partial<LocalSettings> = {},
  options: Omit<TestCloudOptions, 'settings'> = {},
): Promise<AmqpCloud> {
  const cloud = await openAzureCloud({ amqpsPort: 0, keepEvents: true, ...settings }, options)
  return {
    ...cloud,
    async device({ key } = {}) {
      const client = Client.fromConnectionString(cloud.connectionString(cloud.amqpsPort, key), Amqp)
      await client.setOptions({ ca: cloud.authority })
      client.on('error', () => undefined)
      onTestFinished(() => client.close().then(nothing, nothing))
      await client.open()
      return client
    },
    service() {
      const client = ServiceClient.fromConnectionString(
        `HostName=localhost:${cloud.amqpsPort};SharedAccessKeyName=iothubowner;SharedAccessKey=${ownerKeyOf(cloud.adminToken)}`,
      )
      onTestFinished(() => client.close().then(nothing, nothing))
      return client
    },
    accepted: async () => (await cloud.stats())['uplink.accepted'] ?? 0,
  }
}

/** The messages of a device, as they come. */
export function messagesOf(client: Client): Message[] {
  const messages: Message[] = []
  client.on('message', (message: Message) => void messages.push(message))
  return messages
}

function nothing(): undefined {
  return undefined
}
