import * as z from 'zod/mini'
import { CoreError, isJsonObject, type Json, type JsonObject } from '../../core/index.ts'
import { parseJson } from '../node/web-sender.ts'
import type { AzureClient, AzureRequest, AzureResponse } from './client.ts'
import { header } from './client.ts'
import { lazily } from './lazily.ts'

/** Source: IoT Hub service REST reference. */
const VERSION = 'api-version=2021-04-12'

/** An identity of the hub's registry. The other members are kept as they came. */
export type Identity = Readonly<Record<string, Json>> & {
  readonly deviceId: string
  readonly etag: string
  readonly status: string
  readonly statusReason: string
}

/** A twin as the back end has it. */
export interface Twin {
  readonly etag: string
  /** Counts changes of any section. */
  readonly version: number
  readonly tags: JsonObject
  /** Without `$metadata` and `$version`. */
  readonly desired: JsonObject
  readonly reported: JsonObject
}

/** What the back end changes of a twin: merge patches, null removes. */
export interface TwinPatch {
  readonly tags?: JsonObject
  readonly properties?: { readonly desired: JsonObject }
}

/** What became of a message to a device. Source: IoT Hub, "Send cloud-to-device messages", feedback. */
export interface FeedbackRecord {
  readonly originalMessageId: string
  readonly deviceId: string
  readonly statusCode: string
  readonly description: string
}

/** What somebody asks a device to do now, in whole seconds. */
export interface HubCall {
  readonly name: string
  readonly payload: Json
  readonly connectTimeoutSeconds: number
  readonly responseTimeoutSeconds: number
}

/** The service side of IoT Hub over HTTPS: all of it but what is sent to devices, for which there is only AMQP. */
export interface Hub {
  identity(deviceId: string): Promise<Identity | undefined>
  /** Creates it, or replaces the one of this entity tag. `undefined`: there is one already, or it has another tag. */
  putIdentity(
    deviceId: string,
    body: JsonObject,
    etag: string | undefined,
  ): Promise<Identity | undefined>
  /** Gives false if there was none. */
  removeIdentity(deviceId: string): Promise<boolean>
  twin(deviceId: string): Promise<Twin | undefined>
  /**
   * Gives false if the twin has another entity tag by now.
   * @throws CoreError `input.not_found` if the hub knows no such device; `shadow.bad_request` if a twin cannot have it.
   */
  patchTwin(deviceId: string, patch: TwinPatch, etag: string): Promise<boolean>
  /**
   * Asks a device that is there, once.
   * @throws CoreError `method.device_offline`, `method.timed_out`, `input.not_found`.
   */
  invoke(
    deviceId: string,
    call: HubCall,
  ): Promise<{ readonly status: number; readonly payload: Json }>
  /** Forgets the messages that wait for a device. */
  purge(deviceId: string): Promise<void>
  /** Takes what waits of feedback, and holds it for a minute; `undefined` if nothing does. */
  receiveFeedback(): Promise<
    { readonly lockToken: string; readonly records: readonly FeedbackRecord[] } | undefined
  >
  /** It is done with. */
  completeFeedback(lockToken: string): Promise<void>
}

/** A call may take this much longer than the device is waited for. Unit: ms. */
const CALL_MARGIN_MS = 10_000

const IdentityReply = lazily(() =>
  z.catchall(
    z.object({
      deviceId: z.string(),
      etag: z.string(),
      status: z._default(z.string(), 'enabled'),
      statusReason: z.pipe(
        z.nullish(z.string()),
        z.transform((text) => text ?? ''),
      ),
    }),
    z.json(),
  ),
)

const Section = lazily(() => z._default(z.record(z.string(), z.json()), {}))

const TwinReply = lazily(() =>
  z.object({
    etag: z.string(),
    version: z.number(),
    tags: Section(),
    properties: z._default(z.object({ desired: Section(), reported: Section() }), () => ({
      desired: {},
      reported: {},
    })),
  }),
)

const MethodReply = lazily(() =>
  z.object({ status: z.number(), payload: z._default(z.json(), null) }),
)

