import { createHash } from 'node:crypto'
import { type AzureSettings, readConfig } from '../../../adapters/azure/config.ts'
import { ACCOUNT, ACCOUNT_KEY, type Azurite } from './azurite.ts'
import type { CosmosServer } from './cosmos-server.ts'
import type { EmbeddedHub } from './embedded-hub.ts'
import { type Account, openAccount } from './fresh-account.ts'

export const ADMIN_TOKEN = 'a-token-for-tests-only-0123456789'

/** All that serverless.azure.yml makes for the functions, made on emulators. */
export interface Stack {
  readonly account: Account
  /** What the environment of a function says. */
  readonly env: Readonly<Record<string, string>>
  readonly settings: AzureSettings
  /** Takes what waits for notify, the high queue first, as texts. */
  takeNotifications(): Promise<readonly string[]>
  /** Takes what a queue that rules fill holds, as texts. */
  takeQueue(name: string): Promise<readonly string[]>
  close(): Promise<void>
}

export interface StackOptions {
  readonly cosmos: CosmosServer
  readonly azurite: Azurite
  /** Without one nobody is behind the address of the hub. */
  readonly hub?: Pick<EmbeddedHub, 'settings'>
  /** Where functions ask Cosmos, if something stands between. */
  readonly cosmosEndpoint?: string
  /** Takes metrics as OTLP. */
  readonly otlpEndpoint?: string
}

export async function openStack(options: StackOptions): Promise<Stack> {
  const { cosmos, azurite, hub } = options
  const account = await openAccount({ cosmos, azurite })
  const { name } = account
  const [high, normal, prefix] = [`${name}-high`, `${name}-normal`, `${name}-q-`]
  for (const queue of [high, normal, `${prefix}published`]) await account.createQueue(queue)
  const hubSettings = hub?.settings ?? {
    iotHubHost: 'hub.invalid',
    iotHubEndpoint: undefined,
    iotHubConnection: undefined,
  }
  const env: Record<string, string> = {
    ANYHUB_COSMOS_ENDPOINT: options.cosmosEndpoint ?? cosmos.endpoint,
    ANYHUB_COSMOS_DATABASE: name,
    ANYHUB_COSMOS_KEY: cosmos.key,
    ANYHUB_STORAGE_ACCOUNT: ACCOUNT,
    ANYHUB_STORAGE_KEY: ACCOUNT_KEY,
    ANYHUB_BLOB_ENDPOINT: azurite.blobEndpoint,
    ANYHUB_BLOB_CONTAINER: name,
    ANYHUB_QUEUE_ENDPOINT: azurite.queueEndpoint,
    ANYHUB_HIGH_QUEUE: high,
    ANYHUB_NORMAL_QUEUE: normal,
    ANYHUB_QUEUE_PREFIX: prefix,
    ANYHUB_ADMIN_TOKEN_SHA256: createHash('sha256').update(ADMIN_TOKEN).digest('hex'),
    ANYHUB_IOTHUB_HOST: hubSettings.iotHubHost,
    ANYHUB_IOTHUB_ENDPOINT: hubSettings.iotHubEndpoint ?? '',
    ANYHUB_IOTHUB_CONNECTION: hubSettings.iotHubConnection ?? '',
    OTEL_EXPORTER_OTLP_ENDPOINT: options.otlpEndpoint ?? '',
  }
  return {
    account,
    env,
    settings: readConfig(env),
    takeNotifications: async () => [
      ...(await account.peekAll(high)),
      ...(await account.peekAll(normal)),
    ],
    takeQueue: (queue) => account.peekAll(`${prefix}${queue}`),
    close: account.close,
  }
}
