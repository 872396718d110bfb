import { createGcpClient, type GcpClient, type Service } from '../../../adapters/gcp/client.ts'
import { createFirestore, type Firestore } from '../../../adapters/gcp/firestore.ts'
import { createPubSub, type PubSub } from '../../../adapters/gcp/pubsub.ts'
import type { Emulator } from './emulators.ts'

// A project of a test of its own: emulators keep each one apart.

let counter = 0

/** A name that no other test of this process has. */
export function freshProject(): string {
  counter++
  return `t-${process.pid}-${counter}`
}

export interface Project {
  readonly project: string
  readonly client: GcpClient
  readonly firestore: Firestore
  readonly pubsub: PubSub
  /** Makes a topic, and a subscription of the same name that is pulled. */
  createTopic(name: string): Promise<void>
  /** Takes what the subscription of a topic has, oldest first. */
  pull(name: string): Promise<readonly Pulled[]>
  /** Calls fail from now on, as if the network were cut. */
  takeAway(): Promise<void>
  close(): Promise<void>
}

export interface Pulled {
  readonly data: Buffer
  readonly attributes: Readonly<Record<string, string>>
}

export interface ProjectOptions {
  readonly firestore?: Emulator
  readonly pubsub?: Emulator
  /** Where everything else is. */
  readonly endpoint?: string
  readonly project?: string
}

/** Clients of emulators whose way there can be cut. */
export function openProject(options: ProjectOptions): Project {
  const project = options.project ?? freshProject()
  let away = false
  const endpoints: Partial<Record<Service, string>> = {
    ...(options.firestore === undefined ? {} : { firestore: `http://${options.firestore.host}` }),
    ...(options.pubsub === undefined ? {} : { pubsub: `http://${options.pubsub.host}` }),
    ...(options.endpoint === undefined
      ? {}
      : { bigquery: options.endpoint, storage: options.endpoint, secretmanager: options.endpoint }),
  }
  const token = async () => 'owner'
  const reach = createGcpClient({ endpoints, token, random: () => 0 })
  const cut: Partial<Record<Service, string>> = Object.fromEntries(
    Object.keys(endpoints).map((service) => [service, 'http://127.0.0.1:1']),
  )
  const unreachable = createGcpClient({ endpoints: cut, token, random: () => 0 })
  const client: GcpClient = {
    send: (request) => (away ? unreachable : reach).send(request),
    close: () => reach.close(),
  }
  const firestore = createFirestore({
    client,
    project,
    database: '(default)',
    random: Math.random,
  })

  async function put(path: string, body: object): Promise<void> {
    const response = await reach.send({
      service: 'pubsub',
      method: 'PUT',
      path: `/v1/projects/${project}/${path}`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (response.status !== 200 && response.status !== 409)
      throw new Error(`${path}: ${response.status} ${response.body.toString('utf8')}`)
  }

  return {
    project,
    client,
    firestore,
    pubsub: createPubSub(client, project),
    async createTopic(name) {
      await put(`topics/${name}`, {})
      await put(`subscriptions/${name}`, {
        topic: `projects/${project}/topics/${name}`,
        enableMessageOrdering: true,
      })
    },
    async pull(name) {
      const found: Pulled[] = []
      for (;;) {
        const response = await reach.send({
          service: 'pubsub',
          method: 'POST',
          path: `/v1/projects/${project}/subscriptions/${name}:pull`,
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ maxMessages: 1_000, returnImmediately: true }),
        })
        if (response.status === 404) return found
        if (response.status !== 200) throw new Error(response.body.toString('utf8'))
        const received = receivedOf(response.body.toString('utf8'))
        if (received.length === 0) return found
        for (const { message } of received)
          found.push({
            data: Buffer.from(message.data ?? '', 'base64'),
            attributes: message.attributes ?? {},
          })
        await reach.send({
          service: 'pubsub',
          method: 'POST',
          path: `/v1/projects/${project}/subscriptions/${name}:acknowledge`,
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ ackIds: received.map(({ ackId }) => ackId) }),
        })
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

interface Received {
  readonly ackId: string
  readonly message: { readonly data?: string; readonly attributes?: Record<string, string> }
}

function receivedOf(text: string): readonly Received[] {
  const { receivedMessages = [] }: { receivedMessages?: readonly Received[] } = JSON.parse(text)
  return receivedMessages
}
