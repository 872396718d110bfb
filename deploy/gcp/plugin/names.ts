import { createHash } from 'node:crypto'
import { DeployError } from './errors.ts'

/** What everything of one service and stage is called at Google. */
export interface Names {
  readonly project: string
  readonly region: string
  readonly prefix: string
  /** Marks what belongs to this service and stage. */
  readonly labels: Readonly<Record<string, string>>
  /** The same mark, for what has no labels. */
  readonly mark: string
  /** `projects/…/locations/…` */
  readonly location: string
  function(key: string): string
  /** Full name; one that is full already is somebody else's, and stays as it is. */
  topic(key: string): string
  subscription(key: string): string
  job(key: string): string
  bucket(key: string): string
  readonly dataset: string
  readonly database: string
  /** E-mail of the account of a function. */
  account(key: string): string
  /** E-mail of the account that calls functions: push subscriptions, schedules and triggers have it. */
  readonly caller: string
  secret(name: string): string
}

export interface NamesOptions {
  readonly service: string
  readonly stage: string
  readonly project: string
  readonly region: string
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly dataset?: string | undefined
  readonly database?: string | undefined
  readonly buckets?: Readonly<Record<string, string | undefined>>
}

/** Key of the account that calls functions; no function may have it. */
export const CALLER = 'caller'

/** @throws DeployError if service and stage make no name that Google takes. */
export function createNames(options: NamesOptions): Names {
  const { service, stage, project, region, buckets = {} } = options
  const prefix = `${service}-${stage}`.toLowerCase()
  if (!/^[a-z][a-z0-9-]{0,40}$/.test(prefix))
    throw new DeployError(
      `service and stage: expected small letters, digits and hyphens, a letter first, at most 41 together; found ${prefix}`,
    )
  const emailOf = (key: string) =>
    `${accountId(`${prefix}-${key}`)}@${project}.iam.gserviceaccount.com`
  return {
    project,
    region,
    prefix,
    labels: { ...options.labels, service: service.toLowerCase(), stage: stage.toLowerCase() },
    mark: `service=${service.toLowerCase()} stage=${stage.toLowerCase()}`,
    location: `projects/${project}/locations/${region}`,
    function: (key) =>
      `projects/${project}/locations/${region}/functions/${bounded(`${prefix}-${kebab(key)}`, 62)}`,
    topic: (key) =>
      key.startsWith('projects/') ? key : `projects/${project}/topics/${prefix}-${key}`,
    subscription: (key) => `projects/${project}/subscriptions/${prefix}-${key}`,
    job: (key) => `projects/${project}/locations/${region}/jobs/${prefix}-${kebab(key)}`,
    bucket: (key) => buckets[key] ?? bounded(`${project}-${prefix}-${key}`.toLowerCase(), 63),
    dataset: options.dataset ?? prefix.replaceAll('-', '_'),
    database: options.database ?? prefix,
    account: (key) => emailOf(kebab(key)),
    caller: emailOf(CALLER),
    secret: (name) => `projects/${project}/secrets/${name}`,
  }
}

/** `ingestHttp` and `ingest_http` as `ingest-http`. */
function kebab(key: string): string {
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replaceAll('_', '-')
    .toLowerCase()
}

/** 6 to 30 characters. Source: REST reference of IAM, projects.serviceAccounts.create. */
function accountId(name: string): string {
  return bounded(name.length < 6 ? `${name}-account` : name, 30)
}

/** A long name keeps its head, and gets a tail that only it has. */
function bounded(name: string, length: number): string {
  if (name.length <= length) return name
  const tail = createHash('sha256').update(name).digest('hex').slice(0, 6)
  return `${name.slice(0, length - 7).replace(/-+$/, '')}-${tail}`
}

/** Last part of a full name. */
export function shortName(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1)
}
