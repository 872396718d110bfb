import * as z from 'zod'
import { readBody } from '../../../core/api/index.ts'
import {
  type Core,
  CoreError,
  type DeviceRecord,
  isDeviceId,
  type Json,
  type JsonObject,
  type RegisteredDevice,
} from '../../../core/index.ts'
import type { TwinDesk } from '../twin-desk.ts'
import { type AzureErrorCode, azureError } from './azure-error.ts'
import { createFeedbackHttp, FEEDBACK } from './azure-feedback-http.ts'
import {
  IdentityBody,
  identityOf,
  tagsOf,
  twinOf,
  versionOf,
  withIdentity,
} from './azure-identity.ts'
import { queryTwins, registered } from './azure-twin-query.ts'
import type { HttpDialect } from './http-dialect.ts'

// The HTTPS interface of IoT Hub for back ends, as azure-iothub speaks it: identities, twins, queries, direct methods.

export interface AzureServiceOptions {
  readonly core: Core
  readonly twins: TwinDesk
  /** Whether an Authorization header is that of the admin, in our words or those of IoT Hub. */
  readonly isBackEnd: (authorization: string | undefined) => boolean
}

const MAX_BODY_BYTES = 1_048_576

/** Source: learn.microsoft.com, IoT Hub service REST, "Bulk Registry". */
const MAX_BULK = 100

/** Identities of one list. Source: learn.microsoft.com, "Devices - Get Devices". */
const MAX_LIST = 1_000

/** A change that meets another one is tried so often, where no entity tag was given. */
const MAX_RACES = 5

const LIST = /^\/devices\/?$/i
const QUERY = /^\/devices\/query\/?$/i
const DEVICE = /^\/devices\/([^/]+)\/?$/i
const COMMANDS = /^\/devices\/([^/]+)\/commands\/?$/i
const TWIN = /^\/twins\/([^/]+)\/?$/i
const METHODS = /^\/twins\/([^/]+)\/methods\/?$/i
const STATISTICS = /^\/statistics\/(devices|service)\/?$/i
/** Parts of IoT Hub that are not there. */
const NOT_THERE =
  /^\/(?:jobs|configurations|digitaltwins)\b|^\/(?:devices|twins)\/[^/]+\/modules\b/i

const PATHS = [LIST, DEVICE, COMMANDS, TWIN, METHODS, STATISTICS, FEEDBACK, NOT_THERE]

const TwinBody = z.looseObject({
  tags: z.record(z.string(), z.json()).nullish(),
  properties: z.looseObject({ desired: z.record(z.string(), z.json()).nullish() }).nullish(),
})

const MethodBody = z.looseObject({
  methodName: z.string(),
  payload: z.json().optional(),
  connectTimeoutInSeconds: z.number().nullish(),
  responseTimeoutInSeconds: z.number().nullish(),
})

const BulkBody = z
  .array(
    IdentityBody.extend({
      id: z.string(),
      importMode: z.string().default('createOrUpdate'),
      eTag: z.string().nullish(),
      tags: z.record(z.string(), z.json()).nullish(),
      properties: TwinBody.shape.properties,
    }),
  )
  .min(1)

type BulkEntry = z.output<typeof BulkBody>[number]