export function createHub(client: AzureClient): Hub {
  function send(
    method: AzureRequest['method'],
    path: string,
    more: Pick<AzureRequest, 'headers' | 'body' | 'timeoutMs' | 'tries'> = {},
  ): Promise<AzureResponse> {
    return client.send({ service: 'iothub', method, path: `${path}?${VERSION}`, ...more })
  }

  return {
    async identity(deviceId) {
      const response = await send('GET', pathOf('devices', deviceId))
      if (isMissing(response)) return undefined
      return read(IdentityReply(), accept(response))
    },

    async putIdentity(deviceId, body, etag) {
      const response = await send('PUT', pathOf('devices', deviceId), {
        headers: { ...JSON_BODY, ...(etag === undefined ? {} : { 'if-match': `"${etag}"` }) },
        body: JSON.stringify(body),
      })
      const { status } = response
      if (status === 409 || status === 412 || isMissing(response)) return undefined
      return read(IdentityReply(), accept(response, 'input.malformed'))
    },

    async removeIdentity(deviceId) {
      const response = await send('DELETE', pathOf('devices', deviceId), {
        headers: { 'if-match': '*' },
      })
      if (isMissing(response)) return false
      accept(response)
      return true
    },

    async twin(deviceId) {
      const response = await send('GET', pathOf('twins', deviceId))
      if (isMissing(response)) return undefined
      const { etag, version, tags, properties } = read(TwinReply(), accept(response))
      return {
        etag,
        version,
        tags,
        desired: withoutFacts(properties.desired),
        reported: withoutFacts(properties.reported),
      }
    },

    async patchTwin(deviceId, patch, etag) {
      const response = await send('PATCH', pathOf('twins', deviceId), {
        headers: { ...JSON_BODY, 'if-match': `"${etag}"` },
        body: JSON.stringify(patch),
      })
      if (response.status === 412) return false
      if (isMissing(response)) throw unknownDevice(deviceId)
      accept(response, 'shadow.bad_request')
      return true
    },

    async invoke(deviceId, call) {
      const { name, payload, connectTimeoutSeconds, responseTimeoutSeconds } = call
      const response = await send('POST', `${pathOf('twins', deviceId)}/methods`, {
        headers: JSON_BODY,
        body: JSON.stringify({
          methodName: name,
          payload,
          connectTimeoutInSeconds: connectTimeoutSeconds,
          responseTimeoutInSeconds: responseTimeoutSeconds,
        }),
        timeoutMs: (connectTimeoutSeconds + responseTimeoutSeconds) * 1_000 + CALL_MARGIN_MS,
        // Nothing is asked twice: a device may have done it although nobody heard.
        tries: 1,
      }).catch((error: unknown) => {
        throw callFault(deviceId, error)
      })
      const { code } = hubFaultOf(response)
      if (code === 'DeviceNotOnline')
        throw new CoreError('method.device_offline', `${deviceId}: expected a device that is there`)
      if (isMissing(response)) throw unknownDevice(deviceId)
      return read(MethodReply(), accept(response, 'method.invalid'))
    },

    async purge(deviceId) {
      const response = await send('DELETE', `${pathOf('devices', deviceId)}/commands`)
      if (!isMissing(response)) accept(response)
    },

    async receiveFeedback() {
      const response = await send('GET', FEEDBACK)
      if (response.status === 204) return undefined
      const { headers, body } = accept(response)
      const lockToken = header(headers, 'etag')?.replace(/^"|"$/g, '')
      if (lockToken === undefined)
        throw new CoreError('store.unavailable', 'iothub: expected feedback with its lock')
      return { lockToken, records: feedbackOf(parseJson(body)) }
    },

    async completeFeedback(lockToken) {
      const response = await send('DELETE', `${FEEDBACK}/${encodeURIComponent(lockToken)}`)
      // A lock that was lost: it comes again, and changes nothing then.
      if (response.status !== 412 && response.status !== 404) accept(response)
    },
  }
}

const FEEDBACK = '/messages/servicebound/feedback'
const JSON_BODY = { 'content-type': 'application/json; charset=utf-8' }

function pathOf(kind: 'devices' | 'twins', deviceId: string): string {
  return `/${kind}/${encodeURIComponent(deviceId)}`
}

/** The properties without what the hub says of them. */
export function withoutFacts(section: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(section).filter(([name]) => !name.startsWith('$')))
}

/** Source: IoT Hub, "Send cloud-to-device messages", feedback: what older versions of it number. */
const STATUS_CODES = ['Success', 'Expired', 'DeliveryCountExceeded', 'Rejected', 'Purged'] as const

/**
 * Records of feedback, whose members the hub's documentation writes large and small.
 * Total: what is no record is left out, for it would come again for ever.
 */
