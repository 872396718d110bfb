import { type Blobs, createBlobs } from '../../../adapters/azure/blob.ts'
import {
  type AzureClient,
  type AzureRequest,
  type AzureResponse,
  createAzureClient,
  type Service,
  type ServiceName,
} from '../../../adapters/azure/client.ts'
import { type Cosmos, createCosmos } from '../../../adapters/azure/cosmos.ts'
import { cosmosByKey, storageByKey } from '../../../adapters/azure/signing.ts'
import { ACCOUNT, ACCOUNT_KEY, type Azurite } from './azurite.ts'
import type { CosmosServer } from './cosmos-server.ts'

// What a test has for itself: a database of Cosmos, a container for blobs, names for queues.

let counter = 0

/** A name that no other test of this process has. */
export function freshName(): string {
  counter++
  return `t-${process.pid}-${counter}`
}

export interface Account {
  readonly name: string
  readonly client: AzureClient
  readonly cosmos: Cosmos
  readonly blobs: Blobs
  createQueue(name: string): Promise<void>
  /** Texts of the messages of a queue, oldest first; they stay there, hidden. */
  peekAll(name: string): Promise<readonly string[]>
  /** What was answered so far. */
  readonly answered: readonly (readonly [AzureRequest, AzureResponse])[]
  /** Calls fail from now on, as if the network were cut. */
  takeAway(): Promise<void>
  close(): Promise<void>
}

export interface AccountOptions {
  readonly cosmos?: CosmosServer
  readonly azurite?: Azurite
}

/** Clients of emulators whose way there can be cut. */
export async function openAccount({ cosmos, azurite }: AccountOptions): Promise<Account> {
  const name = freshName()
  const answered: [AzureRequest, AzureResponse][] = []
  let away = false
  const storage = storageByKey(ACCOUNT, ACCOUNT_KEY, Date.now)
  const services: Partial<Record<ServiceName, Service>> = {
    ...(cosmos === undefined
      ? {}
      : { cosmos: { endpoint: cosmos.endpoint, authorize: cosmosByKey(cosmos.key, Date.now) } }),
    ...(azurite === undefined
      ? {}
      : {
          blob: { endpoint: azurite.blobEndpoint, authorize: storage },
          queue: { endpoint: azurite.queueEndpoint, authorize: storage },
        }),
  }
  const cut = Object.fromEntries(
    Object.entries(services).map(([service, { authorize }]) => [
      service,
      { endpoint: 'http://127.0.0.1:1', authorize },
    ]),
  )
  const random = () => 0
  const reach = createAzureClient({
    services,
    random,
    onResponse: (request, response) => void answered.push([request, response]),
  })
  const unreachable = createAzureClient({ services: cut, random })
  const client: AzureClient = {
    send: (request) => (away ? unreachable : reach).send(request),
    close: () => reach.close(),
  }

  async function make(request: AzureRequest): Promise<void> {
    const response = await reach.send({ ...request, headers: { 'x-ms-version': '2024-11-04' } })
    if (response.status !== 201)
      throw new Error(`${request.path}: ${response.status} ${response.body.toString('utf8')}`)
  }

  if (cosmos !== undefined) await cosmos.createDatabase(name)
  if (azurite !== undefined)
    await make({ service: 'blob', method: 'PUT', path: `/${name}?restype=container` })
  return {
    name,
    client,
    cosmos: createCosmos({ client, database: name }),
    blobs: createBlobs(client, name),
    answered,
    createQueue: (queue) => make({ service: 'queue', method: 'PUT', path: `/${queue}` }),
    async peekAll(queue) {
      const found: string[] = []
      for (;;) {
        const response = await reach.send({
          service: 'queue',
          method: 'GET',
          path: `/${queue}/messages?numofmessages=32&visibilitytimeout=300`,
          headers: { 'x-ms-version': '2024-11-04' },
        })
        if (response.status === 404) return found
        const texts = [
          ...response.body.toString('utf8').matchAll(/<MessageText>([^<]*)<\/MessageText>/g),
        ].map(([, text = '']) => Buffer.from(text, 'base64').toString('utf8'))
        if (texts.length === 0) return found
        found.push(...texts)
      }
    },
    async takeAway() {
      away = true
    },
    async close() {
      reach.close()
      unreachable.close()
    },
  }
}
