import { createServer, type IncomingMessage } from 'node:http'
import { faultsOf } from './proto-check.ts'

// A Google Cloud of our own, as far as a deployment goes: it keeps what it is told, and refuses what Google refuses.

type Json = Record<string, unknown>

export interface Seen {
  readonly service: string
  readonly method: string
  readonly path: string
  readonly body: unknown
}

/** What one request is to get instead of its answer. */
export interface Fault {
  readonly match: RegExp
  readonly status: number
  readonly body?: Json
  readonly headers?: Readonly<Record<string, string>>
  /** How often; once unless it is said. */
  times?: number
}

export interface Called {
  readonly authorization: string | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export interface GoogleCloud {
  readonly origin: string
  /** Everything that was asked, in order; reads of operations left out. */
  readonly seen: readonly Seen[]
  /** Only what changed something. */
  changes(): readonly Seen[]
  forget(): void
  /** Everything that exists, by its full name. */
  readonly resources: ReadonlyMap<string, Json>
  policyOf(
    resource: string,
  ): readonly { readonly role: string; readonly members: readonly string[] }[]
  /** The zip that a function was last built from. */
  zipOf(functionName: string): Buffer
  fail(fault: Fault): void
  /** Makes the next operation on what matches end in an error. */
  failOperation(match: RegExp, error: { readonly code: number; readonly message: string }): void
  put(name: string, resource: Json): void
  /** Answers calls of functions. */
  serve(
    answer: (functionId: string, called: Called) => Promise<{ status: number; body: string }>,
  ): void
  readonly logEntries: Json[]
  close(): Promise<void>
}

export const PROJECT = 'demo-project'
export const NUMBER = '123456789'
export const REGION = 'europe-west1'
const AGENT = `serviceAccount:service-${NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com`

/** Accounts that Google makes itself. */
const GOOGLES = /@gcp-sa-[\w-]+\.iam\.gserviceaccount\.com$|^allUsers$|^user:/

class Refusal extends Error {
  readonly status: number
  readonly answer: Json
  constructor(status: number, name: string, message: string) {
    super(message)
    this.status = status
    this.answer = { error: { code: status, status: name, message } }
  }
}

const notFound = (name: string) => new Refusal(404, 'NOT_FOUND', `Resource '${name}' was not found`)
const invalid = (message: string) => new Refusal(400, 'INVALID_ARGUMENT', message)

/** Bytes, as JSON writes them. */
const etag = (number: number) => Buffer.from(`etag ${number}`).toString('base64')

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

/** Takes over the fields that the mask names, and no others. */
function patched(old: Json, given: Json, mask: string | null): Json {
  const fields = (mask ?? '').split(',').filter((field) => field !== '')
  if (fields.length === 0) throw invalid('update_mask must be specified')
  const next = { ...old }
  for (const field of fields) {
    const [top = ''] = field.split('.')
    if (top in given) next[top] = given[top]
    else delete next[top]
  }
  return next
}

/** BigQuery answers with the older names of types, and with the mode of every field. */
function schemaAsTold(table: Json): Json {
  if (table['schema'] === undefined) return {}
  const fields = Object.values(objectOf(objectOf(table['schema'])['fields'])).map(objectOf)
  const told = fields.map((field) => ({
    mode: 'NULLABLE',
    ...field,
    type: field['type'] === 'INT64' ? 'INTEGER' : field['type'],
  }))
  return { schema: { fields: told } }
}

/** Opens an empty project with billing on and most interfaces off. */
export async function openGoogleCloud(): Promise<GoogleCloud> {
  const seen: Seen[] = []
  const resources = new Map<string, Json>()
  const policies = new Map<string, Json>()
  const uploads = new Map<string, Buffer>()
  const operations = new Map<string, { left: number; metadata: Json; done: Json }>()
  const enabled = new Set<string>()
  const faults: Fault[] = []
  const operationFaults: { match: RegExp; error: Json }[] = []
  const logEntries: Json[] = []
  let answerCall = async (_id: string, _called: Called) => ({ status: 200, body: '' })
  let count = 0
  let origin = ''

  const must = (name: string): Json => {
    const found = resources.get(name)
    if (found === undefined) throw notFound(name)
    return found
  }
  const under = (prefix: string) =>
    [...resources].filter(
      ([name]) => name.startsWith(prefix) && !name.slice(prefix.length).includes('/'),
    )
  const create = (name: string, resource: Json): Json => {
    if (resources.has(name))
      throw new Refusal(409, 'ALREADY_EXISTS', `Resource '${name}' already exists`)
    resources.set(name, resource)
    return resource
  }
  const drop = (name: string): Json => {
    must(name)
    resources.delete(name)
    policies.delete(name)
    return {}
  }

  /** An operation that is done at the second look. */
  function operation(target: string, scope: string, done: Json): Json {
    const name =
      scope === 'services' ? `operations/op-${++count}` : `${scope}/operations/op-${++count}`
    const at = operationFaults.findIndex(({ match }) => match.test(target))
    const [fault] = at < 0 ? [] : operationFaults.splice(at, 1)
    const metadata = {
      '@type': 'type.googleapis.com/google.cloud.functions.v2.OperationMetadata',
      target,
      apiVersion: 'v2',
    }
    const response = { '@type': 'type.googleapis.com/google.cloud.functions.v2.Function', ...done }
    operations.set(name, {
      left: 2,
      metadata,
      done: fault === undefined ? { response } : { error: fault.error },
    })
    return { name, done: false, metadata }
  }

  function check(messageName: string, body: unknown): void {
    const faults = faultsOf(messageName, body)
    if (faults.length > 0) throw invalid(faults.join('; '))
  }

  const mustHaveAccount = (email: unknown) => {
    must(`projects/${PROJECT}/serviceAccounts/${String(email)}`)
  }

  function checkFunction(id: string, given: Json, stored: Json): void {
    check('google.cloud.functions.v2.Function', given)
    if (!/^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$/.test(id)) throw invalid(`bad function id ${id}`)
    for (const value of Object.values(objectOf(stored['labels'])))
      if (!/^[a-z0-9_-]{0,63}$/.test(String(value))) throw invalid(`bad label value ${value}`)
    const service = objectOf(stored['serviceConfig'])
    mustHaveAccount(service['serviceAccountEmail'])
    for (const one of Object.values(objectOf(service['secretEnvironmentVariables'])))
      must(`projects/${PROJECT}/secrets/${String(objectOf(one)['secret'])}`)
    const trigger = objectOf(stored['eventTrigger'])
    if (trigger['pubsubTopic'] !== undefined) must(String(trigger['pubsubTopic']))
    if (trigger['serviceAccountEmail'] !== undefined)
      mustHaveAccount(trigger['serviceAccountEmail'])
  }

  /** The object that the body names, if it names one; it has to be there. */
  function sourceOf(given: Json): string | undefined {
    const source = objectOf(objectOf(objectOf(given['buildConfig'])['source'])['storageSource'])[
      'object'
    ]
    if (source === undefined) return undefined
    if (!uploads.has(String(source))) throw invalid(`source ${source} was never uploaded`)
    return String(source)
  }

  function store(name: string, next: Json): Json {
    const id = name.slice(name.lastIndexOf('/') + 1)
    const trigger = objectOf(next['eventTrigger'])
    if (next['eventTrigger'] !== undefined) {
      const made = `projects/${PROJECT}/locations/${REGION}/triggers/${id}-000001`
      const subscription = `projects/${PROJECT}/subscriptions/eventarc-${REGION}-${id}-sub`
      next['eventTrigger'] = { ...trigger, trigger: made }
      resources.set(made, { name: made, transport: { pubsub: { subscription } } })
      if (!resources.has(subscription))
        resources.set(subscription, {
          name: subscription,
          topic: trigger['pubsubTopic'],
          ackDeadlineSeconds: 10,
        })
    }
    const revision = Number(objectOf(next['serviceConfig'])['revision'] ?? 0) + 1
    const run = `projects/${PROJECT}/locations/${REGION}/services/${id}`
    next['serviceConfig'] = {
      ...objectOf(next['serviceConfig']),
      service: run,
      uri: `${origin}/run/${id}`,
      revision: String(revision),
    }
    resources.set(run, { name: run })
    const stored = {
      ...next,
      name,
      state: 'ACTIVE',
      environment: 'GEN_2',
      updateTime: '2026-01-01T00:00:00Z',
    }
    resources.set(name, stored)
    return stored
  }

  const functionsPath = /^\/v2\/(projects\/[^/]+\/locations\/[^/]+)\/functions(?:\/([^/:]+))?$/

  function cloudfunctions(method: string, url: URL, given: Json): Json {
    const { pathname: path, searchParams } = url
    if (path.endsWith('/functions:generateUploadUrl')) {
      check('google.cloud.functions.v2.GenerateUploadUrlRequest', given)
      const object = `source-${++count}.zip`
      return {
        uploadUrl: `${origin}/upload/${object}`,
        storageSource: { bucket: 'gcf-v2-uploads', object },
      }
    }
    // What gcloud asks besides.
    if (path.endsWith('/runtimes'))
      return {
        runtimes: ['nodejs22', 'nodejs24'].map((name) => ({
          name,
          stage: 'GA',
          environment: 'GEN_2',
        })),
      }
    const [, parent = '', id] = functionsPath.exec(path) ?? []
    if (parent === '') throw notFound(path)
    if (method === 'GET' && id === undefined) {
      const all = under(`${parent}/functions/`).map(([, one]) => one)
      // One to a page, so that pages are read.
      const at = Number(searchParams.get('pageToken') ?? 0)
      return {
        functions: all.slice(at, at + 1),
        ...(at + 1 < all.length ? { nextPageToken: String(at + 1) } : {}),
      }
    }
    const short = id ?? searchParams.get('functionId') ?? ''
    const name = `${parent}/functions/${short}`
    if (method === 'GET') return must(name)
    if (method === 'DELETE') {
      const { service } = objectOf(must(name)['serviceConfig'])
      const trigger = objectOf(must(name)['eventTrigger'])['trigger']
      if (trigger !== undefined) {
        const { subscription } = objectOf(objectOf(must(String(trigger))['transport'])['pubsub'])
        drop(String(subscription))
        drop(String(trigger))
      }
      drop(String(service))
      drop(name)
      return operation(name, parent, {})
    }
    const old = method === 'POST' ? {} : must(name)
    if (method === 'POST' && resources.has(name))
      throw new Refusal(409, 'ALREADY_EXISTS', `Resource '${name}' already exists`)
    const next =
      method === 'POST' ? { ...given } : patched(old, given, searchParams.get('updateMask'))
    checkFunction(short, given, next)
    const source = sourceOf(given)
    if (source === undefined && 'buildConfig' in given)
      throw invalid('build_config.source is required')
    const willFail = operationFaults.some(({ match }) => match.test(name))
    if (!willFail) {
      if (source !== undefined) uploads.set(name, uploads.get(source) ?? Buffer.alloc(0))
      // What a server keeps of a service when it changes.
      const kept = objectOf(old['serviceConfig'])
      return operation(
        name,
        parent,
        store(name, {
          ...next,
          serviceConfig: { ...objectOf(next['serviceConfig']), revision: kept['revision'] },
        }),
      )
    }
    resources.set(name, {
      ...next,
      name,
      environment: 'GEN_2',
      state: 'FAILED',
      serviceConfig: {
        ...objectOf(next['serviceConfig']),
        ...(old['serviceConfig'] === undefined ? {} : objectOf(old['serviceConfig'])),
      },
    })
    if (next['eventTrigger'] !== undefined)
      resources.set(name, { ...must(name), eventTrigger: next['eventTrigger'] })
    return operation(name, parent, {})
  }

  function iamPolicy(resource: string, verb: string, given: Json): Json {
    if (!resource.startsWith('projects/') || resource !== `projects/${PROJECT}`) must(resource)
    const policy = policies.get(resource) ?? { etag: etag(0), bindings: [] }
    if (verb === 'getIamPolicy') {
      check('google.iam.v1.GetIamPolicyRequest', given)
      return policy
    }
    check('google.iam.v1.SetIamPolicyRequest', given)
    return setPolicy(resource, policy, objectOf(given['policy']))
  }

  function setPolicy(resource: string, policy: Json, next: Json): Json {
    if (next['etag'] !== policy['etag'])
      throw new Refusal(
        409,
        'ABORTED',
        'There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff.',
      )
    const bindings = Object.values(objectOf(next['bindings'])).map(objectOf)
    for (const { members, condition } of bindings) {
      if (condition !== undefined && next['version'] !== 3)
        throw invalid('conditions need version 3')
      for (const member of Object.values(objectOf(members)).map(String)) {
        if (GOOGLES.test(member)) continue
        const email = member.replace(/^serviceAccount:/, '')
        if (!resources.has(`projects/${PROJECT}/serviceAccounts/${email}`))
          throw invalid(`Service account ${email} does not exist.`)
      }
    }
    const stored = { ...next, etag: etag(++count) }
    policies.set(resource, stored)
    return stored
  }

  function pubsub(method: string, path: string, given: Json): Json {
    const name = path.slice('/v1/'.length)
    const [, collection] = /^projects\/[^/]+\/(topics|subscriptions)$/.exec(name) ?? []
    if (collection !== undefined) return { [collection]: under(`${name}/`).map(([, one]) => one) }
    if (method === 'GET') return must(name)
    if (method === 'DELETE') return drop(name)
    const subject = method === 'PATCH' ? objectOf(given['topic'] ?? given['subscription']) : given
    if (name.includes('/subscriptions/')) checkSubscription(subject, method)
    if (method === 'PUT') return create(name, { ...given, name })
    const mask = String(given['updateMask'] ?? '')
    if (/\b(?:topic|enableMessageOrdering|filter)\b/.test(mask))
      throw invalid('immutable field in update_mask')
    const next = patched(must(name), subject, mask)
    resources.set(name, next)
    return next
  }

  function checkSubscription(given: Json, method: string): void {
    if (method === 'PUT') must(String(given['topic']))
    const dead = objectOf(given['deadLetterPolicy'])['deadLetterTopic']
    if (dead !== undefined) must(String(dead))
    const { table } = objectOf(given['bigqueryConfig'])
    if (table === undefined) return
    const [project, dataset, id] = String(table).split('.')
    const full = `projects/${project}/datasets/${dataset}/tables/${id}`
    must(full)
    const policy = policies.get(full)
    const writers = Object.values(objectOf(policy?.['bindings'])).map(objectOf)
    if (
      !writers.some(
        ({ role, members }) =>
          role === 'roles/bigquery.dataEditor' && Object.values(objectOf(members)).includes(AGENT),
      )
    )
      throw new Refusal(403, 'PERMISSION_DENIED', `Pub/Sub may not write to ${table}`)
  }

  function iam(method: string, path: string, given: Json): Json {
    const accounts = `projects/${PROJECT}/serviceAccounts`
    const name = path.slice('/v1/'.length)
    if (method === 'POST') {
      const id = String(given['accountId'])
      if (!/^[a-z](?:[-a-z0-9]{4,28}[a-z0-9])$/.test(id)) throw invalid(`bad account id ${id}`)
      const email = `${id}@${PROJECT}.iam.gserviceaccount.com`
      return create(`${accounts}/${email}`, { email, ...objectOf(given['serviceAccount']) })
    }
    if (name === accounts) return { accounts: under(`${accounts}/`).map(([, one]) => one) }
    return method === 'DELETE' ? drop(name) : must(name)
  }

  function cloudscheduler(method: string, url: URL, given: Json): Json {
    const name = url.pathname.slice('/v1/'.length)
    if (method === 'POST') {
      const target = objectOf(given['httpTarget'])
      // As Scheduler answers.
      const uri = new URL(String(target['uri'])).href
      const headers = { ...objectOf(target['headers']), 'User-Agent': 'Google-Cloud-Scheduler' }
      return create(String(given['name']), { ...given, httpTarget: { ...target, uri, headers } })
    }
    if (name.endsWith('/jobs')) return { jobs: under(`${name}/`).map(([, one]) => one) }
    if (method === 'GET') return must(name)
    if (method === 'DELETE') return drop(name)
    const next = patched(must(name), given, url.searchParams.get('updateMask'))
    resources.set(name, next)
    return next
  }

  function firestore(method: string, url: URL, given: Json): Json {
    const name = url.pathname.slice('/v1/'.length)
    const scope = `projects/${PROJECT}/databases`
    if (name === scope && method === 'POST') {
      const id = url.searchParams.get('databaseId') ?? ''
      if (!/^[a-z][a-z0-9-]{2,61}[a-z0-9]$/.test(id)) throw invalid(`bad database id ${id}`)
      return operation(id, scope, create(`${scope}/${id}`, { ...given, name: `${scope}/${id}` }))
    }
    const [, database = ''] = /^(projects\/[^/]+\/databases\/[^/]+)/.exec(name) ?? []
    must(database)
    if (name.endsWith('/indexes')) {
      if (method === 'GET') return { indexes: under(`${name}/`).map(([, one]) => one) }
      const id = `${name}/${++count}`
      const fields = [
        ...Object.values(objectOf(given['fields'])),
        { fieldPath: '__name__', order: 'ASCENDING' },
      ]
      return operation(id, scope, create(id, { ...given, fields, name: id, state: 'READY' }))
    }
    if (name.includes('/fields/')) {
      if (method === 'GET') return resources.get(name) ?? { name }
      resources.set(name, { name, ttlConfig: { state: 'CREATING' } })
      return operation(name, scope, {})
    }
    if (method === 'GET') return must(name)
    if (method === 'PATCH') {
      resources.set(name, patched(must(name), given, url.searchParams.get('updateMask')))
      return operation(name, scope, must(name))
    }
    for (const inner of [...resources.keys()].filter((key) => key.startsWith(`${name}/`)))
      resources.delete(inner)
    drop(name)
    return operation(name, scope, {})
  }

  function bigquery(method: string, url: URL, given: Json): Json {
    const name = url.pathname.slice('/bigquery/v2/'.length)
    if (method === 'POST') {
      const { datasetId } = objectOf(given['datasetReference'])
      const { tableId } = objectOf(given['tableReference'])
      return create(`${name}/${String(tableId ?? datasetId)}`, { ...given, ...schemaAsTold(given) })
    }
    if (method === 'GET') return must(name)
    if (method === 'PATCH') {
      resources.set(name, { ...must(name), ...given })
      return must(name)
    }
    const inner = [...resources.keys()].filter((key) => key.startsWith(`${name}/`))
    if (inner.length > 0 && url.searchParams.get('deleteContents') !== 'true')
      throw invalid('dataset is in use')
    for (const key of inner) drop(key)
    return drop(name)
  }

  function storage(method: string, url: URL, given: Json): Json {
    const parts = url.pathname
      .slice('/storage/v1/b'.length)
      .split('/')
      .filter((part) => part !== '')
    const [bucket, kind, object] = parts.map(decodeURIComponent)
    if (bucket === undefined) return create(`b/${String(given['name'])}`, given)
    const name = `b/${bucket}`
    if (kind === 'iam') {
      must(name)
      const policy = policies.get(name) ?? { etag: etag(0), bindings: [] }
      return method === 'GET' ? policy : setPolicy(name, policy, given)
    }
    if (kind === 'o') {
      if (object !== undefined) return drop(`${name}/o/${object}`)
      return { items: under(`${name}/o/`).map(([, one]) => one) }
    }
    if (method === 'GET') return must(name)
    if (method === 'PATCH') {
      resources.set(name, { ...must(name), ...given })
      return must(name)
    }
    if (under(`${name}/o/`).length > 0)
      throw new Refusal(409, 'CONFLICT', 'The bucket you tried to delete is not empty.')
    return drop(name)
  }

  function serviceusage(url: URL, given: Json): Json {
    if (url.pathname.endsWith(':batchGet'))
      return {
        services: url.searchParams.getAll('names').map((name) => ({
          name: name.replace(PROJECT, NUMBER),
          state: enabled.has(name.slice(name.lastIndexOf('/') + 1)) ? 'ENABLED' : 'DISABLED',
        })),
      }
    if (url.pathname.endsWith(':generateServiceIdentity')) return operation('agent', 'services', {})
    if (!url.pathname.endsWith(':batchEnable')) return { state: 'ENABLED' }
    const ids = Object.values(objectOf(given['serviceIds'])).map(String)
    if (ids.length > 20) throw invalid('at most 20 services')
    for (const id of ids) enabled.add(id)
    return operation('services', 'services', {})
  }

  function answer(service: string, method: string, url: URL, given: Json): Json {
    const path = url.pathname
    const [, operationName] = /^\/v[12](?:beta1)?\/((?:.+\/)?operations\/[^/]+)$/.exec(path) ?? []
    if (operationName !== undefined) {
      const found = operations.get(operationName)
      if (found === undefined) throw notFound(operationName)
      found.left--
      const { left, metadata, done } = found
      return { name: operationName, metadata, ...(left > 0 ? {} : { done: true, ...done }) }
    }
    const [, resource, verb] =
      /^\/(?:bigquery\/)?v\d\/(.+):(getIamPolicy|setIamPolicy)$/.exec(path) ?? []
    if (resource !== undefined && verb !== undefined) return iamPolicy(resource, verb, given)
    switch (service) {
      case 'cloudresourcemanager':
        return { projectId: PROJECT, projectNumber: NUMBER, lifecycleState: 'ACTIVE' }
      case 'serviceusage':
        return serviceusage(url, given)
      case 'cloudfunctions':
        return cloudfunctions(method, url, given)
      case 'pubsub':
        return pubsub(method, path, given)
      case 'iam':
        return iam(method, path, given)
      case 'cloudscheduler':
        return cloudscheduler(method, url, given)
      case 'firestore':
        return firestore(method, url, given)
      case 'bigquery':
        return bigquery(method, url, given)
      case 'storage':
        return storage(method, url, given)
      case 'eventarc':
        return must(path.slice('/v1/'.length))
      case 'logging':
        return { entries: logEntries }
      case 'iamcredentials': {
        mustHaveAccount(/serviceAccounts\/([^:]+):/.exec(path)?.[1])
        return { token: `id-token-for ${String(given['audience'])}` }
      }
      case 'cloudbuild':
        return {
          serviceAccountEmail: `projects/${PROJECT}/serviceAccounts/${NUMBER}-compute@developer.gserviceaccount.com`,
        }
      default:
        throw notFound(`${service}${path}`)
    }
  }

  const server = createServer(async (request, response) => {
    const send = (
      status: number,
      body: unknown,
      headers: Readonly<Record<string, string>> = {},
    ) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers })
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    }
    try {
      const raw = await read(request)
      const url = new URL(request.url ?? '', origin)
      const [, service = '', rest = ''] = /^\/([a-z]+)(\/.*)?$/.exec(url.pathname) ?? []
      if (service === 'token')
        return send(200, {
          access_token: 'token-of-whoever-deploys',
          issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
          token_type: 'Bearer',
          expires_in: 3600,
        })
      if (service === 'upload') {
        uploads.set(rest.slice(1), raw)
        return send(200, {})
      }
      const { authorization, ...headers } = request.headers
      if (service === 'run' && !rest.startsWith('/v2/')) {
        const { status, body } = await answerCall(rest.split('/')[1] ?? '', {
          authorization,
          headers,
          body: raw.toString(),
        })
        return send(status, body)
      }
      if (authorization !== 'Bearer token-of-whoever-deploys')
        return send(401, {
          error: {
            code: 401,
            status: 'UNAUTHENTICATED',
            message: 'Request had invalid authentication credentials.',
          },
        })
      const method = request.method ?? ''
      const inner = new URL(`${rest}${url.search}`, origin)
      const body = raw.length === 0 ? {} : objectOf(JSON.parse(raw.toString()))
      if (!inner.pathname.includes('/operations/'))
        seen.push({ service, method, path: `${rest}${url.search}`, body })
      const fault = faults.find(({ match }) => match.test(`${method} ${service}${rest}`))
      if (fault !== undefined) {
        fault.times = (fault.times ?? 1) - 1
        if (fault.times <= 0) faults.splice(faults.indexOf(fault), 1)
        return send(fault.status, fault.body ?? '', fault.headers)
      }
      return send(200, answer(service, method, inner, body))
    } catch (error) {
      if (error instanceof Refusal) return send(error.status, error.answer)
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
      return send(500, { error: { code: 500, status: 'INTERNAL', message } })
    }
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  origin = `http://127.0.0.1:${address.port}`

  const READS = /:(?:getIamPolicy|batchGet|generateUploadUrl|generateIdToken)|entries:list/
  return {
    origin,
    seen,
    changes: () => seen.filter(({ method, path }) => method !== 'GET' && !READS.test(path)),
    forget: () => {
      seen.length = 0
    },
    resources,
    policyOf: (resource) =>
      Object.values(objectOf(policies.get(resource)?.['bindings']))
        .map(objectOf)
        .map(({ role, members }) => ({
          role: String(role),
          members: Object.values(objectOf(members)).map(String),
        })),
    zipOf: (name) => {
      const found = uploads.get(name)
      if (found === undefined) throw new Error(`no zip of ${name}`)
      return found
    },
    fail: (fault) => {
      faults.push(fault)
    },
    failOperation: (match, error) => {
      operationFaults.push({ match, error: { ...error } })
    },
    put: (name, resource) => {
      resources.set(name, resource)
    },
    serve: (answer) => {
      answerCall = answer
    },
    logEntries,
    close: () => {
      server.closeAllConnections()
      return new Promise((done) => server.close(() => done()))
    },
  }
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}