/** Builds the paths of the back end; only the admin gets to them. */
export function createAzureServiceHttp({
  core,
  twins,
  isBackEnd,
}: AzureServiceOptions): HttpDialect {
  const { registry, devices, issuer, clock, observer } = core.ports
  const feedback = createFeedbackHttp(core)

  async function find(deviceId: string): Promise<RegisteredDevice> {
    const device = await registry.get(deviceId)
    if (device !== undefined) return device
    throw new CoreError('input.not_found', `Device ${deviceId} not registered`)
  }

  async function view(device: RegisteredDevice): Promise<JsonObject> {
    return identityOf(device, await devices.load(device.deviceId), clock.now())
  }

  async function create(deviceId: string, wanted: IdentityBody): Promise<RegisteredDevice> {
    if (!isDeviceId(deviceId))
      throw malformed('deviceId: expected 1 to 128 letters, digits and : . _ -')
    if ((await registry.get(deviceId)) !== undefined)
      throw new CoreError('device.exists', `A device with ID '${deviceId}' is already registered`)
    const now = clock.now()
    const fresh = {
      deviceId,
      tags: {},
      enabled: true,
      createdAt: now,
      version: 1,
      credentials: [],
    }
    const device = await withIdentity(fresh, wanted, issuer, now)
    await registry.create(device)
    return device
  }

  /** @throws CoreError `shadow.version_conflict` if the entity tag is of an older identity. */
  async function update(
    deviceId: string,
    wanted: IdentityBody,
    etag: string | null | undefined,
  ): Promise<RegisteredDevice> {
    const expected = versionOf(etag)
    for (let race = 1; ; race++) {
      const before = await find(deviceId)
      checkVersion(before.version, expected)
      const changed = await withIdentity(before, wanted, issuer, clock.now())
      const device = { ...changed, version: before.version + 1 }
      try {
        await registry.update(device)
        return device
      } catch (error) {
        const isLost = error instanceof CoreError && error.code === 'store.conflict'
        if (!isLost || race === MAX_RACES) throw error
      }
    }
  }

  /** A device takes its twin with it: another one may get its name. Its commands go with the registration. */
  async function remove(deviceId: string, etag: string | null | undefined): Promise<void> {
    checkVersion((await find(deviceId)).version, versionOf(etag))
    await registry.remove(deviceId)
    const record = await devices.load(deviceId)
    if (record?.shadows[''] === undefined) return
    const at = clock.now()
    await core.gate.run(deviceId, [{ kind: 'shadow', operation: 'delete', name: '', body: '', at }])
  }

  async function listIdentities(top: string | null): Promise<Response> {
    const limit = Number(top ?? MAX_LIST)
    if (!Number.isInteger(limit) || limit < 1) throw malformed('top: expected a count')
    const found = await registry.list('', Math.min(limit, MAX_LIST))
    return json(await Promise.all(found.map(view)))
  }

  async function serveIdentity(deviceId: string, request: Request): Promise<Response> {
    const { method, headers } = request
    const etag = headers.get('if-match')
    switch (method) {
      case 'GET':
        return withEtag(await view(await find(deviceId)))
      case 'PUT': {
        const wanted = await readJson(request, IdentityBody)
        const device =
          etag === null ? await create(deviceId, wanted) : await update(deviceId, wanted, etag)
        return withEtag(await view(device))
      }
      case 'DELETE':
        await remove(deviceId, etag)
        return new Response(null, { status: 204 })
      default:
        return notServed(method)
    }
  }

  async function readTwin(deviceId: string): Promise<JsonObject> {
    const device = await find(deviceId)
    return twinOf(device, await devices.load(deviceId), clock.now())
  }

  /** @throws CoreError `shadow.*` with the words of the twin that refuses. */
  async function writeTwin(
    deviceId: string,
    body: z.output<typeof TwinBody>,
    { etag, replace }: { readonly etag: string | null | undefined; readonly replace: boolean },
  ): Promise<JsonObject> {
    const device = await find(deviceId)
    const ifVersion = versionOf(etag)
    if (Number.isNaN(ifVersion)) throw conflict()
    const tags = body.tags ?? undefined
    const desired = body.properties?.desired ?? undefined
    const write = {
      ...(replace || tags !== undefined ? { tags: tags ?? {} } : {}),
      ...(replace || desired !== undefined ? { desired: desired ?? {} } : {}),
      replace,
      ...(ifVersion === undefined ? {} : { ifVersion }),
    }
    const started = replace ? write : withFirstTags(write, device, await devices.load(deviceId))
    const done = await twins.write(deviceId, started)
    if (!('fault' in done)) return readTwin(deviceId)
    const { status, message } = done.fault
    if (status === 412) throw conflict()
    throw new CoreError(status === 413 ? 'shadow.too_large' : 'shadow.bad_request', message)
  }

  async function serveTwin(deviceId: string, request: Request): Promise<Response> {
    const { method, headers } = request
    if (method === 'GET') return withEtag(await readTwin(deviceId))
    if (method !== 'PATCH' && method !== 'PUT') return notServed(method)
    const body = await readJson(request, TwinBody)
    const options = { etag: headers.get('if-match'), replace: method === 'PUT' }
    return withEtag(await writeTwin(deviceId, body, options))
  }

  async function invoke(deviceId: string, request: Request): Promise<Response> {
    const body = await readJson(request, MethodBody)
    await find(deviceId)
    const { connectTimeoutInSeconds: connect, responseTimeoutInSeconds: response } = body
    const answer = await core.methods.invoke(deviceId, {
      name: body.methodName,
      ...(body.payload === undefined ? {} : { payload: body.payload }),
      ...(connect === null || connect === undefined ? {} : { connectTimeoutMs: connect * 1_000 }),
      ...(response === null || response === undefined
        ? {}
        : { responseTimeoutMs: response * 1_000 }),
    })
    return json({ status: answer.status, payload: answer.payload })
  }

  async function runQuery(request: Request): Promise<Response> {
    const { query } = await readJson(request, z.looseObject({ query: z.string() }))
    const size = request.headers.get('x-ms-max-item-count')
    const continuation = request.headers.get('x-ms-continuation')
    if (size !== null && !/^[1-9]\d{0,6}$/.test(size))
      throw malformed('x-ms-max-item-count: expected a count')
    const page = await queryTwins(core, query, {
      ...(size === null ? {} : { pageSize: Number(size) }),
      ...(continuation === null || continuation === '' ? {} : { continuation }),
    })
    const answer = json(page.results)
    answer.headers.set('x-ms-item-type', page.isWhole ? 'Twin' : 'Raw')
    if (page.continuation !== undefined) answer.headers.set('x-ms-continuation', page.continuation)
    return answer
  }

  async function changeOne(entry: BulkEntry): Promise<void> {
    const { id, importMode } = entry
    const etag = entry.etag ?? entry.eTag
    const mode = importMode.toLowerCase()
    const ifMatch = mode.endsWith('ifmatchetag') ? etag : null
    switch (mode) {
      case 'create':
        await create(id, entry)
        break
      case 'update':
      case 'updateifmatchetag':
        await update(id, entry, ifMatch)
        break
      case 'createorupdate':
      case 'createorupdateifmatchetag':
        if ((await registry.get(id)) === undefined) await create(id, entry)
        else await update(id, entry, ifMatch)
        break
      case 'delete':
      case 'deleteifmatchetag':
        return remove(id, ifMatch)
      case 'updatetwin':
      case 'updatetwinifmatchetag':
        await writeTwin(id, entry, { etag: ifMatch, replace: false })
        return
      default:
        throw malformed(`importMode: expected create, update or delete, found ${importMode}`)
    }
    const hasTwin = entry.tags || entry.properties?.desired
    if (hasTwin) await writeTwin(id, entry, { etag: null, replace: false })
  }

  async function changeMany(request: Request): Promise<Response> {
    const entries = await readJson(request, BulkBody)
    if (entries.length > MAX_BULK)
      return azureError(413, 'TooManyDevices', `expected at most ${MAX_BULK} devices`)
    const errors: JsonObject[] = []
    for (const entry of entries) {
      try {
        await changeOne(entry)
      } catch (error) {
        const { code, message } = toFault(error)
        if (code === 'ServerError' || code === 'ServiceUnavailable') throw error
        errors.push({ deviceId: entry.id, errorCode: code, errorStatus: message })
      }
    }
    return json({ isSuccessful: errors.length === 0, errors, warnings: [] })
  }

  async function countDevices(what: string): Promise<Response> {
    let total = 0
    let enabled = 0
    let connected = 0
    for await (const device of registered(core, '')) {
      total += 1
      if (device.enabled) enabled += 1
      if (what === 'service' && (await devices.load(device.deviceId))?.presence.connected)
        connected += 1
    }
    return what === 'service'
      ? json({ connectedDeviceCount: connected })
      : json({
          totalDeviceCount: total,
          enabledDeviceCount: enabled,
          disabledDeviceCount: total - enabled,
        })
  }

  async function purge(deviceId: string): Promise<Response> {
    await find(deviceId)
    return json({ totalMessagesPurged: await core.commands.purge(deviceId), deviceId })
  }

  function serve(request: Request): Response | Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    const { method } = request
    if (NOT_THERE.test(pathname))
      return azureError(501, 'NotSupported', 'modules, jobs and configurations are not kept here')
    if (FEEDBACK.test(pathname)) return feedback(method, pathname)
    if (QUERY.test(pathname)) return method === 'POST' ? runQuery(request) : notServed(method)
    if (LIST.test(pathname)) {
      if (method === 'GET') return listIdentities(searchParams.get('top'))
      return method === 'POST' ? changeMany(request) : notServed(method)
    }
    const statistics = STATISTICS.exec(pathname)?.[1]
    if (statistics !== undefined)
      return method === 'GET' ? countDevices(statistics.toLowerCase()) : notServed(method)
    const device = idIn(DEVICE, pathname)
    if (device !== undefined) return serveIdentity(device, request)
    const twin = idIn(TWIN, pathname)
    if (twin !== undefined) return serveTwin(twin, request)
    const called = idIn(METHODS, pathname)
    if (called !== undefined) return method === 'POST' ? invoke(called, request) : notServed(method)
    const queue = idIn(COMMANDS, pathname)
    if (queue !== undefined && method === 'DELETE') return purge(queue)
    return notServed(method)
  }

  function refuse(reason: string): Response {
    observer.count('azure.unauthorized', 1, { transport: 'service' })
    return azureError(401, 'IotHubUnauthorizedAccess', `Unauthorized: ${reason}`)
  }

  return {
    // The same paths without a version are our own API.
    owns: (_method, path, query) =>
      query('api-version') !== undefined && PATHS.some((pattern) => pattern.test(path)),

    async serve(request, { identity }) {
      // Keys stand in the answers: also where anybody on this machine is served, not everybody gets them.
      const proof = request.headers.get('authorization') ?? undefined
      if (identity?.kind !== 'admin' && !isBackEnd(proof))
        return refuse('expected a signature of iothubowner')
      try {
        return await serve(request)
      } catch (error) {
        const { status, code, message } = toFault(error)
        if (code === 'ServerError') {
          const reason = error instanceof Error ? error.message : String(error)
          observer.log('error', 'request failed', { path: new URL(request.url).pathname, reason })
        }
        return azureError(status, code, message)
      }
    },

    refuse: (_status, reason) => refuse(reason),
  }
}

