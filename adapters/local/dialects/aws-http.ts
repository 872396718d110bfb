import { type Context, Hono } from 'hono'
import { readBody } from '../../../core/api/index.ts'
import {
  AWS_SHADOW,
  type Core,
  CoreError,
  isDeviceId,
  type JsonObject,
  listNamedShadows,
  type Outcome,
  type Uplink,
} from '../../../core/index.ts'
import type { Identities, Identity } from '../identity.ts'
import { mayPublish } from '../policy.ts'
import type { ShadowDesk, ShadowQuery } from '../shadow-desk.ts'
import type { Meaning } from './dialect.ts'
import { readAnyTopic } from './list.ts'

// The HTTPS data plane of AWS IoT Core, as @aws-sdk/client-iot-data-plane and devices over HTTPS speak it.

export interface AwsHttpOptions {
  readonly core: Core
  readonly desk: ShadowDesk
  /** Hands one uplink to the core. */
  readonly add: (uplink: Uplink) => Promise<Outcome>
  /** Delivers to subscribers; resolves once those that are offline will get it for sure. */
  readonly publish: (message: PlainMessage) => Promise<void> | undefined
  readonly identities: Pick<Identities, 'isRegistered' | 'isDisabled'>
}

export interface PlainMessage {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: 0 | 1
  readonly retain: boolean
}

/** What the listener knows of who asks. */
type Env = { Bindings: { readonly identity?: Identity | undefined } }

/** Source: AWS IoT Core quotas, the size of a message. */
const MAX_BODY_BYTES = 131_072

/** Source: AWS IoT data plane API reference, errors of each operation. */
const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: 'InvalidRequestException',
  401: 'UnauthorizedException',
  403: 'ForbiddenException',
  404: 'ResourceNotFoundException',
  405: 'MethodNotAllowedException',
  409: 'ConflictException',
  413: 'RequestEntityTooLargeException',
  415: 'UnsupportedDocumentEncodingException',
  429: 'ThrottlingException',
  500: 'InternalFailureException',
  503: 'ServiceUnavailableException',
}

/** Whether a path is of this dialect, so that its errors are told in its words. */
export function isAwsPath(path: string): boolean {
  return /^\/(?:things|topics|api\/things)\//.test(path)
}

/** An error in the words of the data plane: SDKs read the header, people the body. */
export function awsError(status: number, message: string): Response {
  const known = ERROR_TYPES[status] === undefined ? 500 : status
  return new Response(JSON.stringify({ message }), {
    status: known,
    headers: {
      'content-type': 'application/json',
      'x-amzn-errortype': ERROR_TYPES[known] ?? 'InternalFailureException',
    },
  })
}

/** Serves one request of somebody who was let in; `undefined`: anybody on this machine. */
export type AwsHttp = (
  request: Request,
  identity: Identity | undefined,
) => Response | Promise<Response>

