import type { ApplicationInsightsManagementModels } from '@azure/arm-appinsights'
import type {
  AppServicePlan,
  AppServicePlanProperties,
  CsmPublishingCredentialsPoliciesEntityProperties,
  Site,
  SiteProperties,
} from '@azure/arm-appservice'
import type { RoleAssignmentCreateParameters } from '@azure/arm-authorization'
import type { SqlRoleAssignmentCreateUpdateParameters } from '@azure/arm-cosmosdb'
import type { WorkspaceProperties } from '@azure/arm-operationalinsights'
import type {
  StorageAccountCreateParameters,
  StorageAccountPropertiesCreateParameters,
} from '@azure/arm-storage'
import type { ArmResource, Grant, ServiceConfig } from './config.ts'
import type { PlannedFunction } from './entry.ts'
import { guidOf, idOf, type Names } from './names.ts'
import { COSMOS_ROLES, roleId } from './roles.ts'

/** A template of Resource Manager. */
export interface Template {
  readonly $schema: string
  readonly contentVersion: string
  readonly parameters: Readonly<Record<string, { readonly type: string }>>
  readonly resources: readonly ArmResource[]
  readonly outputs: Readonly<Record<string, { readonly type: string; readonly value?: unknown }>>
}

export interface PlannedTemplate {
  readonly template: Template
  /** Values of parameters: secrets, which no log and no history shows. */
  readonly secrets: Readonly<Record<string, string>>
}

/** Versions of the interfaces that the types above are of. */
const API = {
  identity: '2024-11-30',
  storage: '2025-01-01',
  web: '2024-11-01',
  insights: '2020-02-02',
  workspace: '2025-02-01',
  role: '2022-04-01',
  cosmos: '2024-11-15',
  vault: '2023-07-01',
} as const

/** The container that holds the published zip. */
const PACKAGES = 'packages'

/**
 * All of a service: the app with its identity, plan, storage, log and vault, the resources of the yml, and what the app
 * may do with them. Names and ids stand there as they are; expressions only fetch what Azure makes up.
 */
