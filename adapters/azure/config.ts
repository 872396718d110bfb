import { CoreError } from '../../core/index.ts'

/** What a function of ours finds in its environment; serverless.azure.yml sets it. */
export interface AzureSettings {
  readonly functionName: string
  /** Shape: `https://name.documents.azure.com`. */
  readonly cosmosEndpoint: string
  /** It has the containers of `COSMOS_CONTAINERS`. */
  readonly cosmosDatabase: string
  readonly storageAccount: string
  /** Shape: `https://name.blob.core.windows.net`. */
  readonly blobEndpoint: string
  /** Shape: `https://name.queue.core.windows.net`. */
  readonly queueEndpoint: string
  /** The container for cold rows, large payloads and firmware. */
  readonly blobContainer: string
  /** Storage queues, by their names. */
  readonly highQueue: string
  readonly normalQueue: string
  /** Queues that rules fill are called by it and their name. */
  readonly queuePrefix: string
  /** Shape: `name.azure-devices.net`. */
  readonly iotHubHost: string
  /** SHA-256 of the token that people show the API, in hex. */
  readonly adminTokenDigest: string
  /** Where IoT Hub is asked, if not at its host. Shape: `https://host:port`. */
  readonly iotHubEndpoint: string | undefined
  /** Shape: `https://name.communication.azure.com`. Without it there are no mails and text messages of Azure. */
  readonly communicationEndpoint: string | undefined
  /** The address that mails are sent from, and the number of text messages. */
  readonly mailFrom: string | undefined
  readonly smsFrom: string | undefined
  /** A policy of the hub that may send: Notification Hubs know no managed identity. Shape: a connection string. */
  readonly notificationHubConnection: string | undefined
  readonly notificationHub: string | undefined
  /** Where `get_secret` looks. Shape: `https://name.vault.azure.net`. */
  readonly vaultEndpoint: string | undefined
  /** Where metrics go; Functions sets it. Shape: a connection string. */
  readonly insightsConnection: string | undefined
  /** Whether metrics are sent under our identity, as they have to be where local authentication is switched off. */
  readonly insightsByIdentity: boolean
  /** Where metrics go instead, as OTLP. Shape: `http://host:port`. */
  readonly otlpEndpoint: string | undefined
  /** Shape: `name=value,name=value`. */
  readonly otlpHeaders: string | undefined
  /** Where App Service hands out tokens, and what it wants to be shown. */
  readonly identityEndpoint: string | undefined
  readonly identityHeader: string | undefined
  /** Which identity, where there are several; of a service principal its id. */
  readonly clientId: string | undefined
  /** A service principal, for processes outside of Azure. */
  readonly tenantId: string | undefined
  readonly clientSecret: string | undefined
  readonly federatedTokenFile: string | undefined
  readonly authorityHost: string
  /** Keys, as emulators have them; on Azure the identity is shown instead. */
  readonly cosmosKey: string | undefined
  readonly storageKey: string | undefined
  readonly communicationKey: string | undefined
  /** Shape: a connection string with a policy of the hub. */
  readonly iotHubConnection: string | undefined
}

/** A container of Cosmos, as serverless.azure.yml makes it. Each lets items expire that say so (`defaultTtl: -1`). */
interface ContainerShape {
  readonly partitionKey: string
  /** Only these paths are indexed: the rest of an item costs no index. */
  readonly indexed: readonly string[]
}

/** The containers that the stores need. */
export const COSMOS_CONTAINERS = {
  devices: { partitionKey: '/id', indexed: ['/deviceId/?', '/due/?'] },
  telemetry: { partitionKey: '/device', indexed: ['/device/?', '/from/?', '/to/?'] },
  items: { partitionKey: '/shelf', indexed: ['/shelf/?', '/key/?', '/due/?'] },
  notifications: { partitionKey: '/id', indexed: ['/due/?'] },
} as const satisfies Readonly<Record<string, ContainerShape>>