/** Builds the data plane: shadows, their list, and publishing. */
export function createAwsHttp({ core, desk, add, publish, identities }: AwsHttpOptions): AwsHttp {
  const { clock, devices, observer } = core.ports
  const app = new Hono<Env>()

  app.onError((error, context) => {
    if (error instanceof CoreError) {
      const isFault = error.code === 'uplink.bad_device_id' || error.code === 'input.malformed'
      return awsError(isFault ? 400 : error.retryable ? 503 : 500, error.message)
    }
    observer.log('error', 'request failed', { path: context.req.path, reason: error.message })
    return awsError(500, 'Internal service failure')
  })

  const serve = (operation: ShadowQuery['operation']) => async (context: Context<Env>) => {
    const read = await readBody(context.req.raw, MAX_BODY_BYTES)
    if (!read.complete) return awsError(413, 'The payload exceeds the maximum size allowed')
    const { accepted, body } = await desk.run(
      {
        deviceId: context.req.param('thing') ?? '',
        name: context.req.query('name') ?? '',
        operation,
        body: operation === 'update' ? read.bytes : '',
        by: nameOf(context.env?.identity),
      },
      undefined,
    )
    return accepted ? context.json(body) : shadowError(body)
  }
  app.get('/things/:thing/shadow', serve('get'))
  app.post('/things/:thing/shadow', serve('update'))
  app.delete('/things/:thing/shadow', serve('delete'))
  app.all('/things/:thing/shadow', () =>
    awsError(405, 'The specified combination of HTTP verb and URI is not supported'),
  )

  app.get('/api/things/shadow/ListNamedShadowsForThing/:thing', async (context) => {
    const thing = context.req.param('thing')
    if (!isDeviceId(thing)) return awsError(400, 'Invalid thing name')
    const pageSize = context.req.query('pageSize')
    const record = await devices.load(thing)
    const answer = listNamedShadows(Object.entries(record?.shadows ?? {}), {
      at: Math.floor(clock.now() / 1_000),
      dialect: AWS_SHADOW,
      pageSize: pageSize === undefined ? undefined : Number(pageSize),
      nextToken: context.req.query('nextToken'),
    })
    return 'rejected' in answer ? shadowError(answer.rejected) : context.json(answer.accepted)
  })

  app.post('/topics/*', async (context) => {
    const topic = topicOf(context.req.url)
    const qos = context.req.query('qos') ?? '0'
    if (topic === undefined || topic === '' || /[+#\0]/.test(topic) || !/^[01]$/.test(qos))
      return awsError(400, 'expected a topic without wildcards, and qos 0 or 1')
    const { bytes, complete } = await readBody(context.req.raw, MAX_BODY_BYTES)
    if (!complete) return awsError(413, 'The payload exceeds the maximum size allowed')
    const identity = context.env?.identity
    const { dialect, meaning } = readAnyTopic(topic)
    const isAllowed =
      identity?.kind === 'device'
        ? mayPublish(topic, meaning, identity.deviceId, identities.isRegistered)
        : !('deviceId' in meaning && identities.isDisabled(meaning.deviceId))
    if (!isAllowed) return awsError(403, 'not the own topic of the device')
    if (meaning.kind === 'shadow') {
      const { deviceId, name, operation } = meaning
      await desk.run({ deviceId, name, operation, body: bytes, by: nameOf(identity) }, dialect)
      return done(context)
    }
    const message: PlainMessage = {
      topic,
      payload: bytes,
      qos: qos === '1' ? 1 : 0,
      retain: context.req.query('retain') === 'true',
    }
    const deviceId = senderOf(meaning, identity)
    if (deviceId === undefined) {
      // A back end that speaks to devices: there is no device whose telemetry it could be.
      if (topic.startsWith('$')) return awsError(403, 'the topic is reserved')
      await publish(message)
      return done(context)
    }
    const outcome = await add(
      toUplink(deviceId, topic, meaning, bytes, {
        contentType: context.req.header('content-type') ?? '',
        now: clock.now(),
      }),
    )
    if (outcome.status === 'retry') return awsError(503, outcome.error.message)
    const isForOneRule = meaning.kind === 'own' && meaning.ruleId !== undefined
    if (outcome.status === 'accepted' && !isForOneRule) await publish(message)
    return done(context)
  })

  return (request, identity) => app.fetch(request, { identity })
}

/** Who wants something of a shadow, in words for people. */
function nameOf(identity: Identity | undefined): string {
  if (identity?.kind === 'admin') return 'admin'
  return identity?.kind === 'device' ? 'device' : 'client over HTTP'
}

function senderOf(meaning: Meaning, identity: Identity | undefined): string | undefined {
  if (meaning.kind === 'telemetry') return meaning.deviceId
  return meaning.kind === 'own' && identity?.kind === 'device' ? identity.deviceId : undefined
}

function toUplink(
  deviceId: string,
  topic: string,
  meaning: Meaning,
  payload: Uint8Array,
  { contentType, now }: { readonly contentType: string; readonly now: number },
): Uplink {
  return {
    deviceId,
    topic: meaning.kind === 'own' ? meaning.topic : topic,
    payload,
    contentType,
    receivedAt: now,
    source: 'http',
    ...(meaning.kind === 'own' && meaning.ruleId !== undefined ? { ruleId: meaning.ruleId } : {}),
  }
}

/** The SDK writes the slashes of a topic as %2F, others leave them. */
function topicOf(url: string): string | undefined {
  try {
    return decodeURIComponent(new URL(url).pathname.slice('/topics/'.length))
  } catch {
    return undefined
  }
}

function shadowError(body: unknown): Response {
  const { code, message } = isRejection(body) ? body : { code: 500, message: '' }
  return awsError(code, message)
}

function isRejection(body: unknown): body is JsonObject & { code: number; message: string } {
  return (
    typeof body === 'object' &&
    body !== null &&
    'code' in body &&
    typeof body.code === 'number' &&
    'message' in body &&
    typeof body.message === 'string'
  )
}

function done(context: Context<Env>): Response {
  return context.json({ message: 'OK' })
}
