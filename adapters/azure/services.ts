import { CoreError } from '../../core/index.ts'
import type { Service, ServiceName } from './client.ts'
import { type AzureSettings, readConnection } from './config.ts'
import type { Credentials } from './credentials.ts'
import {
  bySignature,
  byToken,
  communicationByKey,
  cosmosByKey,
  cosmosByToken,
  storageByKey,
  storageByToken,
} from './signing.ts'

export interface ServicesOptions {
  readonly settings: AzureSettings
  readonly credentials: Credentials
  /** Epoch ms. */
  readonly now: () => number
}

/** The services that the settings name: under our identity, or by a key where one is given. */
export function createServices({
  settings,
  credentials,
  now,
}: ServicesOptions): Readonly<Partial<Record<ServiceName, Service>>> {
  const { cosmosEndpoint, cosmosKey, storageAccount, storageKey } = settings
  const storage =
    storageKey === undefined
      ? storageByToken(credentials, now)
      : storageByKey(storageAccount, storageKey, now)
  return {
    cosmos: {
      endpoint: cosmosEndpoint,
      authorize:
        cosmosKey === undefined
          ? cosmosByToken(credentials, new URL(cosmosEndpoint).origin, now)
          : cosmosByKey(cosmosKey, now),
    },
    blob: { endpoint: settings.blobEndpoint, authorize: storage },
    queue: { endpoint: settings.queueEndpoint, authorize: storage },
    iothub: iotHub(settings, credentials, now),
    ...communication(settings, credentials, now),
    ...notificationHub(settings, now),
    ...vault(settings, credentials),
    ...monitor(settings, credentials),
    ...otlp(settings),
  }
}

/** Source: IoT Hub, "Control access by using Microsoft Entra ID": the resource of every hub. */
function iotHub(
  { iotHubHost, iotHubEndpoint, iotHubConnection }: AzureSettings,
  credentials: Credentials,
  now: () => number,
): Service {
  const endpoint = iotHubEndpoint ?? `https://${iotHubHost}`
  if (iotHubConnection === undefined)
    return { endpoint, authorize: byToken(credentials, 'https://iothubs.azure.net') }
  const { name, key } = policyOf(iotHubConnection, 'ANYHUB_IOTHUB_CONNECTION')
  const policy = { name, key: Buffer.from(key, 'base64') }
  return { endpoint, authorize: bySignature(iotHubHost, policy, now) }
}

function communication(
  { communicationEndpoint: endpoint, communicationKey: key }: AzureSettings,
  credentials: Credentials,
  now: () => number,
): { readonly communication?: Service } {
  if (endpoint === undefined) return {}
  const authorize =
    key === undefined
      ? byToken(credentials, 'https://communication.azure.com')
      : communicationByKey(key, now)
  return { communication: { endpoint, authorize } }
}

function notificationHub(
  { notificationHubConnection: connection, notificationHub: hub }: AzureSettings,
  now: () => number,
): { readonly notificationhubs?: Service } {
  if (connection === undefined || hub === undefined) return {}
  const { name, key, endpoint } = policyOf(connection, 'ANYHUB_NOTIFICATION_HUB_CONNECTION')
  // Connection strings name the protocol of Service Bus.
  const address = `${endpoint.replace(/^sb:/, 'https:').replace(/\/$/, '')}/${hub}`
  const policy = { name, key: Buffer.from(key, 'utf8') }
  return {
    notificationhubs: {
      endpoint: address,
      authorize: bySignature(address.toLowerCase(), policy, now),
    },
  }
}

function vault(
  { vaultEndpoint: endpoint }: AzureSettings,
  credentials: Credentials,
): { readonly keyvault?: Service } {
  if (endpoint === undefined) return {}
  return { keyvault: { endpoint, authorize: byToken(credentials, 'https://vault.azure.net') } }
}

/** Source: Application Insights, connection strings and Microsoft Entra authentication. */
function monitor(
  { insightsConnection, insightsByIdentity }: AzureSettings,
  credentials: Credentials,
): { readonly monitor?: Service } {
  if (insightsConnection === undefined) return {}
  const endpoint =
    readConnection(insightsConnection).get('IngestionEndpoint') ??
    'https://dc.services.visualstudio.com'
  const authorize = insightsByIdentity
    ? byToken(credentials, 'https://monitor.azure.com')
    : async () => ({})
  return { monitor: { endpoint, authorize } }
}

/** Source: OpenTelemetry, OTLP exporter configuration: headers are written as in W3C baggage. */
function otlp({ otlpEndpoint: endpoint, otlpHeaders = '' }: AzureSettings): {
  readonly otlp?: Service
} {
  if (endpoint === undefined) return {}
  const headers = Object.fromEntries(
    otlpHeaders.split(',').flatMap((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) return []
      return [[pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim())]]
    }),
  )
  return { otlp: { endpoint, authorize: async () => headers } }
}

/** @throws CoreError `config.invalid` if the connection string has no policy. */
function policyOf(connection: string, variable: string) {
  const members = readConnection(connection)
  const name = members.get('SharedAccessKeyName')
  const key = members.get('SharedAccessKey')
  if (name === undefined || key === undefined)
    throw new CoreError(
      'config.invalid',
      `${variable}: expected SharedAccessKeyName and SharedAccessKey, found a text without them`,
    )
  return { name, key, endpoint: members.get('Endpoint') ?? '' }
}