const VARIABLES = {
  cosmosEndpoint: 'ANYHUB_COSMOS_ENDPOINT',
  cosmosDatabase: 'ANYHUB_COSMOS_DATABASE',
  storageAccount: 'ANYHUB_STORAGE_ACCOUNT',
  blobEndpoint: 'ANYHUB_BLOB_ENDPOINT',
  queueEndpoint: 'ANYHUB_QUEUE_ENDPOINT',
  blobContainer: 'ANYHUB_BLOB_CONTAINER',
  highQueue: 'ANYHUB_HIGH_QUEUE',
  normalQueue: 'ANYHUB_NORMAL_QUEUE',
  queuePrefix: 'ANYHUB_QUEUE_PREFIX',
  iotHubHost: 'ANYHUB_IOTHUB_HOST',
  adminTokenDigest: 'ANYHUB_ADMIN_TOKEN_SHA256',
} as const

/**
 * Reads the settings.
 * @throws CoreError `config.invalid` that names every variable that is missing.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): AzureSettings {
  const missing: string[] = []
  const read = (name: keyof typeof VARIABLES): string => {
    const value = env[VARIABLES[name]]
    if (value === undefined || value === '') missing.push(VARIABLES[name])
    return value ?? ''
  }
  const settings: AzureSettings = {
    // Source: Azure App Service, environment variables: the name of the app.
    functionName: env['WEBSITE_SITE_NAME'] || 'function',
    cosmosEndpoint: read('cosmosEndpoint'),
    cosmosDatabase: read('cosmosDatabase'),
    storageAccount: read('storageAccount'),
    blobEndpoint: read('blobEndpoint'),
    queueEndpoint: read('queueEndpoint'),
    blobContainer: read('blobContainer'),
    highQueue: read('highQueue'),
    normalQueue: read('normalQueue'),
    queuePrefix: read('queuePrefix'),
    iotHubHost: read('iotHubHost'),
    adminTokenDigest: read('adminTokenDigest'),
    iotHubEndpoint: env['ANYHUB_IOTHUB_ENDPOINT'] || undefined,
    communicationEndpoint: env['ANYHUB_COMMUNICATION_ENDPOINT'] || undefined,
    mailFrom: env['ANYHUB_MAIL_FROM'] || undefined,
    smsFrom: env['ANYHUB_SMS_FROM'] || undefined,
    notificationHubConnection: env['ANYHUB_NOTIFICATION_HUB_CONNECTION'] || undefined,
    notificationHub: env['ANYHUB_NOTIFICATION_HUB'] || undefined,
    vaultEndpoint: env['ANYHUB_VAULT_ENDPOINT'] || undefined,
    insightsConnection: env['APPLICATIONINSIGHTS_CONNECTION_STRING'] || undefined,
    // Source: Application Insights, Microsoft Entra authentication: `Authorization=AAD`.
    insightsByIdentity: /\bAuthorization=AAD\b/i.test(
      env['APPLICATIONINSIGHTS_AUTHENTICATION_STRING'] ?? '',
    ),
    otlpEndpoint: env['OTEL_EXPORTER_OTLP_ENDPOINT'] || undefined,
    otlpHeaders: env['OTEL_EXPORTER_OTLP_HEADERS'] || undefined,
    // Source: App Service, "REST endpoint reference" of managed identities.
    identityEndpoint: env['IDENTITY_ENDPOINT'] || undefined,
    identityHeader: env['IDENTITY_HEADER'] || undefined,
    clientId: env['AZURE_CLIENT_ID'] || undefined,
    tenantId: env['AZURE_TENANT_ID'] || undefined,
    clientSecret: env['AZURE_CLIENT_SECRET'] || undefined,
    federatedTokenFile: env['AZURE_FEDERATED_TOKEN_FILE'] || undefined,
    authorityHost: env['AZURE_AUTHORITY_HOST'] || 'https://login.microsoftonline.com',
    cosmosKey: env['ANYHUB_COSMOS_KEY'] || undefined,
    storageKey: env['ANYHUB_STORAGE_KEY'] || undefined,
    communicationKey: env['ANYHUB_COMMUNICATION_KEY'] || undefined,
    iotHubConnection: env['ANYHUB_IOTHUB_CONNECTION'] || undefined,
  }
  if (missing.length > 0)
    throw new CoreError(
      'config.invalid',
      `expected these environment variables, found none of them: ${missing.join(', ')}`,
    )
  return settings
}

/** The members of a connection string, by their names as they are written; values may hold `=`. */
export function readConnection(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(';').flatMap((part) => {
      const at = part.indexOf('=')
      return at < 1 ? [] : [[part.slice(0, at).trim(), part.slice(at + 1).trim()] as const]
    }),
  )
}
