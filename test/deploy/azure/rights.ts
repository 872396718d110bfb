import type { Resource } from './azure-cloud.ts'

/** One call of an adapter, what Azure asks for it, and the resource that it is made on. */
export interface Need {
  readonly adapter: string
  readonly call: string
  /** Source: "Azure permissions" of each provider; Cosmos DB, "Data plane security reference". */
  readonly action: string
  readonly on: 'cosmos' | 'iothub' | 'files' | 'storage' | 'communication' | 'vault' | 'insights'
}

/** Whatever adapters/azure asks of Azure under the identity of the app. */
export const NEEDS: readonly Need[] = [
  ...[
    'readMetadata',
    'sqlDatabases/containers/items/*',
    'sqlDatabases/containers/executeQuery',
  ].map(
    (action): Need => ({
      adapter: 'cosmos',
      call: action,
      action: `Microsoft.DocumentDB/databaseAccounts/${action}`,
      on: 'cosmos',
    }),
  ),
  {
    adapter: 'blob',
    call: 'get, list',
    action: 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read',
    on: 'files',
  },
  {
    adapter: 'blob',
    call: 'put, createAppend',
    action: 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write',
    on: 'files',
  },
  {
    adapter: 'blob',
    call: 'append',
    action: 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action',
    on: 'files',
  },
  {
    adapter: 'blob',
    call: 'remove',
    action: 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete',
    on: 'files',
  },
  {
    adapter: 'blob',
    call: 'delegationKey',
    action: 'Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action',
    on: 'storage',
  },
  {
    adapter: 'storage-queue',
    call: 'send',
    action: 'Microsoft.Storage/storageAccounts/queueServices/queues/messages/add/action',
    on: 'storage',
  },
  {
    adapter: 'the trigger of queues',
    call: 'peek, receive',
    action: 'Microsoft.Storage/storageAccounts/queueServices/queues/messages/read',
    on: 'storage',
  },
  {
    adapter: 'the trigger of queues',
    call: 'process',
    action: 'Microsoft.Storage/storageAccounts/queueServices/queues/messages/process/action',
    on: 'storage',
  },
  {
    adapter: 'the trigger of queues',
    call: 'look at the queue',
    action: 'Microsoft.Storage/storageAccounts/queueServices/queues/read',
    on: 'storage',
  },
  {
    adapter: 'hub',
    call: 'identity',
    action: 'Microsoft.Devices/IotHubs/devices/read',
    on: 'iothub',
  },
  {
    adapter: 'hub',
    call: 'putIdentity',
    action: 'Microsoft.Devices/IotHubs/devices/write',
    on: 'iothub',
  },
  {
    adapter: 'hub',
    call: 'removeIdentity',
    action: 'Microsoft.Devices/IotHubs/devices/delete',
    on: 'iothub',
  },
  { adapter: 'hub', call: 'twin', action: 'Microsoft.Devices/IotHubs/twins/read', on: 'iothub' },
  {
    adapter: 'hub',
    call: 'patchTwin',
    action: 'Microsoft.Devices/IotHubs/twins/write',
    on: 'iothub',
  },
  {
    adapter: 'hub',
    call: 'invoke',
    action: 'Microsoft.Devices/IotHubs/directMethods/invoke/action',
    on: 'iothub',
  },
  {
    adapter: 'hub',
    call: 'purge',
    action: 'Microsoft.Devices/IotHubs/cloudToDeviceMessages/queue/purge/action',
    on: 'iothub',
  },
  {
    adapter: 'device-bound',
    call: 'send',
    action: 'Microsoft.Devices/IotHubs/cloudToDeviceMessages/send/action',
    on: 'iothub',
  },
  {
    adapter: 'hub',
    call: 'receiveFeedback, completeFeedback',
    action: 'Microsoft.Devices/IotHubs/cloudToDeviceMessages/feedback/action',
    on: 'iothub',
  },
  {
    adapter: 'lookup-source',
    call: 'secret',
    action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action',
    on: 'vault',
  },
  {
    adapter: 'channel-sender',
    call: 'mails and text messages',
    action: 'Microsoft.Communication/CommunicationServices/*',
    on: 'communication',
  },
  {
    adapter: 'metrics-exporter',
    call: 'monitor',
    action: 'Microsoft.Insights/Telemetry/Write',
    on: 'insights',
  },
]

