import { createHash } from 'node:crypto'
import { DeployError } from './errors.ts'

/** What everything of one service and stage is called at Azure. */
export interface Names {
  readonly subscriptionId: string
  readonly region: string
  readonly prefix: string
  /** The resource group that holds everything. */
  readonly group: string
  /** `/subscriptions/…/resourceGroups/…` */
  readonly groupId: string
  /** Marks what belongs to this service and stage. */
  readonly tags: Readonly<Record<string, string>>
  /** The function app; its name is part of an address, so nobody else may have it. */
  readonly app: string
  readonly plan: string
  readonly identity: string
  readonly workspace: string
  readonly insights: string
  readonly vault: string
  /** The name of a deployment of Resource Manager. */
  readonly deployment: string
  /** A storage account: 3 to 24 small letters and digits, for the whole of Azure. */
  storage(key: string): string
  /** A name that nobody else has: `{prefix}-{key}-{tail}`, at most `length` characters. */
  global(key: string, length: number): string
  /** `idOf('Microsoft.Storage/storageAccounts/queueServices/queues', 'a/default/b')`: a full resource id. */
  idOf(type: string, name: string): string
}

export interface NamesOptions {
  readonly service: string
  readonly stage: string
  readonly subscriptionId: string
  readonly region: string
  readonly resourceGroup?: string | undefined
  readonly tags?: Readonly<Record<string, string>> | undefined
}

const SUBSCRIPTION = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/** @throws DeployError if service, stage, subscription or group make no name that Azure takes. */
export function createNames(options: NamesOptions): Names {
  const { service, stage, subscriptionId, region, resourceGroup } = options
  const prefix = `${service}-${stage}`
  if (!/^[a-z](?:-?[a-z0-9])*$/.test(prefix) || prefix.length > 32)
    throw new DeployError(
      `service and stage: expected small letters, digits and single hyphens, a letter first, at most 32 together; found ${prefix}`,
    )
  if (!SUBSCRIPTION.test(subscriptionId))
    throw new DeployError(
      `provider.subscriptionId: expected the id of a subscription (az account show --query id), found ${subscriptionId === '' ? 'nothing' : subscriptionId}`,
    )
  const group = resourceGroup ?? prefix
  if (!/^[\w.()-]{1,89}[\w()-]$/.test(group))
    throw new DeployError(
      `provider.resourceGroup: expected letters, digits and . _ - ( ), found ${group}`,
    )
  const groupId = `/subscriptions/${subscriptionId}/resourceGroups/${group}`
  const tail = tailOf(groupId.toLowerCase())
  const global = (key: string, length: number) =>
    `${bounded(`${prefix}-${key}`, length - tail.length - 1)}-${tail}`
  return {
    subscriptionId,
    region,
    prefix,
    group,
    groupId,
    tags: { ...options.tags, service, stage },
    app: `${prefix}-${tail}`,
    plan: prefix,
    identity: prefix,
    workspace: prefix,
    insights: prefix,
    vault: `${bounded(prefix, 24 - tail.length - 1)}-${tail}`,
    deployment: prefix,
    storage: (key) =>
      `${prefix.replaceAll('-', '').slice(0, 24 - tail.length - key.length)}${key}${tail}`,
    global,
    idOf: (type, name) => idOf(groupId, type, name),
  }
}

/** The full id of what stands in a group, or on another resource. */
export function idOf(scope: string, type: string, name: string): string {
  const [namespace = '', ...types] = type.split('/')
  const parts = name.split('/')
  const path = types.map((one, index) => `${one}/${parts[index] ?? ''}`)
  return `${scope}/providers/${namespace}/${path.join('/')}`
}

/** Eight characters that only these words make. */
function tailOf(words: string): string {
  const bytes = createHash('sha256').update(words).digest()
  return bytes.readBigUInt64BE(0).toString(36).padStart(8, '0').slice(-8)
}

function bounded(name: string, length: number): string {
  return name.length <= length ? name : name.slice(0, length).replace(/-+$/, '')
}

/** A UUID that only these words make, the same each time. Source: RFC 9562, version 8. */
export function guidOf(...words: readonly string[]): string {
  const bytes = createHash('sha256').update(words.join('\n').toLowerCase()).digest().subarray(0, 16)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  const hex = bytes.toString('hex')
  return [0, 8, 12, 16, 20]
    .map((from, index) => hex.slice(from, [8, 12, 16, 20, 32][index]))
    .join('-')
}

/** Last part of a full id. */
export function shortName(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1)
}