/** Before a device has tags of its own, those it was registered with count: its first change starts from them. */
function withFirstTags<T extends { readonly tags?: JsonObject }>(
  write: T,
  device: RegisteredDevice,
  record: DeviceRecord | undefined,
): T {
  if (write.tags === undefined || tagsOf(device, record) !== device.tags) return write
  return { ...write, tags: { ...device.tags, ...write.tags } }
}

interface Fault {
  readonly status: number
  readonly code: AzureErrorCode
  readonly message: string
}

/** Source: learn.microsoft.com, troubleshoot-error-codes. */
const FAULTS: Readonly<Record<string, readonly [status: number, code: AzureErrorCode]>> = {
  'device.exists': [409, 'DeviceAlreadyExists'],
  'input.not_found': [404, 'DeviceNotFound'],
  'uplink.bad_device_id': [404, 'DeviceNotFound'],
  'shadow.version_conflict': [412, 'PreconditionFailed'],
  'shadow.bad_request': [400, 'ArgumentInvalid'],
  'shadow.too_large': [413, 'RequestEntityTooLarge'],
  'device.record_too_large': [413, 'RequestEntityTooLarge'],
  'input.malformed': [400, 'ArgumentInvalid'],
  'query.invalid': [400, 'ArgumentInvalid'],
  'command.invalid': [400, 'ArgumentInvalid'],
  'method.invalid': [400, 'ArgumentInvalid'],
  'method.device_offline': [404, 'DeviceNotOnline'],
  'method.timed_out': [504, 'GatewayTimeout'],
  'command.queue_full': [403, 'DeviceMaximumQueueDepthExceeded'],
  'device.outbox_full': [429, 'ThrottlingException'],
}

