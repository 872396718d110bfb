import { readBody } from '../../../core/api/index.ts'
import {
  type Core,
  CoreError,
  isDeviceId,
  isJsonObject,
  type Json,
  type JsonObject,
  type Outcome,
  type ReceivedCommand,
  type Settlement,
  type Uplink,
} from '../../../core/index.ts'
import { toDeviceBound } from './azure-command.ts'
import { azureError } from './azure-error.ts'
import type { AzureProperties } from './azure-properties.ts'
import { toAzureUplink } from './azure-uplink.ts'
import type { HttpCallerFacts, HttpDialect } from './http-dialect.ts'

// The HTTPS paths of devices at Azure IoT Hub, as azure-iot-device-http speaks them.

export interface AzureHttpOptions {
  readonly core: Core
  /** Hands one uplink to the core. */
  readonly add: (uplink: Uplink) => Promise<Outcome>
}

/** Source: learn.microsoft.com, iot-hub-devguide-quotas-throttling, "Device-to-cloud messaging". */
const MAX_BODY_BYTES = 262_144
const MAX_BATCH = 500

const BATCH_TYPE = 'application/vnd.microsoft.iothub.json'

/** Source: learn.microsoft.com, Device - Receive Device Bound Notification: seconds that the device holds a message. */
const LOCK_HEADER = 'iothub-messagelocktimeout'
const LOCK_SECONDS = { min: 5, max: 300 } as const

const EVENTS = /^\/devices\/([^/]+)\/messages\/events\/?$/i
const BOUND = /^\/devices\/([^/]+)\/messages\/devicebound\/?$/i
const LOCKED = /^\/devices\/([^/]+)\/messages\/devicebound\/([^/]+)(\/abandon)?$/i

/** System properties by the headers that carry them. */
const HEADERS: ReadonlyMap<string, string> = new Map([
  ['iothub-messageid', 'messageId'],
  ['iothub-correlationid', 'correlationId'],
  ['iothub-userid', 'userId'],
  ['iothub-to', 'to'],
  ['iothub-expiry', 'expiryTimeUtc'],
  ['iothub-contenttype', 'contentType'],
  ['iothub-contentencoding', 'contentEncoding'],
  ['iothub-creation-time-utc', 'iothub-creation-time-utc'],
  ['iothub-interface-id', 'iothub-interface-id'],
  ['dt-subject', 'dt-subject'],
])
const APPLICATION = 'iothub-app-'

/** Builds the device paths: telemetry alone and in batches; commands polled, completed, rejected and abandoned. */
export function createAzureHttp({ core, add }: AzureHttpOptions): HttpDialect {
  const { clock, observer } = core.ports

  async function takeEvents(
    deviceId: string,
    request: Request,
    { identity, remoteAddress, rawHeaders }: HttpCallerFacts,
  ): Promise<Response> {
    const { bytes, complete } = await readBody(request, MAX_BODY_BYTES)
    if (!complete)
      return azureError(413, 'MessageTooLarge', `expected at most ${MAX_BODY_BYTES} bytes`)
    const [type = ''] = (request.headers.get('content-type') ?? '').split(';')
    const isBatch = type.trim().toLowerCase() === BATCH_TYPE
    const messages = isBatch
      ? readBatch(bytes)
      : [{ payload: bytes, properties: propertiesOf(pairsOf(rawHeaders)) }]
    if (typeof messages === 'string') return azureError(400, 'ArgumentInvalid', messages)
    const principal = identity?.kind === 'device' ? identity.principal : deviceId
    const outcomes = await Promise.all(
      messages.map(({ payload, properties }) =>
        add(
          toAzureUplink({
            deviceId,
            payload,
            properties,
            source: 'http',
            receivedAt: clock.now(),
            principal,
            sourceIp: remoteAddress,
          }),
        ),
      ),
    )
    const failed = outcomes.find((outcome) => outcome.status === 'retry')
    return failed === undefined
      ? new Response(null, { status: 204 })
      : azureError(503, 'ServiceUnavailable', failed.error.message)
  }

  async function poll(deviceId: string, request: Request): Promise<Response> {
    const lockMs = readLockMs(request.headers.get(LOCK_HEADER))
    if (lockMs === null)
      return azureError(400, 'ArgumentInvalid', 'expected a lock of 5 to 300 seconds')
    const received = await core.commands.receive(deviceId, lockMs === undefined ? {} : { lockMs })
    if (received === undefined) return new Response(null, { status: 204 })
    return new Response(copyOf(received.payload), {
      status: 200,
      headers: headersOf(deviceId, received),
    })
  }

  async function settle(deviceId: string, lockToken: string, how: Settlement): Promise<Response> {
    await core.commands.settle(deviceId, lockToken, how)
    return new Response(null, { status: 204 })
  }

  async function serve(request: Request, caller: HttpCallerFacts): Promise<Response> {
    const url = new URL(request.url)
    const { method } = request
    const events = decode(EVENTS.exec(url.pathname)?.[1])
    if (events !== undefined)
      return method === 'POST' ? takeEvents(events, request, caller) : notServed(method)
    const bound = decode(BOUND.exec(url.pathname)?.[1])
    if (bound !== undefined)
      return method === 'GET' ? poll(checked(bound), request) : notServed(method)
    const locked = LOCKED.exec(url.pathname)
    const deviceId = checked(decode(locked?.[1]) ?? '')
    const lockToken = decode(locked?.[2]) ?? ''
    if (method === 'POST' && locked?.[3] !== undefined)
      return settle(deviceId, lockToken, 'abandon')
    if (method === 'DELETE' && locked?.[3] === undefined)
      return settle(deviceId, lockToken, url.searchParams.has('reject') ? 'reject' : 'complete')
    return notServed(method)
  }

  return {
    owns: (_method, path) => EVENTS.test(path) || BOUND.test(path) || LOCKED.test(path),

    async serve(request, caller) {
      const answer = await serve(request, caller).catch((error: unknown) =>
        toResponse(error, (reason) =>
          observer.log('error', 'request failed', { path: new URL(request.url).pathname, reason }),
        ),
      )
      if (answer.status >= 400)
        observer.count('azure.refused', 1, { transport: 'http', status: String(answer.status) })
      return answer
    },

    refuse: (_status, reason) => {
      observer.count('azure.unauthorized', 1, { transport: 'http' })
      return azureError(401, 'IotHubUnauthorizedAccess', `Unauthorized: ${reason}`)
    },
  }
}

