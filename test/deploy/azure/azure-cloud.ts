import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import { evaluate } from './expressions.ts'
import { filesOf } from './functions-host.ts'

export const SUBSCRIPTION = '00000000-0000-4000-8000-000000000001'
export const TENANT = '00000000-0000-4000-8000-00000000000f'
const TOKEN = 'a-token-of-azure'
const SECRET = 'a-secret-of-the-identity-endpoint'

type Json = Readonly<Record<string, unknown>>

/** What stands there, as its interface shows it. */
export interface Resource {
  readonly id: string
  readonly name: string
  readonly type: string
  readonly [field: string]: unknown
}

export interface Call {
  readonly method: string
  /** Without the origin. */
  readonly path: string
  readonly body: unknown
  readonly headers: IncomingMessage['headers']
}

/** An answer that a request gets in the place of its own. */
export interface Fault {
  /** Of `METHOD /path`. */
  readonly match: RegExp
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** How often; once unless given. */
  times?: number
}

/** An operation of a deployment that fails: what its provider says. */
export interface FailingResource {
  readonly match: RegExp
  readonly statusCode: string
  readonly statusMessage: unknown
}

/** How publishing ends, in the place of success. */
export interface FailingPublish {
  readonly status: number
  readonly text: string
  readonly log?: readonly string[]
}

/** A stateful Azure on the loopback: Resource Manager, publishing, identities and logs, as far as deployments ask. */
export interface AzureCloud {
  readonly origin: string
  /** Variables that send whoever deploys here, logged in. */
  readonly env: Readonly<Record<string, string>>
  /** By their ids in small letters. */
  readonly resources: Map<string, Resource>
  readonly groups: Map<string, Json>
  readonly seen: readonly Call[]
  /** What was published last, by app. */
  readonly published: Map<string, Buffer>
  /** Settings of an app, with what its expressions came to. */
  readonly settings: Map<string, Record<string, string>>
  /** Values of secrets, by `vault/name`. */
  readonly secrets: Map<string, string>
  readonly deletedVaults: Set<string>
  /** Providers that are switched off. */
  readonly unregistered: Set<string>
  /** Functions that the code has and the list does not show. */
  readonly hidden: Set<string>
  /** Rows that Application Insights answers with. */
  readonly logRows: unknown[][]
  /** The one resource of this type whose name matches. @throws Error if there is none. */
  find(type: string, name?: RegExp): Resource
  forget(): void
  /** Requests since `forget` that change something. */
  changes(): readonly string[]
  fail(fault: Fault): void
  /** Forgets faults that were not used up. */
  clearFaults(): void
  failResource(fault: FailingResource): void
  failPublish(fault: FailingPublish): void
  /** Roles are effective only after so many attempts to publish. */
  delayRoles(attempts: number): void
  /** Says what functions the published code has. */
  listBy(list: (zip: Buffer) => readonly string[]): void
  /** Answers requests to the app. */
  serve(handler: (call: Call) => { readonly status: number; readonly text: string }): void
  close(): Promise<void>
}

const PROVIDERS = [
  'Microsoft.Authorization',
  'Microsoft.Communication',
  'Microsoft.Devices',
  'Microsoft.DocumentDB',
  'Microsoft.Insights',
  'Microsoft.KeyVault',
  'Microsoft.ManagedIdentity',
  'Microsoft.NotificationHubs',
  'Microsoft.OperationalInsights',
  'Microsoft.ServiceBus',
  'Microsoft.Storage',
  'Microsoft.Web',
]