export function planTemplate(
  config: ServiceConfig,
  names: Names,
  functions: readonly PlannedFunction[],
): PlannedTemplate {
  const { provider, resources: given } = config
  const { region: location, tags, idOf: id } = names
  const identityId = id('Microsoft.ManagedIdentity/userAssignedIdentities', names.identity)
  const identity = `reference('${identityId}', '${API.identity}')`
  const storage = names.storage('host')
  const storageId = id('Microsoft.Storage/storageAccounts', storage)
  const planId = id('Microsoft.Web/serverfarms', names.plan)
  const insightsId = id('Microsoft.Insights/components', names.insights)
  const workspaceId = id('Microsoft.OperationalInsights/workspaces', names.workspace)
  const vaultId = id('Microsoft.KeyVault/vaults', names.vault)
  const siteId = id('Microsoft.Web/sites', names.app)
  const own = (given.resources ?? []).map((one) => withTags(one, tags))
  const ownIds = own.map((one) => resourceId(names, one))
  const secrets = secretsOf(config)

  const grants: Grant[] = [
    // What the host of Azure itself needs. Source: Azure Functions, "Connecting to host storage with an identity".
    { role: 'Storage Blob Data Owner', scope: storageId },
    { role: 'Storage Queue Data Contributor', scope: storageId },
    { role: 'Storage Table Data Contributor', scope: storageId },
    { role: 'Monitoring Metrics Publisher', scope: insightsId },
    ...(secrets.length === 0 ? [] : [{ role: 'Key Vault Secrets User', scope: vaultId }]),
    ...(provider.grants ?? []),
  ]
  const assignments = grants.map((grant) => assignmentOf(grant, names, `[${identity}.principalId]`))
  const settings = {
    AzureWebJobsStorage__accountName: storage,
    AzureWebJobsStorage__credential: 'managedidentity',
    AzureWebJobsStorage__clientId: `[${identity}.clientId]`,
    APPLICATIONINSIGHTS_CONNECTION_STRING: `[reference('${insightsId}', '${API.insights}').ConnectionString]`,
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: `[concat('ClientId=', ${identity}.clientId, ';Authorization=AAD')]`,
    AZURE_CLIENT_ID: `[${identity}.clientId]`,
    ...provider.environment,
    ...Object.fromEntries(
      secrets.map(({ setting, name }) => [
        setting,
        `@Microsoft.KeyVault(VaultName=${names.vault};SecretName=${name})`,
      ]),
    ),
  }

  const made: readonly ArmResource[] = [
    {
      type: 'Microsoft.ManagedIdentity/userAssignedIdentities',
      apiVersion: API.identity,
      name: names.identity,
      location,
      tags,
    },
    {
      type: 'Microsoft.Storage/storageAccounts',
      apiVersion: API.storage,
      name: storage,
      location,
      tags,
      ...({ kind: 'StorageV2', sku: { name: 'Standard_LRS' } } satisfies Pick<
        StorageAccountCreateParameters,
        'kind' | 'sku'
      >),
      properties: closedStorage(),
    },
    {
      type: 'Microsoft.Storage/storageAccounts/blobServices/containers',
      apiVersion: API.storage,
      name: `${storage}/default/${PACKAGES}`,
      properties: {},
    },
    {
      type: 'Microsoft.OperationalInsights/workspaces',
      apiVersion: API.workspace,
      name: names.workspace,
      location,
      tags,
      properties: {
        sku: { name: 'PerGB2018' },
        retentionInDays: provider.logRetentionDays ?? 30,
      } satisfies WorkspaceProperties,
    },
    {
      type: 'Microsoft.Insights/components',
      apiVersion: API.insights,
      name: names.insights,
      location,
      tags,
      kind: 'web',
      properties: {
        Application_Type:
          'web' satisfies ApplicationInsightsManagementModels.ApplicationInsightsComponent['applicationType'],
        WorkspaceResourceId: workspaceId,
        // Only who has a role may write to it: its key alone opens nothing.
        DisableLocalAuth: true,
      },
      dependsOn: [workspaceId],
    },
    {
      type: 'Microsoft.Web/serverfarms',
      apiVersion: API.web,
      name: names.plan,
      location,
      tags,
      ...({ kind: 'functionapp', sku: { tier: 'FlexConsumption', name: 'FC1' } } satisfies Pick<
        AppServicePlan,
        'kind' | 'sku'
      >),
      properties: { reserved: true } satisfies AppServicePlanProperties,
    },
    ...(secrets.length === 0 ? [] : [vaultOf(names)]),
    ...own,
    ...secrets.map(({ name, value, parameter }) => ({
      type: 'Microsoft.KeyVault/vaults/secrets',
      apiVersion: API.vault,
      name: `${names.vault}/${name}`,
      properties: { value: isExpression(value) ? value : `[parameters('${parameter}')]` },
      dependsOn: ownIds,
    })),
    ...assignments.map((one) => ({ ...one, dependsOn: [identityId, ...(one.dependsOn ?? [])] })),
    {
      type: 'Microsoft.Web/sites',
      apiVersion: API.web,
      name: names.app,
      location,
      tags,
      ...({
        kind: 'functionapp,linux',
        identity: { type: 'UserAssigned', userAssignedIdentities: { [identityId]: {} } },
      } satisfies Pick<Site, 'kind' | 'identity'>),
      properties: {
        serverFarmId: planId,
        httpsOnly: true,
        keyVaultReferenceIdentity: identityId,
        siteConfig: {
          minTlsVersion: '1.2',
          http20Enabled: true,
          appSettings: Object.entries(settings).map(([name, value]) => ({ name, value })),
        },
        functionAppConfig: {
          deployment: {
            storage: {
              type: 'blobContainer',
              value: `[concat(reference('${storageId}', '${API.storage}').primaryEndpoints.blob, '${PACKAGES}')]`,
              authentication: {
                type: 'UserAssignedIdentity',
                userAssignedIdentityResourceId: identityId,
              },
            },
          },
          runtime: { name: 'node', version: provider.runtime.replace('nodejs', '') },
          scaleAndConcurrency: {
            maximumInstanceCount: provider.maxInstances ?? 40,
            instanceMemoryMB: provider.memory ?? 2048,
            ...(provider.alwaysReady === undefined
              ? {}
              : { alwaysReady: alwaysReady(provider.alwaysReady, functions) }),
            ...(provider.httpConcurrency === undefined
              ? {}
              : { triggers: { http: { perInstanceConcurrency: provider.httpConcurrency } } }),
          },
        },
      } satisfies SiteProperties,
      dependsOn: [
        planId,
        storageId,
        insightsId,
        identityId,
        `${storageId}/blobServices/default/containers/${PACKAGES}`,
        ...ownIds,
        ...secrets.map(({ name }) => `${vaultId}/secrets/${name}`),
        ...assignments.map((one) => resourceId(names, one)),
      ],
    },
    // Nobody publishes with a name and a password.
    ...['scm', 'ftp'].map((name) => ({
      type: 'Microsoft.Web/sites/basicPublishingCredentialsPolicies',
      apiVersion: API.web,
      name: `${names.app}/${name}`,
      properties: { allow: false } satisfies CsmPublishingCredentialsPoliciesEntityProperties,
    })),
  ]
  const ids = new Set(made.map((one) => resourceId(names, one)))
  return {
    template: {
      $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
      contentVersion: '1.0.0.0',
      parameters: Object.fromEntries(
        secrets.flatMap(({ parameter, value }) =>
          isExpression(value) ? [] : [[parameter, { type: 'secureString' }]],
        ),
      ),
      resources: made.map((one) => withDependencies(one, resourceId(names, one), ids)),
      outputs: {
        principalId: { type: 'string', value: `[${identity}.principalId]` },
        host: { type: 'string', value: `[reference('${siteId}', '${API.web}').defaultHostName]` },
        ...given.outputs,
      },
    },
    secrets: Object.fromEntries(
      secrets.flatMap(({ parameter, value }) =>
        isExpression(value) ? [] : [[parameter, plain(value)]],
      ),
    ),
  }
}