function toResponse(error: unknown, log: (reason: string) => void): Response {
  if (error instanceof CoreError) {
    switch (error.code) {
      case 'command.lock_lost':
        return azureError(412, 'DeviceMessageLockLost', error.message)
      case 'uplink.bad_device_id':
      case 'input.not_found':
        return azureError(404, 'DeviceNotFound', error.message)
      default:
        if (error.retryable) return azureError(503, 'ServiceUnavailable', error.message)
    }
  }
  log(error instanceof Error ? error.message : String(error))
  return azureError(500, 'ServerError', 'server error')
}

function checked(deviceId: string): string {
  if (isDeviceId(deviceId)) return deviceId
  throw new CoreError('uplink.bad_device_id', 'expected a device id, found none')
}

function notServed(method: string): Response {
  return azureError(405, 'ArgumentInvalid', `${method} is not served here`)
}

interface BatchMessage {
  readonly payload: Uint8Array
  readonly properties: AzureProperties
}

/** `[{body: base64, base64Encoded?: false, properties?}]`; a text: why it is none. */
function readBatch(bytes: Uint8Array): readonly BatchMessage[] | string {
  let list: Json
  try {
    list = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return 'expected a batch of messages in JSON'
  }
  if (!Array.isArray(list) || list.length > MAX_BATCH)
    return `expected an array of at most ${MAX_BATCH} messages`
  const messages: BatchMessage[] = []
  for (const item of list) {
    const message = isJsonObject(item) ? readMessage(item) : undefined
    if (message === undefined)
      return `message ${messages.length}: expected {"body": base64, "properties": {name: text}}`
    messages.push(message)
  }
  return messages
}

function readMessage({
  body,
  base64Encoded = true,
  properties = {},
}: JsonObject): BatchMessage | undefined {
  if (typeof body !== 'string' || !isJsonObject(properties)) return undefined
  const pairs: [string, string][] = []
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value !== 'string') return undefined
    pairs.push([name, value])
  }
  const payload = Buffer.from(body, base64Encoded === false ? 'utf8' : 'base64')
  const isWhole = base64Encoded === false || payload.toString('base64') === body
  return isWhole ? { payload, properties: propertiesOf(pairs) } : undefined
}

function propertiesOf(pairs: Iterable<readonly [string, string]>): AzureProperties {
  const system: [string, string][] = []
  const application: [string, string][] = []
  for (const [name, value] of pairs) {
    const known = HEADERS.get(name.toLowerCase())
    if (known !== undefined) system.push([known, value])
    else if (name.toLowerCase().startsWith(APPLICATION))
      application.push([name.slice(APPLICATION.length), value])
  }
  return { system: Object.fromEntries(system), application: Object.fromEntries(application) }
}

function* pairsOf(rawHeaders: readonly string[]): Iterable<readonly [string, string]> {
  for (let at = 0; at + 1 < rawHeaders.length; at += 2)
    yield [rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '']
}

/** `null`: not a time that a lock may have. */
function readLockMs(text: string | null): number | undefined | null {
  if (text === null) return undefined
  const seconds = Number(text)
  const isTime =
    /^\d{1,3}$/.test(text) && seconds >= LOCK_SECONDS.min && seconds <= LOCK_SECONDS.max
  return isTime ? seconds * 1_000 : null
}

/** Source: learn.microsoft.com, Device - Receive Device Bound Notification, response headers. */
function headersOf(deviceId: string, received: ReceivedCommand): Headers {
  const { command, lockToken, deliveryCount } = received
  const headers = new Headers()
  const put = (name: string, value: string): void => {
    if (!TOKEN.test(name)) return
    headers.set(name, PRINTABLE.test(value) ? value : encodeURIComponent(value.toWellFormed()))
  }
  put('etag', `"${lockToken}"`)
  put('iothub-enqueuedtime', new Date(command.enqueuedAt).toISOString())
  put('iothub-deliverycount', String(deliveryCount))
  put('iothub-ack', command.ack)
  const { system, application } = toDeviceBound(deviceId, received)
  for (const [header, name] of HEADERS) {
    const value = system[name]
    if (value !== undefined) put(header, value)
  }
  put('content-type', received.contentType ?? 'application/octet-stream')
  for (const [name, value] of Object.entries(application)) put(`${APPLICATION}${name}`, value)
  return headers
}

/** Source: RFC 9110, 5.6.2 and 5.5. What a header cannot say is URL-encoded, or left out. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const PRINTABLE = /^[\x20-\x7e]*$/

function copyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}

function decode(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
