import { createHash } from 'node:crypto'
import { type Message, PubSub, type Subscription } from '@google-cloud/pubsub'
import { type GcpSettings, readConfig } from '../../../adapters/gcp/config.ts'
import type { Emulator } from './emulators.ts'
import { freshProject } from './fresh-project.ts'

export const ADMIN_TOKEN = 'a-token-for-tests-only-0123456789'

/** All that serverless.gcp.yml makes for the functions, made on the emulators by the vendor's client. */
export interface Stack {
  readonly project: string
  /** What the environment of a function says. */
  readonly env: Readonly<Record<string, string>>
  readonly settings: GcpSettings
  /** The vendor's client. */
  readonly client: PubSub
  /** Messages of a topic from here on. */
  listen(topic: string): Promise<Listener>
  close(): Promise<void>
}

export interface Listener {
  readonly messages: readonly Message[]
  close(): Promise<void>
}

const TOPICS = ['telemetry', 'commands', 'high', 'normal', 'cold', 'queue-own', 'dead']

export interface StackOptions {
  readonly firestore: Emulator
  readonly pubsub: Emulator
  readonly env?: Readonly<Record<string, string>>
}

export async function openStack({ firestore, pubsub, env = {} }: StackOptions): Promise<Stack> {
  const project = freshProject()
  const given = {
    GOOGLE_CLOUD_PROJECT: project,
    FIRESTORE_EMULATOR_HOST: firestore.host,
    PUBSUB_EMULATOR_HOST: pubsub.host,
    METADATA_SERVER_DETECTION: 'none',
    ANYHUB_DATABASE: '(default)',
    ANYHUB_TELEMETRY_TOPIC: 'telemetry',
    ANYHUB_COMMANDS_TOPIC: 'commands',
    ANYHUB_HIGH_TOPIC: 'high',
    ANYHUB_NORMAL_TOPIC: 'normal',
    ANYHUB_COLD_TOPIC: 'cold',
    ANYHUB_QUEUE_PREFIX: 'queue-',
    ANYHUB_COLD_TABLE: 'anyhub.cold',
    ANYHUB_BUCKET: 'bucket',
    ANYHUB_ADMIN_TOKEN_SHA256: createHash('sha256').update(ADMIN_TOKEN).digest('hex'),
    ...env,
  }
  process.env['METADATA_SERVER_DETECTION'] = 'none'
  const client = new PubSub({ projectId: project, apiEndpoint: pubsub.host, emulatorMode: true })
  await Promise.all(TOPICS.map((topic) => client.createTopic(topic)))
  const listeners: Subscription[] = []
  return {
    project,
    env: given,
    settings: readConfig(given),
    client,
    async listen(topic) {
      const name = `${topic}-listener-${listeners.length}`
      const [subscription] = await client.topic(topic).createSubscription(name)
      listeners.push(subscription)
      const messages: Message[] = []
      subscription.on('message', (message) => {
        messages.push(message)
        message.ack()
      })
      // A stream that ends with the emulator is no failure of the test.
      subscription.on('error', () => undefined)
      return { messages, close: () => subscription.close() }
    },
    async close() {
      await Promise.all(listeners.map((one) => one.close()))
      await client.close()
    },
  }
}