/** A storage account that only who has a role may use. */
export function closedStorage() {
  return {
    minimumTlsVersion: 'TLS1_2',
    allowBlobPublicAccess: false,
    allowSharedKeyAccess: false,
    supportsHttpsTrafficOnly: true,
    defaultToOAuthAuthentication: true,
  } satisfies StorageAccountPropertiesCreateParameters & { supportsHttpsTrafficOnly: boolean }
}

/** The full id of what a template makes. */
export function resourceId(
  names: Pick<Names, 'groupId'>,
  { scope, type, name }: ArmResource,
): string {
  return idOf(scope ?? names.groupId, type, name)
}

interface Secret {
  readonly setting: string
  /** As Key Vault takes it: letters, digits and hyphens. */
  readonly name: string
  readonly parameter: string
  readonly value: string
}

function secretsOf({ provider }: ServiceConfig): readonly Secret[] {
  return Object.entries(provider.secrets ?? {}).map(([setting, value]) => ({
    setting,
    name: setting.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, ''),
    parameter: `secret_${setting}`,
    value,
  }))
}

/** What Azure itself makes up; a text that begins with a bracket is written with two. */
function isExpression(value: string): boolean {
  return value.startsWith('[') && !value.startsWith('[[')
}

/** The text as it is meant: values of parameters are no expressions. Source: Resource Manager, "Parameter files". */
function plain(value: string): string {
  return value.startsWith('[[') ? value.slice(1) : value
}

function vaultOf(names: Names): ArmResource {
  return {
    type: 'Microsoft.KeyVault/vaults',
    apiVersion: API.vault,
    name: names.vault,
    location: names.region,
    tags: { ...names.tags },
    properties: {
      tenantId: '[subscription().tenantId]',
      sku: { family: 'A', name: 'standard' },
      enableRbacAuthorization: true,
      // The shortest that Azure allows; it can never be less.
      softDeleteRetentionInDays: 7,
    },
  }
}

function assignmentOf(grant: Grant, names: Names, principalId: string): ArmResource {
  if ('cosmos' in grant) {
    const { account, cosmos, database } = grant
    const scope = database === undefined ? account : `${account}/dbs/${database}`
    const role = COSMOS_ROLES[cosmos]
    return {
      type: 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments',
      apiVersion: API.cosmos,
      name: `${account.slice(account.lastIndexOf('/') + 1)}/${guidOf(names.groupId, names.identity, scope, role)}`,
      properties: {
        roleDefinitionId: `${account}/sqlRoleDefinitions/${role}`,
        principalId,
        scope,
      } satisfies SqlRoleAssignmentCreateUpdateParameters,
      dependsOn: database === undefined ? [] : [`${account}/sqlDatabases/${database}`],
    }
  }
  const role = roleId(grant.role)
  return {
    type: 'Microsoft.Authorization/roleAssignments',
    apiVersion: API.role,
    scope: grant.scope,
    name: guidOf(names.groupId, names.identity, grant.scope, role),
    properties: {
      roleDefinitionId: `/subscriptions/${names.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${role}`,
      principalId,
      // Or Azure looks for an identity that it may not know yet. Source: "Assign Azure roles", new service principal.
      principalType: 'ServicePrincipal',
    } satisfies RoleAssignmentCreateParameters,
  }
}

function alwaysReady(
  given: Readonly<Record<string, number>>,
  functions: readonly PlannedFunction[],
) {
  return Object.entries(given).map(([name, instanceCount]) => ({
    name: functions.some((one) => one.name === name && one.kind !== 'http')
      ? `function:${name}`
      : name,
    instanceCount,
  }))
}

function withTags(resource: ArmResource, tags: Readonly<Record<string, string>>): ArmResource {
  return resource.location === undefined
    ? resource
    : { ...resource, tags: { ...tags, ...resource.tags } }
}

/** A child waits for its parent, and what stands on a resource for that one. */
function withDependencies(
  resource: ArmResource,
  id: string,
  ids: ReadonlySet<string>,
): ArmResource {
  const parents =
    resource.scope === undefined
      ? ancestorsOf(id)
      : [resource.scope, ...ancestorsOf(resource.scope)]
  const wanted = [...(resource.dependsOn ?? []), ...parents]
  const dependsOn = [...new Set(wanted)].filter((one) => ids.has(one) && one !== id)
  const { dependsOn: _, ...rest } = resource
  return dependsOn.length === 0 ? rest : { ...rest, dependsOn }
}

/** Ids above a full id, up to the one that stands in the group. */
function ancestorsOf(id: string): readonly string[] {
  const at = id.lastIndexOf('/providers/')
  const [namespace = '', ...rest] = id.slice(at + '/providers/'.length).split('/')
  const found: string[] = []
  for (let length = rest.length - 2; length >= 2; length -= 2)
    found.push(`${id.slice(0, at)}/providers/${namespace}/${rest.slice(0, length).join('/')}`)
  return found
}