/** Names that Azure takes. Source: "Naming rules and restrictions for Azure resources". */
const NAMES: Readonly<Record<string, RegExp>> = {
  'microsoft.storage/storageaccounts': /^[a-z0-9]{3,24}$/,
  'microsoft.storage/storageaccounts/queueservices/queues': /^[a-z0-9](?:-?[a-z0-9]){2,62}$/,
  'microsoft.storage/storageaccounts/blobservices/containers': /^[a-z0-9](?:-?[a-z0-9]){2,62}$/,
  'microsoft.keyvault/vaults': /^[a-zA-Z](?:-?[a-zA-Z0-9]){1,22}[a-zA-Z0-9]$/,
  'microsoft.keyvault/vaults/secrets': /^[a-zA-Z0-9-]{1,127}$/,
  'microsoft.documentdb/databaseaccounts': /^[a-z0-9](?:[a-z0-9-]{1,42})[a-z0-9]$/,
  'microsoft.devices/iothubs': /^[a-zA-Z0-9-]{3,49}[a-zA-Z0-9]$/,
  'microsoft.devices/provisioningservices': /^[a-zA-Z0-9-]{3,63}[a-zA-Z0-9]$/,
  'microsoft.web/sites': /^[a-zA-Z0-9][a-zA-Z0-9-]{0,58}[a-zA-Z0-9]$/,
  'microsoft.servicebus/namespaces': /^[a-zA-Z][a-zA-Z0-9-]{1,48}[a-zA-Z0-9]$/,
  'microsoft.managedidentity/userassignedidentities': /^[a-zA-Z0-9][\w-]{2,127}$/,
  'microsoft.communication/communicationservices': /^[a-zA-Z0-9-]{1,63}$/,
  'microsoft.authorization/roleassignments': /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/,
  'microsoft.documentdb/databaseaccounts/sqlroleassignments':
    /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/,
}

