import type {
  CommunicationServiceResource,
  DomainResource,
  EmailServiceResource,
} from '@azure/arm-communication'
import type {
  DatabaseAccountCreateUpdateProperties,
  SqlContainerCreateUpdateProperties,
  SqlDatabaseCreateUpdateProperties,
} from '@azure/arm-cosmosdb'
import type {
  IotDpsPropertiesDescription,
  IotDpsSkuInfo,
} from '@azure/arm-deviceprovisioningservices'
import type {
  EventHubConsumerGroupBodyDescription,
  IotHubProperties,
  IotHubSkuInfo,
} from '@azure/arm-iothub'
import type {
  Sku as PushSku,
  SharedAccessAuthorizationRuleCreateOrUpdateParameters,
} from '@azure/arm-notificationhubs'
import type { StorageAccountCreateParameters } from '@azure/arm-storage'
import { z } from 'zod'
import { COSMOS_CONTAINERS } from '../../adapters/azure/config.ts'
import { type Parameters, readParameters } from './parameters.ts'
import type { ArmResource, Grant } from './plugin/config.ts'
import { createNames, type Names } from './plugin/names.ts'
import { closedStorage } from './plugin/template.ts'

/** Versions of the interfaces that the types above are of, or that have all that is set here. */
const API = {
  cosmos: '2024-11-15',
  dps: '2022-12-12',
  hub: '2023-06-30',
  identity: '2024-11-30',
  communication: '2023-04-01',
  push: '2023-09-01',
  storage: '2025-01-01',
  vault: '2023-07-01',
} as const

export const DATABASE = 'anyhub'
const FILES = 'files'
const HIGH = 'notify-high'
const NORMAL = 'notify-normal'
const QUEUE_PREFIX = 'rule-'
/** What rules publish on topics of no device. Source: adapters/azure/downlink.ts. */
const PUBLISHED = `${QUEUE_PREFIX}published`
/** Nobody else reads by it: the checkpoints are ours. */
const CONSUMER_GROUP = 'anyhub'
const MAIL_DOMAIN = 'AzureManagedDomain'