function toFault(error: unknown): Fault {
  if (!(error instanceof CoreError))
    return { status: 500, code: 'ServerError', message: 'server error' }
  const { message } = error
  const [status, code] = FAULTS[error.code] ?? [
    error.retryable ? 503 : 500,
    error.retryable ? 'ServiceUnavailable' : 'ServerError',
  ]
  return { status, code, message }
}

function checkVersion(version: number, expected: number | undefined): void {
  if (expected !== undefined && expected !== version) throw conflict()
}

function conflict(): CoreError {
  return new CoreError(
    'shadow.version_conflict',
    'Precondition failed: the entity tag is not that of the resource as it is now',
  )
}

/** @throws CoreError `input.malformed` for what is not of that shape. */
async function readJson<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
  const { bytes, complete } = await readBody(request, MAX_BODY_BYTES)
  if (!complete)
    throw new CoreError('shadow.too_large', `expected a body of at most ${MAX_BODY_BYTES} bytes`)
  let body: unknown
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw malformed('expected a body of JSON in UTF-8')
  }
  const read = schema.safeParse(body)
  if (read.success) return read.data
  throw malformed(z.prettifyError(read.error))
}

function json(body: Json): Response {
  return new Response(JSON.stringify(body), {
    headers: { 'content-type': 'application/json; charset=utf-8' },
  })
}

function withEtag(body: JsonObject): Response {
  const answer = json(body)
  answer.headers.set('etag', `"${String(body['etag'])}"`)
  return answer
}

function idIn(pattern: RegExp, path: string): string | undefined {
  const found = pattern.exec(path)?.[1]
  if (found === undefined) return undefined
  try {
    return decodeURIComponent(found)
  } catch {
    return found
  }
}

function notServed(method: string): Response {
  return azureError(405, 'ArgumentInvalid', `${method} is not served here`)
}

function malformed(message: string): CoreError {
  return new CoreError('input.malformed', message)
}