/** Services that the needs above are of, as adapters/azure/client.ts calls them. */
export const SERVICES = [
  'blob',
  'communication',
  'cosmos',
  'iothub',
  'keyvault',
  'monitor',
  'queue',
] as const

/** Data actions of the roles that are granted. Source: "Azure built-in roles", each role's page. */
const ROLES: Readonly<Record<string, readonly string[]>> = {
  '00000000-0000-0000-0000-000000000002': [
    'Microsoft.DocumentDB/databaseAccounts/readMetadata',
    'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/*',
    'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/*',
  ],
  // Storage Blob Data Contributor
  'ba92f5b4-2d11-453d-a403-e96b0029c9fe': [
    'read',
    'write',
    'delete',
    'add/action',
    'move/action',
  ].map((action) => `Microsoft.Storage/storageAccounts/blobServices/containers/blobs/${action}`),
  // Storage Blob Delegator
  'db58b8e5-c6ad-4a2a-8342-4190687cbf4a': [
    'Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action',
  ],
  // Storage Queue Data Message Sender
  'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a': [
    'Microsoft.Storage/storageAccounts/queueServices/queues/messages/add/action',
  ],
  // Storage Queue Data Message Processor
  '8a0f0c08-91a1-4084-bc3d-661d67233fed': [
    'Microsoft.Storage/storageAccounts/queueServices/queues/messages/read',
    'Microsoft.Storage/storageAccounts/queueServices/queues/messages/process/action',
  ],
  // Storage Queue Data Reader
  '19e7f393-937e-4f77-808e-94535e297925': [
    'Microsoft.Storage/storageAccounts/queueServices/queues/read',
    'Microsoft.Storage/storageAccounts/queueServices/queues/messages/read',
  ],
  // IoT Hub Data Contributor
  '4fc6c259-987e-4a07-842e-c321cc9d413f': ['Microsoft.Devices/IotHubs/*'],
  // Key Vault Secrets User
  '4633458b-17de-408a-b874-0445c86b69e6': [
    'Microsoft.KeyVault/vaults/secrets/getSecret/action',
    'Microsoft.KeyVault/vaults/secrets/readMetadata/action',
  ],
  // Communication and Email Service Owner
  '09976791-48a7-449e-bb21-39d1a415f350': ['Microsoft.Communication/CommunicationServices/*'],
  // Monitoring Metrics Publisher
  '3913510d-42f4-4e42-8a64-420c390055eb': ['Microsoft.Insights/Telemetry/Write'],
}

/** A role and the resource that it is granted on. */
export interface Granted {
  readonly role: string
  readonly scope: string
}

/** What is granted to the app, as its assignments say. */
export function grantsOf(resources: Iterable<Resource>): readonly Granted[] {
  return [...resources]
    .filter(({ type }) => /roleassignments$/i.test(type))
    .map(({ type, scope, properties }) => {
      const { roleDefinitionId, scope: inner } = Object(properties)
      return {
        role: String(roleDefinitionId).split('/').pop() ?? '',
        scope: String(type.startsWith('Microsoft.DocumentDB') ? inner : scope),
      }
    })
}

/** Needs that no grant allows. */
export function missing(
  needs: readonly Need[],
  granted: readonly Granted[],
  places: Readonly<Record<Need['on'], string>>,
): readonly string[] {
  return needs
    .filter(
      ({ action, on }) =>
        !granted.some(
          ({ role, scope }) =>
            covers(scope, places[on]) && (ROLES[role] ?? []).some((one) => matches(one, action)),
        ),
    )
    .map(({ adapter, call, action }) => `${adapter}, ${call}: ${action}`)
}

/** Grants without which every need would still be allowed, of those on these places. */
export function needless(
  needs: readonly Need[],
  granted: readonly Granted[],
  places: Readonly<Record<Need['on'], string>>,
): readonly string[] {
  return granted
    .filter((one) => Object.values(places).some((place) => covers(one.scope, place)))
    .filter(
      (one) =>
        missing(
          needs,
          granted.filter((other) => other !== one),
          places,
        ).length === 0,
    )
    .map(({ role, scope }) => `${role} on ${scope}`)
}

/** A grant counts for what lies below. */
const covers = (scope: string, place: string) => place === scope || place.startsWith(`${scope}/`)

function matches(granted: string, needed: string): boolean {
  if (granted === needed) return true
  return granted.endsWith('*') && needed.startsWith(granted.slice(0, -1))
}