export interface StackOptions {
  readonly service: string
  readonly stage: string
  readonly parameters: unknown
  /** anyhub.yml as it was read, and its text. */
  readonly config: unknown
  readonly configText: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** What serverless.azure.yml is made of. */
export interface Stack {
  readonly environment: Readonly<Record<string, string>>
  readonly secrets: Readonly<Record<string, string>>
  readonly grants: readonly Grant[]
  readonly resources: {
    readonly resources: readonly ArmResource[]
    readonly outputs: Readonly<Record<string, { readonly type: string; readonly value: string }>>
    readonly retain: readonly string[]
  }
}

/**
 * Resources, settings and grants, by the parameters and by what anyhub.yml names.
 * @throws Error naming every wrong parameter, every missing variable, or a queue that Azure cannot have.
 */
export function createStack(options: StackOptions): Stack {
  const { service, stage, config, configText, env } = options
  const parameters = readParameters(options.parameters)
  const { subscriptionId, region, data } = parameters
  const names = createNames({ service, stage, subscriptionId, region })
  const stand = standOf(names)
  const queues = queuesOf(config)
  const secrets = { ...secretsOf(configText, env), ...connectionsOf(stand, parameters) }
  return {
    environment: environmentOf(stand, parameters),
    secrets,
    grants: grantsOf(stand, parameters),
    resources: {
      resources: [
        ...hubOf(names, stand, parameters),
        ...cosmosOf(names, stand),
        ...storageOf(names, stand, queues),
        ...(parameters.dps ? [dpsOf(names, stand)] : []),
        ...(parameters.mail || parameters.smsFrom !== '' ? communicationOf(stand, parameters) : []),
        ...(parameters.push ? pushOf(names, stand) : []),
      ],
      outputs: {
        iotHub: { type: 'string', value: `[reference('${stand.hub.id}', '${API.hub}').hostName]` },
        ...(parameters.dps
          ? {
              idScope: {
                type: 'string',
                value: `[reference('${stand.dps.id}', '${API.dps}').idScope]`,
              },
            }
          : {}),
      },
      retain: data === 'retain' ? [stand.cosmos.id, stand.storage.id, stand.hub.id] : [],
    },
  }
}

interface Place {
  readonly name: string
  readonly id: string
}

interface Stand {
  readonly hub: Place
  readonly dps: Place
  readonly cosmos: Place
  readonly storage: Place
  readonly communication: Place
  readonly mail: Place
  readonly domain: Place
  readonly push: Place
  readonly pushHub: Place
  readonly identity: Place
  readonly vault: Place
}

function standOf(names: Names): Stand {
  const place = (type: string, name: string): Place => ({ name, id: names.idOf(type, name) })
  const mail = names.global('mail', 63)
  const push = names.global('push', 50)
  return {
    hub: place('Microsoft.Devices/IotHubs', names.global('hub', 50)),
    dps: place('Microsoft.Devices/provisioningServices', names.global('dps', 64)),
    cosmos: place('Microsoft.DocumentDB/databaseAccounts', names.global('db', 44)),
    storage: place('Microsoft.Storage/storageAccounts', names.storage('data')),
    communication: place('Microsoft.Communication/communicationServices', names.global('acs', 63)),
    mail: place('Microsoft.Communication/emailServices', mail),
    domain: place('Microsoft.Communication/emailServices/domains', `${mail}/${MAIL_DOMAIN}`),
    push: place('Microsoft.NotificationHubs/namespaces', push),
    pushHub: place('Microsoft.NotificationHubs/namespaces/notificationHubs', `${push}/devices`),
    identity: place('Microsoft.ManagedIdentity/userAssignedIdentities', names.identity),
    vault: place('Microsoft.KeyVault/vaults', names.vault),
  }
}

/** What adapters/azure/config.ts reads, and what the triggers of the yml connect by. */
function environmentOf(stand: Stand, parameters: Parameters): Stack['environment'] {
  const storage = (kind: 'blob' | 'queue') =>
    `[reference('${stand.storage.id}', '${API.storage}').primaryEndpoints.${kind}]`
  const communicates = parameters.mail || parameters.smsFrom !== ''
  return {
    ANYHUB_COSMOS_ENDPOINT: `[reference('${stand.cosmos.id}', '${API.cosmos}').documentEndpoint]`,
    ANYHUB_COSMOS_DATABASE: DATABASE,
    ANYHUB_STORAGE_ACCOUNT: stand.storage.name,
    ANYHUB_BLOB_ENDPOINT: storage('blob'),
    ANYHUB_BLOB_CONTAINER: FILES,
    ANYHUB_QUEUE_ENDPOINT: storage('queue'),
    ANYHUB_HIGH_QUEUE: HIGH,
    ANYHUB_NORMAL_QUEUE: NORMAL,
    ANYHUB_QUEUE_PREFIX: QUEUE_PREFIX,
    ANYHUB_IOTHUB_HOST: `[reference('${stand.hub.id}', '${API.hub}').hostName]`,
    ANYHUB_ADMIN_TOKEN_SHA256: parameters.adminTokenSha256,
    ANYHUB_VAULT_ENDPOINT: `[reference('${stand.vault.id}', '${API.vault}').vaultUri]`,
    ...(communicates
      ? {
          ANYHUB_COMMUNICATION_ENDPOINT: `[concat('https://', reference('${stand.communication.id}', '${API.communication}').hostName)]`,
        }
      : {}),
    ...(parameters.mail
      ? {
          ANYHUB_MAIL_FROM: `[concat('DoNotReply@', reference('${stand.domain.id}', '${API.communication}').mailFromSenderDomain)]`,
        }
      : {}),
    ...(parameters.smsFrom === '' ? {} : { ANYHUB_SMS_FROM: parameters.smsFrom }),
    ...(parameters.push ? { ANYHUB_NOTIFICATION_HUB: 'devices' } : {}),
    // Of the triggers. Source: Azure Functions, "Identity-based connections".
    ANYHUB_EVENT_HUB: `[reference('${stand.hub.id}', '${API.hub}').eventHubEndpoints.events.path]`,
    ANYHUB_QUEUES__queueServiceUri: storage('queue'),
    ANYHUB_QUEUES__credential: 'managedidentity',
    ANYHUB_QUEUES__clientId: `[reference('${stand.identity.id}', '${API.identity}').clientId]`,
    // `/` is a path of the API like all others.
    AzureWebJobsDisableHomepage: 'true',
  }
}

/** Services that know no identity: their connections lie in the vault, and Azure fills them in. */
function connectionsOf(stand: Stand, { push }: Parameters): Readonly<Record<string, string>> {
  const events = `reference('${stand.hub.id}', '${API.hub}').eventHubEndpoints.events`
  const key = `listKeys('${stand.hub.id}/IotHubKeys/service', '${API.hub}').primaryKey`
  return {
    // The endpoint of IoT Hub for events takes only keys. Source: IoT Hub, "Control access by using Microsoft Entra ID".
    ANYHUB_EVENTS: `[concat('Endpoint=', ${events}.endpoint, ';SharedAccessKeyName=service;SharedAccessKey=', ${key}, ';EntityPath=', ${events}.path)]`,
    ...(push
      ? {
          ANYHUB_NOTIFICATION_HUB_CONNECTION: `[listKeys('${stand.pushHub.id}/AuthorizationRules/send', '${API.push}').primaryConnectionString]`,
        }
      : {}),
  }
}

/** Each call of the adapters, and the smallest role of Azure that allows it. */
function grantsOf(stand: Stand, parameters: Parameters): readonly Grant[] {
  const { storage, hub, cosmos, communication } = stand
  return [
    { cosmos: 'contributor', account: cosmos.id, database: DATABASE },
    // Registry, twins, messages, methods and feedback together; no smaller role has messages and methods.
    { role: 'IoT Hub Data Contributor', scope: hub.id },
    {
      role: 'Storage Blob Data Contributor',
      scope: `${storage.id}/blobServices/default/containers/${FILES}`,
    },
    // Signs addresses for devices; the key for it is of the account.
    { role: 'Storage Blob Delegator', scope: storage.id },
    // What the trigger of Functions needs, and sending.
    { role: 'Storage Queue Data Reader', scope: storage.id },
    { role: 'Storage Queue Data Message Processor', scope: storage.id },
    { role: 'Storage Queue Data Message Sender', scope: storage.id },
    ...(parameters.mail || parameters.smsFrom !== ''
      ? [{ role: 'Communication and Email Service Owner', scope: communication.id }]
      : []),
  ]
}

function hubOf(names: Names, { hub }: Stand, parameters: Parameters): readonly ArmResource[] {
  const free = parameters.hub === 'F1'
  const route = (name: string, source: string) => ({
    name,
    source,
    condition: 'true',
    endpointNames: ['events'],
    isEnabled: true,
  })
  const sku: IotHubSkuInfo = { name: parameters.hub, capacity: parameters.hubUnits }
  return [
    {
      type: 'Microsoft.Devices/IotHubs',
      apiVersion: API.hub,
      name: hub.name,
      location: names.region,
      sku,
      properties: {
        minTlsVersion: '1.2',
        eventHubEndpoints: {
          events: { retentionTimeInDays: 1, partitionCount: free ? 2 : 4 },
        },
        routing: {
          routes: [
            route('telemetry', 'DeviceMessages'),
            route('twin-changes', 'TwinChangeEvents'),
            route('lifecycle', 'DeviceLifecycleEvents'),
            route('connection-state', 'DeviceConnectionStateEvents'),
          ],
          // Nothing is left for it: every message takes the first route.
          fallbackRoute: {
            name: '$fallback',
            source: 'DeviceMessages',
            condition: 'true',
            endpointNames: ['events'],
            isEnabled: false,
          },
        },
        cloudToDevice: {
          maxDeliveryCount: 10,
          defaultTtlAsIso8601: 'PT48H',
          feedback: { lockDurationAsIso8601: 'PT1M', ttlAsIso8601: 'PT48H', maxDeliveryCount: 10 },
        },
      } satisfies IotHubProperties,
    },
    {
      type: 'Microsoft.Devices/IotHubs/eventHubEndpoints/ConsumerGroups',
      apiVersion: API.hub,
      name: `${hub.name}/events/${CONSUMER_GROUP}`,
      ...({ properties: { name: CONSUMER_GROUP } } satisfies EventHubConsumerGroupBodyDescription),
      dependsOn: [hub.id],
    },
  ]
}

function cosmosOf(names: Names, { cosmos }: Stand): readonly ArmResource[] {
  const child = (type: string, name: string, properties: Record<string, unknown>): ArmResource => ({
    type: `Microsoft.DocumentDB/databaseAccounts/${type}`,
    apiVersion: API.cosmos,
    name: `${cosmos.name}/${name}`,
    properties,
  })
  return [
    {
      type: 'Microsoft.DocumentDB/databaseAccounts',
      apiVersion: API.cosmos,
      name: cosmos.name,
      location: names.region,
      kind: 'GlobalDocumentDB',
      properties: {
        databaseAccountOfferType: 'Standard',
        capabilities: [{ name: 'EnableServerless' }],
        locations: [{ locationName: names.region, failoverPriority: 0 }],
        consistencyPolicy: { defaultConsistencyLevel: 'Session' },
        minimalTlsVersion: 'Tls12',
        // Only who has a role gets in; its keys open nothing.
        disableLocalAuth: true,
        disableKeyBasedMetadataWriteAccess: true,
        backupPolicy: { type: 'Continuous', continuousModeProperties: { tier: 'Continuous7Days' } },
      } satisfies DatabaseAccountCreateUpdateProperties,
    },
    child('sqlDatabases', DATABASE, {
      resource: { id: DATABASE },
    } satisfies SqlDatabaseCreateUpdateProperties),
    ...Object.entries(COSMOS_CONTAINERS).map(([id, { partitionKey, indexed }]) =>
      child('sqlDatabases/containers', `${DATABASE}/${id}`, {
        resource: {
          id,
          partitionKey: { paths: [partitionKey], kind: 'Hash', version: 2 },
          // Items say themselves whether and when they expire.
          defaultTtl: -1,
          indexingPolicy: {
            indexingMode: 'consistent',
            automatic: true,
            includedPaths: indexed.map((path) => ({ path })),
            excludedPaths: [{ path: '/*' }, { path: '/"_etag"/?' }],
          },
        },
      } satisfies SqlContainerCreateUpdateProperties),
    ),
  ]
}

function storageOf(
  names: Names,
  { storage }: Stand,
  queues: readonly string[],
): readonly ArmResource[] {
  const child = (type: string, name: string): ArmResource => ({
    type: `Microsoft.Storage/storageAccounts/${type}`,
    apiVersion: API.storage,
    name: `${storage.name}/default/${name}`,
    properties: {},
  })
  return [
    {
      type: 'Microsoft.Storage/storageAccounts',
      apiVersion: API.storage,
      name: storage.name,
      location: names.region,
      ...({ kind: 'StorageV2', sku: { name: 'Standard_LRS' } } satisfies Pick<
        StorageAccountCreateParameters,
        'kind' | 'sku'
      >),
      properties: closedStorage(),
    },
    child('blobServices/containers', FILES),
    // Functions moves there what was refused too often. Source: Azure Functions, queue trigger, poison messages.
    ...[...new Set([HIGH, `${HIGH}-poison`, NORMAL, `${NORMAL}-poison`, PUBLISHED, ...queues])].map(
      (name) => child('queueServices/queues', name),
    ),
  ]
}

/** Devices find their hub through it. */
function dpsOf(names: Names, { dps, hub }: Stand): ArmResource {
  const key = `listKeys('${hub.id}/IotHubKeys/iothubowner', '${API.hub}').primaryKey`
  const sku: IotDpsSkuInfo = { name: 'S1', capacity: 1 }
  return {
    type: 'Microsoft.Devices/provisioningServices',
    apiVersion: API.dps,
    name: dps.name,
    location: names.region,
    sku,
    properties: {
      allocationPolicy: 'Hashed',
      iotHubs: [
        {
          location: names.region,
          connectionString: `[concat('HostName=', reference('${hub.id}', '${API.hub}').hostName, ';SharedAccessKeyName=iothubowner;SharedAccessKey=', ${key})]`,
        },
      ],
    } satisfies IotDpsPropertiesDescription,
    dependsOn: [hub.id],
  }
}

function communicationOf(
  { communication, mail, domain }: Stand,
  { mail: sends, dataLocation }: Parameters,
): readonly ArmResource[] {
  const mails: readonly ArmResource[] = [
    {
      type: 'Microsoft.Communication/emailServices',
      apiVersion: API.communication,
      name: mail.name,
      location: 'global',
      properties: { dataLocation } satisfies Pick<EmailServiceResource, 'dataLocation'>,
    },
    {
      type: 'Microsoft.Communication/emailServices/domains',
      apiVersion: API.communication,
      name: domain.name,
      location: 'global',
      properties: { domainManagement: 'AzureManaged' } satisfies Pick<
        DomainResource,
        'domainManagement'
      >,
    },
  ]
  return [
    ...(sends ? mails : []),
    {
      type: 'Microsoft.Communication/communicationServices',
      apiVersion: API.communication,
      name: communication.name,
      location: 'global',
      properties: {
        dataLocation,
        ...(sends ? { linkedDomains: [domain.id] } : {}),
      } satisfies Pick<CommunicationServiceResource, 'dataLocation' | 'linkedDomains'>,
      dependsOn: sends ? [domain.id] : [],
    },
  ]
}

function pushOf(names: Names, { push, pushHub }: Stand): readonly ArmResource[] {
  const sku: PushSku = { name: 'Free' }
  return [
    {
      type: 'Microsoft.NotificationHubs/namespaces',
      apiVersion: API.push,
      name: push.name,
      location: names.region,
      sku,
      properties: {},
    },
    {
      type: 'Microsoft.NotificationHubs/namespaces/notificationHubs',
      apiVersion: API.push,
      name: pushHub.name,
      location: names.region,
      properties: {},
    },
    {
      type: 'Microsoft.NotificationHubs/namespaces/notificationHubs/authorizationRules',
      apiVersion: API.push,
      name: `${pushHub.name}/send`,
      ...({ properties: { rights: ['Send'] } } satisfies Pick<
        SharedAccessAuthorizationRuleCreateOrUpdateParameters,
        'properties'
      >),
    },
  ]
}

const Actions = z
  .record(
    z.string(),
    z.looseObject({
      actions: z.array(z.unknown()).optional(),
      errorAction: z.unknown().optional(),
    }),
  )
  .nullish()
const Acting = z.looseObject({
  rules: Actions,
  routes: Actions,
  channels: z.record(z.string(), z.unknown()).nullish(),
})
const QueueAction = z.looseObject({ queue: z.looseObject({ name: z.string() }) })

const QueueChannel = z.looseObject({ type: z.literal('queue'), queue: z.string() })

/** Queues that rules, routes and channels name; one whose name depends on the message has to be made by hand, called by the prefix. */
function queuesOf(config: unknown): readonly string[] {
  const { rules, routes, channels } = Acting.parse(config)
  const acting = [...Object.values(rules ?? {}), ...Object.values(routes ?? {})]
    .flatMap(({ actions = [], errorAction }) => [...actions, errorAction])
    .flatMap((action) => {
      const parsed = QueueAction.safeParse(action)
      return parsed.success ? [parsed.data.queue.name] : []
    })
  const told = Object.values(channels ?? {}).flatMap((channel) => {
    const parsed = QueueChannel.safeParse(channel)
    return parsed.success ? [parsed.data.queue] : []
  })
  const names = [...acting, ...told].filter((name) => !name.includes('${') && !name.startsWith('$'))
  const queues = new Map(names.map((name) => [name, queueName(name)]))
  for (const [name, queue] of queues)
    if (queue.length > 63 || queue.length === QUEUE_PREFIX.length)
      throw new Error(
        `anyhub.yml, queue ${name}: expected a name of which Azure Storage makes at most ${63 - QUEUE_PREFIX.length} letters, digits and hyphens`,
      )
  return [...new Set(queues.values())]
}

/** As adapters/azure/queue-sender.ts calls it. */
function queueName(name: string): string {
  return `${QUEUE_PREFIX}${name}`
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
}

/** Variables that anyhub.yml names as `${env:NAME}`: their values go to the vault, and the functions read them as settings. */
function secretsOf(text: string, env: StackOptions['env']): Readonly<Record<string, string>> {
  const names = new Set(
    [...text.matchAll(/\$\{env:([A-Za-z_]\w*)\}/g)].map(([, name = '']) => name),
  )
  const missing = [...names].filter((name) => env[name] === undefined || env[name] === '')
  if (missing.length > 0)
    throw new Error(
      `anyhub.yml: expected these environment variables, found none of them: ${missing.join(', ')}`,
    )
  return Object.fromEntries([...names].map((name) => [name, literal(env[name] ?? '')]))
}

/** A value that begins with `[` would be an expression. Source: Resource Manager, "Template syntax and expressions". */
function literal(value: string): string {
  return value.startsWith('[') ? `[${value}` : value
}
