import { afterAll, beforeAll } from 'vitest'
import { type AzureClient, createAzureClient } from '../../../adapters/azure/client.ts'
import { createCredentials } from '../../../adapters/azure/credentials.ts'
import { createDownlink } from '../../../adapters/azure/downlink.ts'
import { createHub } from '../../../adapters/azure/hub.ts'
import { createIdentities } from '../../../adapters/azure/identities.ts'
import { createObjectStore } from '../../../adapters/azure/object-store.ts'
import { createOwnQueues } from '../../../adapters/azure/own-queues.ts'
import { createQueueSender } from '../../../adapters/azure/queue-sender.ts'
import { createRegistry } from '../../../adapters/azure/registry.ts'
import { createServices } from '../../../adapters/azure/services.ts'
import { createShadowOwner } from '../../../adapters/azure/shadow-owner.ts'
import { createStorageQueues } from '../../../adapters/azure/storage-queue.ts'
import { systemClock } from '../../../adapters/node/clock.ts'
import type { Downlink } from '../../../core/index.ts'
import { downlinkContract, type Received } from '../../contract/downlink.ts'
import { registryContract } from '../../contract/registry.ts'
import {
  ACCOUNT,
  ACCOUNT_KEY,
  type Azurite,
  describeWithEmulators,
  startAzurite,
} from './azurite.ts'
import { type CosmosServer, startCosmos } from './cosmos-server.ts'
import { type EmbeddedHub, startHub } from './embedded-hub.ts'
import { openStack } from './stack.ts'

describeWithEmulators('Azure, registry and downlink', () => {
  let azurite: Azurite
  let cosmos: CosmosServer
  let hub: EmbeddedHub
  beforeAll(async () => {
    ;[azurite, cosmos, hub] = await Promise.all([startAzurite(), startCosmos(), startHub()])
  }, 90_000)
  afterAll(() => Promise.all([azurite?.stop(), cosmos?.stop(), hub?.close()]))

  registryContract('Cosmos and IoT Hub', async () => {
    const stack = await openStack({ azurite, cosmos, hub })
    const { settings, account } = stack
    // One hub for all: each subject begins with an empty one.
    for (const { deviceId } of (await hub.ask('GET', '/devices')) as { deviceId: string }[])
      await hub.ask('DELETE', `/devices/${deviceId}`)
    const credentials = createCredentials({ settings, now: Date.now })
    const client: AzureClient = createAzureClient({
      services: createServices({ settings, credentials, now: Date.now }),
      random: () => 0,
    })
    const identities = createIdentities(createHub(client), systemClock)
    return {
      registry: createRegistry({ cosmos: account.cosmos, identities, now: Date.now }),
      takeAway: account.takeAway,
      async close() {
        client.close()
        await stack.close()
      },
    }
  })

  downlinkContract('IoT Hub and Storage queues', async () => {
    const stack = await openStack({ azurite, cosmos, hub })
    const { account, settings } = stack
    const received: Received[] = []
    const woken: string[] = []
    const downlink = createDownlink({
      deviceBound: {
        async send() {
          throw new Error('expected no message to a device')
        },
      },
      queues: createQueueSender({
        queues: createStorageQueues(account.client),
        cosmos: account.cosmos,
        objects: createObjectStore({
          blobs: account.blobs,
          endpoint: azurite.blobEndpoint,
          account: ACCOUNT,
          container: account.name,
          key: ACCOUNT_KEY,
          now: Date.now,
        }),
        prefix: settings.queuePrefix,
        now: Date.now,
        own: createOwnQueues(account.cosmos, Date.now),
      }),
      deliverCommands: async (deviceId) => {
        woken.push(deviceId)
      },
      writeShadow: createShadowOwner(createHub(account.client)),
    })
    /** What came meanwhile, as whoever empties the queue reads it. */
    const take = async (): Promise<void> => {
      for (const text of await stack.takeQueue('published')) {
        const { topic, payload, encoding } = JSON.parse(text)
        received.push({ topic, payload: Buffer.from(payload, encoding) })
      }
    }
    const taking: Downlink = {
      publish: (message, key) => downlink.publish(message, key).then(take),
      shadow: (message, key) => downlink.shadow(message, key).then(take),
      command: downlink.command,
    }
    return {
      downlink: taking,
      received: () => received,
      // Its owner tells devices of the shadow.
      shadowTopics: () => [],
      woken: () => woken,
      close: stack.close,
    }
  })
})