function feedbackOf(body: unknown): readonly FeedbackRecord[] {
  const records: readonly unknown[] = Array.isArray(body) ? body : []
  return records.flatMap((record) => {
    if (!isRecord(record)) return []
    const members = new Map(
      Object.entries(record).map(([name, value]) => [name.toLowerCase(), value]),
    )
    const text = (name: string): string => {
      const value = members.get(name)
      return typeof value === 'string' ? value : ''
    }
    const number = members.get('statuscode')
    return [
      {
        originalMessageId: text('originalmessageid'),
        deviceId: text('deviceid'),
        statusCode:
          (typeof number === 'number' ? STATUS_CODES[number] : undefined) ?? text('statuscode'),
        description: text('description'),
      },
    ]
  })
}

/** What the hub says is wrong, by its name, and its sentence. */
interface HubFault {
  readonly code: string
  readonly message: string
}

/** Source: IoT Hub, troubleshoot error codes: numbers whose names matter here. */
const CODES: Readonly<Record<string, string>> = {
  '404001': 'DeviceNotFound',
  '404103': 'DeviceNotOnline',
  '504101': 'GatewayTimeout',
}

/**
 * Reads a fault: the header `iothub-errorcode`, `ErrorCode:…;` in the member `Message`, or JSON with `errorCode` there.
 * Source: IoT Hub, troubleshoot error codes; wire of azure-iothub 1.16.
 */
export function hubFaultOf({ headers, body }: Pick<AzureResponse, 'headers' | 'body'>): HubFault {
  const named = header(headers, 'iothub-errorcode')
  const outer = parseJson(body)
  const text = isRecord(outer) ? (outer['Message'] ?? outer['message']) : undefined
  const said = typeof text === 'string' ? text : body.toString('utf8').slice(0, 200)
  const nested = said.startsWith('{') ? parseJson(Buffer.from(said)) : outer
  const inner = isRecord(nested) ? nested : {}
  const number = String(inner['errorCode'] ?? '')
  const code =
    named ??
    /ErrorCode:(\w+)/.exec(said)?.[1] ??
    (Object.hasOwn(CODES, number) ? CODES[number] : undefined) ??
    number
  const message = typeof inner['message'] === 'string' ? inner['message'] : said
  return { code, message: message.replace(/\s+/g, ' ').slice(0, 200) }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** No such device. Any other 404 is of a hub that is not there. */
function isMissing(response: AzureResponse): boolean {
  return response.status === 404 && hubFaultOf(response).code === 'DeviceNotFound'
}

/** @throws CoreError of the given code for what the hub says is malformed; `store.unavailable` for all else. */
function accept(
  response: AzureResponse,
  malformed: 'input.malformed' | 'shadow.bad_request' | 'method.invalid' | undefined = undefined,
): AzureResponse {
  const { status } = response
  if (status >= 200 && status < 300) return response
  const { code, message } = hubFaultOf(response)
  const found = `found ${status} ${code} ${message}`.trim()
  if (malformed !== undefined && (status === 400 || status === 413))
    throw new CoreError(malformed, `iothub: expected what a hub takes, ${found}`)
  const expected =
    status === 404
      ? 'expected the hub at this address: was it moved or removed?'
      : 'expected an answer,'
  throw new CoreError('store.unavailable', `iothub: ${expected} ${found}`, {
    details: { service: 'iothub', status },
  })
}

function read<T>(schema: z.ZodMiniType<T>, { body }: AzureResponse): T {
  const parsed = schema.safeParse(parseJson(body))
  if (parsed.success) return parsed.data
  const [fault] = parsed.error.issues
  throw new CoreError(
    'store.unavailable',
    `iothub: expected ${fault?.path.join('.') || 'an answer'}: ${fault?.message}`,
  )
}

function unknownDevice(deviceId: string): CoreError {
  return new CoreError('input.not_found', `${deviceId}: expected a device of the hub, found none`)
}

/** 504 is the device's silence, and so is ours; what did not reach the hub did not reach the device. */
function callFault(deviceId: string, error: unknown): unknown {
  if (!(error instanceof CoreError) || error.code !== 'store.unavailable') return error
  if (!/\b504\b|no answer for/.test(error.message)) return error
  return new CoreError('method.timed_out', `${deviceId}: expected an answer in time, found none`, {
    cause: error,
  })
}

/** Whether a twin has these values already. */
export function hasAll(section: JsonObject, patch: JsonObject): boolean {
  return Object.entries(patch).every(([name, value]) => {
    const found = Object.hasOwn(section, name) ? section[name] : undefined
    if (value === null) return found === undefined
    if (isJsonObject(value)) return isJsonObject(found) && hasAll(found, value)
    return JSON.stringify(found) === JSON.stringify(value)
  })
}