export async function openAzureCloud(): Promise<AzureCloud> {
  const resources = new Map<string, Resource>()
  const groups = new Map<string, Json>()
  const deployments = new Map<
    string,
    { left: number; readonly body: Json; readonly operations: unknown[] }
  >()
  const operations = new Map<string, number>()
  const published = new Map<string, Buffer>()
  const publishing = new Map<string, { left: number; readonly end: FailingPublish }>()
  const settings = new Map<string, Record<string, string>>()
  const secrets = new Map<string, string>()
  const deletedVaults = new Set<string>()
  const unregistered = new Set<string>()
  const hidden = new Set<string>()
  const seen: Call[] = []
  const faults: Fault[] = []
  const failing: FailingResource[] = []
  const failingPublish: FailingPublish[] = []
  const logRows: unknown[][] = []
  let roleDelay = 0
  let looked: string | undefined
  let list: (zip: Buffer) => readonly string[] = () => []
  let serve: Parameters<AzureCloud['serve']>[0] = () => ({ status: 404, text: '' })

  interface Answer {
    readonly status: number
    readonly body?: unknown
    readonly headers?: Readonly<Record<string, string>>
  }

  const ok = (body: unknown): Answer => ({ status: 200, body })
  const refuse = (status: number, code: string, message: string, details?: unknown[]): Answer => ({
    status,
    body: { error: { code, message, ...(details === undefined ? {} : { details }) } },
  })
  const later = (times = 2): Answer => {
    const id = randomUUID()
    operations.set(id, times)
    const address = `${origin()}/operations/${id}?api-version=2024-01-01`
    return { status: 202, headers: { location: address, 'retry-after': '0' } }
  }
  let port = 0
  const origin = () => `http://127.0.0.1:${port}`

  /** What Azure makes up of a resource. */
  function runtimeOf(resource: Resource): Json {
    const { type, name, id } = resource
    switch (type.toLowerCase()) {
      case 'microsoft.managedidentity/userassignedidentities':
        // Another each time that it is made.
        return {
          principalId: uuidOf(`principal ${seen.length} ${id}`),
          clientId: uuidOf(`client ${seen.length} ${id}`),
          tenantId: TENANT,
        }
      case 'microsoft.storage/storageaccounts':
        return {
          primaryEndpoints: Object.fromEntries(
            ['blob', 'queue', 'table'].map((kind) => [
              kind,
              `https://${name}.${kind}.core.windows.net/`,
            ]),
          ),
        }
      case 'microsoft.insights/components':
        return {
          AppId: uuidOf(`app ${id}`),
          ConnectionString: `InstrumentationKey=${uuidOf(`key ${id}`)};IngestionEndpoint=https://westeurope.in.applicationinsights.azure.com/`,
        }
      case 'microsoft.web/sites':
        return {
          state: 'Running',
          defaultHostName: `${name}.azurewebsites.net`,
          hostNameSslStates: [
            { name: `${name}.azurewebsites.net`, hostType: 'Standard' },
            { name: `${name}.scm.azurewebsites.net`, hostType: 'Repository' },
          ],
        }
      case 'microsoft.documentdb/databaseaccounts':
        return { documentEndpoint: `https://${name}.documents.azure.com:443/` }
      case 'microsoft.keyvault/vaults':
        return { vaultUri: `https://${name}.vault.azure.net/` }
      case 'microsoft.devices/iothubs': {
        const events = Object(Object(resource['properties'])['eventHubEndpoints'])['events']
        return {
          hostName: `${name}.azure-devices.net`,
          eventHubEndpoints: {
            events: {
              ...Object(events),
              path: `iothub-ehub-${name.slice(0, 10)}-1`,
              endpoint: `sb://iothub-ns-${name.slice(0, 10)}-1.servicebus.windows.net/`,
            },
          },
        }
      }
      case 'microsoft.devices/provisioningservices':
        return {
          idScope: '0ne00ABCDEF',
          deviceProvisioningHostName: 'global.azure-devices-provisioning.net',
        }
      case 'microsoft.communication/communicationservices':
        return { hostName: `${name}.europe.communication.azure.com` }
      case 'microsoft.communication/emailservices/domains':
        return { mailFromSenderDomain: 'f00.azurecomm.net' }
      case 'microsoft.servicebus/namespaces':
        return { serviceBusEndpoint: `https://${name}.servicebus.windows.net:443/` }
      default:
        return {}
    }
  }

  /** What Azure made up stays when a resource is changed. */
  function kept(before: Resource, made: Resource): Json {
    const there = Object(before['properties'])
    return Object.fromEntries(Object.keys(runtimeOf(made)).map((name) => [name, there[name]]))
  }

  const lookups = (parameters: ReadonlyMap<string, unknown>) => ({
    parameter(name: string) {
      if (!parameters.has(name)) throw new Error(`The template parameter '${name}' is not found.`)
      return parameters.get(name)
    },
    reference(id: string) {
      const found = resources.get(id.toLowerCase())
      if (found === undefined)
        throw new Error(`The resource '${id}' was not found: nothing waits for it.`)
      return found['properties']
    },
    listKeys(id: string) {
      // `IotHubs/name/IotHubKeys/policy` stands on the hub.
      const parent = id.replace(/\/(?:iothubkeys|authorizationrules|keys)\/[^/]+$/i, '')
      if (!resources.has(parent.toLowerCase()))
        throw new Error(`The resource '${id}' was not found: nothing waits for it.`)
      return {
        primaryKey: `key of ${id.split('/').pop()}`,
        primaryConnectionString: `Endpoint=sb://x/;SharedAccessKey=key of ${id.split('/').pop()}`,
      }
    },
    subscription: () => ({ subscriptionId: SUBSCRIPTION, tenantId: TENANT }),
  })

  /** Makes or changes one resource. @throws Refusal as its provider would. */
  function put(group: string, resource: Json, parameters: ReadonlyMap<string, unknown>): void {
    const type = String(resource['type'])
    const name = String(resource['name'])
    const id = idOf(group, resource)
    const small = type.toLowerCase()
    const last = name.split('/').pop() ?? ''
    if (NAMES[small]?.test(last) === false)
      throw new Refusal('BadRequest', 'InvalidResourceName', `${type} '${last}' is no valid name`)
    const before = resources.get(id.toLowerCase())
    const { dependsOn: _, ...rest } = resource
    const evaluated = Object(evaluate(rest, lookups(parameters)))
    const given = Object(evaluated.properties)
    if (small === 'microsoft.keyvault/vaults' && before === undefined && deletedVaults.has(last))
      throw new Refusal(
        'Conflict',
        'ConflictError',
        'A vault with the same name already exists in deleted state.',
      )
    if (small.endsWith('roleassignments')) {
      const scope = String(
        small.startsWith('microsoft.authorization') ? evaluated.scope : given.scope,
      )
      const there = resources.has(scope.replace(/\/dbs\/.*$/, '').toLowerCase())
      const known = [...resources.values()].some(
        (one) =>
          Object(one['properties']).principalId === given.principalId &&
          one.type.includes('Identity'),
      )
      if (!there)
        throw new Refusal('NotFound', 'ResourceNotFound', `The scope ${scope} was not found`)
      if (!known)
        throw new Refusal(
          'BadRequest',
          'PrincipalNotFound',
          `Principal ${given.principalId} does not exist`,
        )
      if (before !== undefined && Object(before['properties']).principalId !== given.principalId)
        throw new Refusal(
          'BadRequest',
          'RoleAssignmentUpdateNotPermitted',
          'Tenant ID, application ID, principal ID, and scope are not allowed to be updated.',
        )
    }
    if (small === 'microsoft.web/sites') {
      const { appSettings = [] } = Object(given.siteConfig)
      settings.set(
        last,
        Object.fromEntries(
          appSettings.map((one: { name: string; value: string }) => [one.name, one.value]),
        ),
      )
      delete given.siteConfig
    }
    if (small === 'microsoft.keyvault/vaults/secrets') {
      secrets.set(name, String(given.value))
      delete given.value
    }
    const made: Resource = { ...evaluated, id, name: last, type, properties: given }
    resources.set(id.toLowerCase(), {
      ...made,
      properties: {
        ...given,
        ...(before === undefined ? runtimeOf(made) : kept(before, made)),
        provisioningState: 'Succeeded',
      },
    })
  }

  class Refusal extends Error {
    readonly statusCode: string
    readonly code: string
    constructor(statusCode: string, code: string, message: string) {
      super(message)
      this.statusCode = statusCode
      this.code = code
    }
  }

  /** What Resource Manager checks before it begins. */
  function faultOf(
    group: string,
    template: Json,
    parameters: ReadonlyMap<string, unknown>,
  ): Answer | undefined {
    const list = template['resources'] as Json[]
    const ids = list.map((one) => idOf(group, one).toLowerCase())
    const invalid = (message: string) =>
      refuse(400, 'InvalidTemplate', `Deployment template validation failed: '${message}'`)
    const twice = ids.find((id, index) => ids.indexOf(id) !== index)
    if (twice !== undefined) return invalid(`The resource '${twice}' is defined multiple times.`)
    for (const [index, one] of list.entries()) {
      if (!/^20\d\d-\d\d-\d\d(?:-preview)?$/.test(String(one['apiVersion'])))
        return invalid(`no apiVersion: ${one['type']}`)
      const [namespace = '', ...types] = String(one['type']).split('/')
      if (!PROVIDERS.includes(namespace))
        return refuse(
          409,
          'NoRegisteredProviderFound',
          `No registered resource provider found for '${one['type']}'.`,
        )
      if (unregistered.has(namespace))
        return refuse(
          409,
          'MissingSubscriptionRegistration',
          `The subscription is not registered to use namespace '${namespace}'.`,
        )
      if (types.length !== String(one['name']).split('/').length)
        return invalid(`'${one['name']}' has incorrect segment lengths for ${one['type']}.`)
      for (const needed of (one['dependsOn'] ?? []) as string[])
        if (!ids.includes(needed.toLowerCase()))
          return invalid(`The resource '${needed}' is not defined in the template.`)
      if (index > 5_000) return invalid('too many')
    }
    for (const name of Object.keys(Object(template['parameters'])))
      if (!parameters.has(name))
        return refuse(
          400,
          'InvalidTemplate',
          `The value for the template parameter '${name}' is not provided.`,
        )
    for (const name of parameters.keys())
      if (!(name in Object(template['parameters'])))
        return refuse(400, 'InvalidTemplate', `The parameter '${name}' is not defined.`)
    return undefined
  }

  function idOf(group: string, resource: Json): string {
    const scope = resource['scope'] ?? `/subscriptions/${SUBSCRIPTION}/resourceGroups/${group}`
    const [namespace, ...types] = String(resource['type']).split('/')
    const names = String(resource['name']).split('/')
    return `${scope}/providers/${namespace}/${types.map((type, index) => `${type}/${names[index]}`).join('/')}`
  }

  function deployTo(group: string, name: string, properties: Json): Answer {
    const template = Object(properties['template'])
    const parameters = new Map(
      Object.entries(Object(properties['parameters'])).map(([key, given]) => [
        key,
        Object(given).value,
      ]),
    )
    if (properties['mode'] !== 'Incremental') return refuse(400, 'InvalidRequestContent', 'mode')
    const fault = faultOf(group, template, parameters)
    if (fault !== undefined) return fault
    const waiting = new Map<string, Json>(
      template.resources.map((one: Json) => [idOf(group, one).toLowerCase(), one]),
    )
    const done: unknown[] = []
    let failed = false
    while (waiting.size > 0) {
      const ready = [...waiting].filter(([, one]) =>
        ((one['dependsOn'] ?? []) as string[]).every((id) => !waiting.has(id.toLowerCase())),
      )
      if (ready.length === 0) return refuse(400, 'InvalidTemplate', 'Circular dependency detected')
      // In an order that nobody may count on: the last one first.
      const [key, one] = ready.at(-1) ?? ['', {}]
      waiting.delete(key)
      const targetResource = {
        id: idOf(group, one),
        resourceType: one['type'],
        resourceName: one['name'],
      }
      const at = failing.findIndex(({ match }) => match.test(`${one['type']} ${one['name']}`))
      try {
        const [broken] = at < 0 ? [] : failing.splice(at, 1)
        if (broken !== undefined) {
          failed = true
          done.push({
            properties: {
              provisioningState: 'Failed',
              statusCode: broken.statusCode,
              statusMessage: broken.statusMessage,
              targetResource,
            },
          })
          continue
        }
        if (failed) continue
        put(group, one, parameters)
        done.push({
          properties: { provisioningState: 'Succeeded', statusCode: 'OK', targetResource },
        })
      } catch (error) {
        if (!(error instanceof Error)) throw error
        failed = true
        const { statusCode = 'BadRequest', code = 'InvalidTemplate' } =
          error instanceof Refusal ? error : {}
        done.push({
          properties: {
            provisioningState: 'Failed',
            statusCode,
            statusMessage: { status: 'Failed', error: { code, message: error.message } },
            targetResource,
          },
        })
      }
    }
    const correlationId = uuidOf(`correlation ${name} ${seen.length}`)
    const timestamp = '2026-11-21T00:00:00.0000000Z'
    const id = `/subscriptions/${SUBSCRIPTION}/resourceGroups/${group}/providers/Microsoft.Resources/deployments/${name}`
    const end = failed
      ? {
          provisioningState: 'Failed',
          error: {
            code: 'DeploymentFailed',
            message:
              'At least one resource deployment operation failed. Please list deployment operations for details.',
            details: done.flatMap((one) => {
              const { provisioningState, statusMessage, statusCode } = Object(
                Object(one).properties,
              )
              return provisioningState === 'Failed'
                ? [{ code: statusCode, message: JSON.stringify(statusMessage) }]
                : []
            }),
          },
        }
      : {
          provisioningState: 'Succeeded',
          outputs: Object.fromEntries(
            Object.entries(Object(template.outputs)).map(([key, output]) => [
              key,
              { type: 'String', value: evaluate(Object(output).value, lookups(parameters)) },
            ]),
          ),
        }
    deployments.set(id.toLowerCase(), {
      left: 2,
      body: { id, name, properties: { ...end, correlationId, timestamp } },
      operations: done,
    })
    return {
      status: 201,
      body: { id, name, properties: { provisioningState: 'Accepted', correlationId } },
      headers: { 'azure-asyncoperation': `${origin()}/unused` },
    }
  }

  function removeGroup(group: string): Answer {
    const prefix = `/subscriptions/${SUBSCRIPTION}/resourcegroups/${group}/`.toLowerCase()
    for (const [id, resource] of resources)
      if (id.startsWith(prefix)) {
        if (resource.type === 'Microsoft.KeyVault/vaults') deletedVaults.add(resource.name)
        if (resource.type === 'Microsoft.Web/sites') published.delete(resource.name)
        resources.delete(id)
      }
    for (const id of deployments.keys()) if (id.startsWith(prefix)) deployments.delete(id)
    groups.delete(group.toLowerCase())
    return later()
  }

  const TOP = /\/providers\/[^/]+\/[^/]+\/[^/]+$/i

  function groupOf(path: string, method: string, body: unknown): Answer | undefined {
    const match = /^\/subscriptions\/[^/]+\/resourcegroups\/([^/]+)(\/.*)?$/i.exec(path)
    if (match === null) return undefined
    const [, group = '', rest = ''] = match
    const there = groups.get(group.toLowerCase())
    if (rest === '') {
      if (method === 'PUT' || method === 'PATCH') {
        if (method === 'PATCH' && there === undefined)
          return refuse(
            404,
            'ResourceGroupNotFound',
            `Resource group '${group}' could not be found.`,
          )
        const made = {
          ...there,
          ...Object(body),
          name: group,
          properties: { provisioningState: 'Succeeded' },
        }
        groups.set(group.toLowerCase(), made)
        return { status: there === undefined ? 201 : 200, body: made }
      }
      if (there === undefined)
        return refuse(404, 'ResourceGroupNotFound', `Resource group '${group}' could not be found.`)
      return method === 'DELETE' ? removeGroup(group) : ok(there)
    }
    if (there === undefined)
      return refuse(404, 'ResourceGroupNotFound', `Resource group '${group}' could not be found.`)
    const prefix = `/subscriptions/${SUBSCRIPTION}/resourcegroups/${group}/`.toLowerCase()
    if (rest === '/resources')
      return ok({
        value: [...resources]
          .filter(
            ([id]) => id.startsWith(prefix) && TOP.test(id) && id.split('/providers/').length === 2,
          )
          .map(([, { id, name, type, tags, location }]) => ({ id, name, type, tags, location })),
      })
    const deployment =
      /^\/providers\/Microsoft\.Resources\/deployments\/([^/]+)(\/operations)?$/i.exec(rest)
    if (deployment !== null) {
      const [, name = '', ofOperations] = deployment
      if (method === 'PUT') return deployTo(group, name, Object(Object(body).properties))
      const found = deployments.get(path.replace(/\/operations$/, '').toLowerCase())
      if (found === undefined)
        return refuse(404, 'DeploymentNotFound', `Deployment '${name}' could not be found.`)
      if (ofOperations !== undefined) return ok({ value: found.operations })
      found.left--
      return ok(
        found.left > 0
          ? { ...found.body, properties: { provisioningState: 'Running' } }
          : found.body,
      )
    }
    return undefined
  }

  function siteOf(path: string, method: string): Answer | undefined {
    const match = /\/providers\/Microsoft\.Web\/sites\/([^/]+)\/(.+)$/i.exec(path)
    if (match === null) return undefined
    const [, app = '', rest] = match
    if (rest === 'config/appsettings/list' && method === 'POST')
      return ok({ properties: settings.get(app) ?? {} })
    if (rest === 'config/configreferences/appsettings/refresh' && method === 'POST') return ok({})
    if (rest === 'functions') {
      const zip = published.get(app)
      const names = zip === undefined ? [] : list(zip).filter((name) => !hidden.has(name))
      return ok({ value: names.map((name) => ({ name: `${app}/${name}` })) })
    }
    if (rest === 'host/default/listKeys' && method === 'POST')
      return ok({ masterKey: 'the-master-key', functionKeys: { default: 'the-function-key' } })
    return undefined
  }

  function armOf(url: URL, method: string, body: unknown): Answer {
    const path = decodeURIComponent(url.pathname)
    if (!url.searchParams.has('api-version'))
      return refuse(
        400,
        'MissingApiVersionParameter',
        'The api-version query parameter (?api-version=) is required for all requests.',
      )
    if (!path.toLowerCase().startsWith(`/subscriptions/${SUBSCRIPTION}/`))
      return refuse(
        404,
        'SubscriptionNotFound',
        `The subscription '${path.split('/')[2]}' could not be found.`,
      )
    const vault = /\/deletedVaults\/([^/]+)(\/purge)?$/.exec(path)
    if (vault !== null) {
      const [, name = '', purge] = vault
      if (!deletedVaults.has(name)) return refuse(404, 'DeletedVaultNotFound', name)
      if (purge === undefined) return ok({ name })
      deletedVaults.delete(name)
      return later()
    }
    const provider = /^\/subscriptions\/[^/]+\/providers\/([^/]+)(\/register)?$/.exec(path)
    if (provider !== null) {
      const [, namespace = '', register] = provider
      if (!PROVIDERS.includes(namespace)) return refuse(404, 'InvalidResourceNamespace', namespace)
      const off = unregistered.has(namespace)
      if (register !== undefined) unregistered.delete(namespace)
      const types = [...resources.values()]
        .map(({ type }) => type)
        .filter((type) => type.startsWith(`${namespace}/`))
      return ok({
        namespace,
        registrationState: off ? 'Registering' : 'Registered',
        resourceTypes: [...new Set(types)].map((type) => ({
          resourceType: type.slice(namespace.length + 1),
          apiVersions: ['2025-01-01', '2026-01-01-preview', '2024-01-01'],
        })),
      })
    }
    const special = siteOf(path, method) ?? groupOf(path, method, body)
    if (special !== undefined) return special
    if (/\/providers\/Microsoft\.Authorization\/roleAssignments$/i.test(path)) {
      const [, principal] =
        /principalId eq '([^']+)'/.exec(url.searchParams.get('$filter') ?? '') ?? []
      return ok({
        value: [...resources.values()]
          .filter(
            (one) =>
              one.type === 'Microsoft.Authorization/roleAssignments' &&
              Object(one['properties']).principalId === principal,
          )
          .map((one) => ({
            ...one,
            properties: { ...Object(one['properties']), scope: one['scope'] },
          })),
      })
    }
    const children = /\/sqlRoleAssignments$|\/databaseAccounts$/i.exec(path)
    if (children !== null)
      return ok({
        value: [...resources]
          .filter(
            ([id]) =>
              id.startsWith(`${path.toLowerCase()}/`) && !id.slice(path.length + 1).includes('/'),
          )
          .map(([, one]) => one),
      })
    const found = resources.get(path.toLowerCase())
    if (found === undefined)
      return refuse(404, 'ResourceNotFound', `The Resource '${path}' was not found.`)
    if (method === 'GET') {
      if (found.type === 'Microsoft.Web/sites') looked = found.name
      return ok(found)
    }
    if (method !== 'DELETE') return refuse(405, 'MethodNotAllowed', method)
    for (const id of [...resources.keys()])
      if (id === path.toLowerCase() || id.startsWith(`${path.toLowerCase()}/`)) resources.delete(id)
    if (found.type === 'Microsoft.Web/sites') published.delete(found.name)
    if (found.type === 'Microsoft.KeyVault/vaults') deletedVaults.add(found.name)
    return later(1)
  }

  /** Whether the app may read what is published: its identity holds the role on the storage of packages. */
  function mayPublish(): boolean {
    if (roleDelay > 0) {
      roleDelay--
      return false
    }
    return [...resources.values()].some(
      ({ type, properties }) =>
        type === 'Microsoft.Authorization/roleAssignments' &&
        String(Object(properties).roleDefinitionId).endsWith(
          'b7e6dc6d-f1e8-4753-8033-0f276bb0955b',
        ),
    )
  }

  function scmOf(url: URL, method: string, raw: Buffer, type: string): Answer {
    const path = url.pathname.replace(/^\/scm/, '')
    if (path === '/api/publish' && method === 'POST') {
      if (type !== 'application/zip') return { status: 415, body: 'application/zip' }
      if (url.searchParams.get('RemoteBuild') !== 'false')
        return { status: 400, body: 'RemoteBuild' }
      // One address stands for those of all apps: meant is the one that was looked up before.
      if (looked === undefined) return { status: 404, body: '' }
      const names = Object.keys(filesOf(raw))
      const id = randomUUID()
      const broken = failingPublish.shift()
      const end =
        broken ??
        (names.includes('host.json')
          ? mayPublish()
            ? { status: 4, text: 'OK' }
            : {
                status: 3,
                text: 'Failed to upload package: AuthorizationPermissionMismatch, this request is not authorized to perform this operation using this permission.',
              }
          : { status: 3, text: 'host.json is missing' })
      if (end.status === 4) published.set(looked, raw)
      publishing.set(id, { left: 2, end })
      return { status: 202, body: id }
    }
    const deployment = /^\/api\/deployments\/([^/]+)(\/log)?$/.exec(path)
    const found = publishing.get(deployment?.[1] ?? '')
    if (found === undefined) return { status: 404, body: '' }
    if (deployment?.[2] !== undefined)
      return ok((found.end.log ?? []).map((message) => ({ message })))
    found.left--
    return ok(
      found.left > 0 ? { status: 2 } : { status: found.end.status, status_text: found.end.text },
    )
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const raw = Buffer.concat(chunks)
      const url = new URL(request.url ?? '/', origin())
      const method = request.method ?? 'GET'
      const type = request.headers['content-type'] ?? ''
      const body: unknown =
        type.includes('json') && raw.length > 0
          ? JSON.parse(raw.toString())
          : raw.toString('latin1').slice(0, 100)
      const answer = answerOf()
      const text =
        answer.body === undefined
          ? ''
          : typeof answer.body === 'string' && !url.pathname.startsWith('/scm')
            ? answer.body
            : JSON.stringify(answer.body)
      response.writeHead(answer.status, {
        'content-type': 'application/json',
        'x-ms-correlation-request-id': uuidOf(`correlation ${seen.length}`),
        ...answer.headers,
      })
      response.end(text)

      function answerOf(): Answer {
        if (url.pathname === '/msi/token')
          return request.headers['x-identity-header'] === SECRET
            ? ok({
                access_token: TOKEN,
                expires_on: String(Math.floor(Date.now() / 1000) + 3_600),
                resource: url.searchParams.get('resource'),
                token_type: 'Bearer',
              })
            : refuse(400, 'invalid_request', 'no secret')
        const call = {
          method,
          path: decodeURIComponent(`${url.pathname}${url.search}`),
          body,
          headers: request.headers,
        }
        seen.push(call)
        const fault = faults.find(({ match }) => match.test(`${method} ${call.path}`))
        if (fault !== undefined) {
          fault.times = (fault.times ?? 1) - 1
          if (fault.times <= 0) faults.splice(faults.indexOf(fault), 1)
          return { status: fault.status, body: fault.body ?? '', headers: fault.headers ?? {} }
        }
        if (url.pathname.startsWith('/app/')) {
          const { status, text } = serve({ ...call, path: call.path.slice('/app'.length) })
          return { status, body: text }
        }
        if (request.headers.authorization !== `Bearer ${TOKEN}`)
          return refuse(
            401,
            'AuthenticationFailed',
            'Authentication failed. The Authorization header is missing.',
          )
        const operation = /^\/operations\/(.+)$/.exec(url.pathname)?.[1]
        if (operation !== undefined) {
          const left = (operations.get(operation) ?? 0) - 1
          operations.set(operation, left)
          return left > 0
            ? {
                status: 202,
                headers: { location: `${origin()}/operations/${operation}?api-version=2024-01-01` },
              }
            : { status: 200 }
        }
        if (url.pathname.startsWith('/insights/v1/apps/'))
          return ok({
            tables: [
              {
                columns: ['timestamp', 'itemType', 'severityLevel', 'text'].map((name) => ({
                  name,
                })),
                rows: logRows,
              },
            ],
          })
        if (url.pathname.startsWith('/scm/')) return scmOf(url, method, raw, type)
        return armOf(url, method, body)
      }
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  port = typeof address === 'object' && address !== null ? address.port : 0

  return {
    origin: origin(),
    env: {
      AZURE_ARM_ENDPOINT: origin(),
      AZURE_SCM_ENDPOINT: `${origin()}/scm`,
      AZURE_APP_ENDPOINT: `${origin()}/app`,
      AZURE_INSIGHTS_ENDPOINT: `${origin()}/insights`,
      IDENTITY_ENDPOINT: `${origin()}/msi/token`,
      IDENTITY_HEADER: SECRET,
      AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential',
    },
    resources,
    groups,
    seen,
    published,
    settings,
    secrets,
    deletedVaults,
    unregistered,
    hidden,
    logRows,
    find(type, name = /./) {
      const found = [...resources.values()].find((one) => one.type === type && name.test(one.name))
      if (found === undefined) throw new Error(`expected ${type} ${name}, found none`)
      return found
    },
    forget: () => seen.splice(0),
    changes: () =>
      seen
        .filter(({ method, path }) => method !== 'GET' && !/\/list(?:Keys)?\?|\/query$/.test(path))
        .map(({ method, path }) => `${method} ${path.replace(/\?.*$/, '')}`),
    fail: (fault) => faults.push(fault),
    clearFaults: () => faults.splice(0),
    failResource: (fault) => failing.push(fault),
    failPublish: (fault) => failingPublish.push(fault),
    delayRoles(attempts) {
      roleDelay = attempts
    },
    listBy(given) {
      list = given
    },
    serve(given) {
      serve = given
    },
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

/** An id that only these words make. */
function uuidOf(words: string): string {
  let hash = 0
  for (const letter of words) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) >>> 0
  return `${hash.toString(16).padStart(8, '0')}-0000-4000-8000-${String(words.length).padStart(12, '0')}`
}
