import * as z from 'zod'
import type { Core } from '../create-core.ts'
import { CoreError } from '../errors.ts'
import { fromBase64 } from '../model/base64.ts'
import { COMMAND_ACKS, COMMAND_STATES, type ReceivedCommand } from '../model/command.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import { AnyJson, DeviceId, Instant, limit, whole } from './schemas.ts'

/** A body has room for the largest payload in base64 and what stands beside it. */
const MAX_BODY_BYTES = 262_144

const MAX_LEASE_SECONDS = 3_600

const DeviceParams = z.strictObject({ deviceId: DeviceId })
const LockParams = DeviceParams.extend({
  lockToken: z.string().meta({ description: 'The ETag of the command that is held.' }),
})

const Text = z.string('expected a text')
const NumberOf = z.number('expected a number')

const NewCommand = z
  .strictObject({
    commandId: Text.exactOptional().meta({
      description: 'Makes a second sending no second command; made up unless given.',
    }),
    name: Text.default('message').meta({ description: 'What the device is asked to do.' }),
    payload: AnyJson.exactOptional().meta({ description: 'Sent as JSON.' }),
    payloadText: Text.exactOptional().meta({ description: 'Sent as text.' }),
    payloadBase64: Text.exactOptional().meta({ description: 'Sent as bytes.' }),
    contentType: Text.exactOptional(),
    correlationId: Text.exactOptional(),
    properties: z
      .record(z.string(), z.string('expected texts by name'), 'expected texts by name')
      .exactOptional(),
    ttlSeconds: NumberOf.exactOptional().meta({ description: 'How long it may wait.' }),
    expiresAt: NumberOf.exactOptional().meta({ description: 'Until when it may wait, epoch ms.' }),
    priority: NumberOf.exactOptional().meta({ description: '0 to 9; the higher one goes first.' }),
    maxDeliveries: NumberOf.exactOptional(),
    ack: z
      .enum(COMMAND_ACKS, `expected ${COMMAND_ACKS.join(', ')}`)
      .exactOptional()
      .meta({ description: 'Which ends the sender wants to be told of.' }),
  })
  .meta({ id: 'NewCommand' })

const Command = z
  .object({
    deviceId: z.string(),
    commandId: z.string(),
    name: z.string(),
    state: z.enum(COMMAND_STATES),
    enqueuedAt: Instant,
    expiresAt: Instant,
    deliveries: z.int(),
    maxDeliveries: z.int(),
    priority: z.int(),
    ack: z.enum(COMMAND_ACKS),
    bytes: z.int(),
    sentBy: z.string().optional(),
    finishedAt: Instant.optional(),
    reason: z.string().optional().meta({ description: 'Why it ended, where somebody said so.' }),
    lockedUntil: Instant.optional().meta({ description: 'Until when the device holds it.' }),
  })
  .meta({ id: 'Command' })

const Feedback = z
  .object({
    id: z.string(),
    at: Instant,
    originalMessageId: z.string(),
    deviceId: z.string(),
    deviceGenerationId: z.string(),
    statusCode: z.enum(['Success', 'Expired', 'DeliveryCountExceeded', 'Rejected', 'Purged']),
    description: z.string(),
    enqueuedTimeUtc: z.string().meta({ description: 'ISO 8601.' }),
  })
  .meta({ id: 'CommandFeedback' })

const Seconds = z
  .string()
  .regex(/^\d{1,6}(?:\.\d{1,3})?$/, 'expected seconds')
  .transform(Number)

/** What a device that holds no connection does about its commands; who stands for it may report for it too. */
const AS_DEVICE = 'telemetry:write'

/** Commands and methods: people send and look, a device without a connection asks for its next command. */
export function commandEndpoints({ commands, methods }: Core): readonly Endpoint[] {
  return [
    endpoint({
      method: 'post',
      path: '/devices/{deviceId}/commands',
      operation: 'sendCommand',
      tag: 'Commands',
      summary: 'Queues a command.',
      needs: 'commands:write',
      params: DeviceParams,
      body: NewCommand,
      bodyOptional: true,
      maxBytes: MAX_BODY_BYTES,
      status: 202,
      answer: Command,
      async handle({ context, caller, params: { deviceId }, body }) {
        const { ttlSeconds, payload, payloadText, payloadBase64, contentType, ...rest } = body
        const command = await commands.send(deviceId, {
          ...rest,
          ...readPayload(body),
          ...(ttlSeconds === undefined ? {} : { ttlMs: ttlSeconds * 1_000 }),
          sentBy: caller.id,
        })
        context.set('change', {
          target: `device/${deviceId}/command/${command.commandId}`,
          after: { name: command.name, bytes: command.bytes },
        })
        return { ...command }
      },
    }),
    endpoint({
      method: 'get',
      path: '/devices/{deviceId}/commands',
      operation: 'listCommands',
      tag: 'Commands',
      summary: 'Commands that wait or are held, and those that ended lately.',
      needs: 'commands:read',
      params: DeviceParams,
      answer: z.object({ commands: z.array(Command) }),
      handle: async ({ params: { deviceId } }) => ({ commands: await commands.list(deviceId) }),
    }),
    endpoint({
      method: 'get',
      path: '/devices/{deviceId}/commands/{commandId}',
      operation: 'getCommand',
      tag: 'Commands',
      summary: 'One command, and how far it came.',
      needs: 'commands:read',
      params: DeviceParams.extend({ commandId: z.string() }),
      answer: Command,
      async handle({ params: { deviceId, commandId } }) {
        const command = await commands.get(deviceId, commandId)
        if (command === undefined)
          throw new CoreError('input.not_found', 'expected a command that waits or ended lately')
        return { ...command }
      },
    }),
    endpoint({
      method: 'delete',
      path: '/devices/{deviceId}/commands',
      operation: 'purgeCommands',
      tag: 'Commands',
      summary: 'Ends all commands that have not ended.',
      needs: 'commands:write',
      params: DeviceParams,
      answer: z.object({ purged: z.int() }),
      async handle({ context, params: { deviceId } }) {
        const purged = await commands.purge(deviceId)
        context.set('change', { target: `device/${deviceId}/commands`, after: { purged } })
        return { purged }
      },
    }),
    endpoint({
      method: 'post',
      path: '/devices/{deviceId}/methods/{method}',
      operation: 'invokeMethod',
      tag: 'Commands',
      summary: 'Asks a device that is there, and waits for its answer.',
      description: 'Nothing is queued, and nothing is asked twice.',
      needs: 'commands:write',
      params: DeviceParams.extend({ method: z.string() }),
      query: z.strictObject({
        connectTimeout: Seconds.optional().meta({
          description: 'Seconds to wait for the device to be there; 0 unless given.',
        }),
        responseTimeout: Seconds.optional().meta({
          description: 'Seconds to wait for its answer; 30 unless given.',
        }),
      }),
      body: AnyJson,
      bodyOptional: true,
      emptyBody: null,
      maxBytes: MAX_BODY_BYTES,
      answer: z
        .object({ status: z.int(), payload: AnyJson })
        .meta({ id: 'MethodAnswer', description: 'The status is the device’s own.' }),
      async handle({ context, params: { deviceId, method: name }, query, body: payload }) {
        const { connectTimeout: connect, responseTimeout: response } = query
        const answer = await methods.invoke(deviceId, {
          name,
          payload,
          ...(connect === undefined ? {} : { connectTimeoutMs: connect * 1_000 }),
          ...(response === undefined ? {} : { responseTimeoutMs: response * 1_000 }),
        })
        context.set('change', {
          target: `device/${deviceId}/method/${name}`,
          after: { status: answer.status },
        })
        return { ...answer }
      },
    }),

    // The device's side, for those that hold no connection.

    endpoint({
      method: 'get',
      path: '/devices/{deviceId}/executions/next',
      operation: 'receiveCommand',
      tag: 'Commands',
      summary: 'Hands the next command to its device, which holds it then.',
      description:
        'The payload is the body; its name and its properties are in headers, the lock is the ETag.',
      needs: AS_DEVICE,
      params: DeviceParams,
      contentType: 'application/octet-stream',
      answer: AnyJson,
      others: { 204: { description: 'None waits.' } },
      async handle({ context, params: { deviceId } }) {
        const received = await commands.receive(deviceId)
        return received === undefined ? context.body(null, 204) : receivedAnswer(received)
      },
    }),
    endpoint({
      method: 'delete',
      path: '/devices/{deviceId}/executions/{lockToken}',
      operation: 'settleCommand',
      tag: 'Commands',
      summary: 'The device did what it was asked, or will not.',
      needs: AS_DEVICE,
      params: LockParams,
      query: z.strictObject({
        reject: z.string().optional().meta({ description: 'It will not.' }),
        reason: z.string().optional(),
      }),
      async handle({ params: { deviceId, lockToken }, query: { reject, reason } }) {
        const how = reject === undefined ? 'complete' : 'reject'
        await commands.settle(deviceId, lockToken, how, reason)
        return undefined
      },
    }),
    endpoint({
      method: 'post',
      path: '/devices/{deviceId}/executions/{lockToken}/abandon',
      operation: 'abandonCommand',
      tag: 'Commands',
      summary: 'The command waits again.',
      needs: AS_DEVICE,
      params: LockParams,
      idempotent: false,
      async handle({ params: { deviceId, lockToken } }) {
        await commands.settle(deviceId, lockToken, 'abandon')
        return undefined
      },
    }),

    endpoint({
      method: 'get',
      path: '/commands/feedback',
      operation: 'claimFeedback',
      tag: 'Commands',
      summary: 'Takes what became of commands, and hides it from others for a while.',
      needs: 'commands:write',
      query: z.strictObject({
        limit: limit(50, 1_000),
        leaseSeconds: whole(0, MAX_LEASE_SECONDS)
          .optional()
          .meta({ description: 'For how long; 60 unless given.' }),
      }),
      answer: z.object({ feedback: z.array(Feedback) }),
      async handle({ query: { limit, leaseSeconds = 60 } }) {
        const found = await commands.claimFeedback(limit, leaseSeconds * 1_000)
        return { feedback: found.map(({ id, at, feedback }) => ({ id, at, ...feedback })) }
      },
    }),
    endpoint({
      method: 'delete',
      path: '/commands/feedback/{feedbackId}',
      operation: 'removeFeedback',
      tag: 'Commands',
      summary: 'The feedback was read.',
      needs: 'commands:write',
      params: z.strictObject({ feedbackId: z.string() }),
      async handle({ params: { feedbackId } }) {
        if (await commands.removeFeedback(feedbackId)) return undefined
        throw new CoreError('input.not_found', 'expected the id of feedback that waits')
      },
    }),
  ]
}

/** Bytes of any kind are the body; what is known of them stands in headers. */
function receivedAnswer(received: ReceivedCommand): Response {
  const { command, payload, contentType, correlationId, properties } = received
  // Headers are bytes: what is beyond ASCII goes in as JSON does it.
  const ascii = (text: string): string => encodeURIComponent(text)
  return new Response(payload.slice(), {
    headers: {
      'content-type': contentType ?? 'application/octet-stream',
      'cache-control': 'no-store',
      etag: `"${received.lockToken}"`,
      'anyhub-command-id': ascii(command.commandId),
      'anyhub-command-name': ascii(command.name),
      'anyhub-delivery-count': String(received.deliveryCount),
      'anyhub-locked-until': new Date(received.lockedUntil).toISOString(),
      'anyhub-expires-at': new Date(command.expiresAt).toISOString(),
      'anyhub-properties': ascii(JSON.stringify(properties)),
      ...(correlationId === undefined ? {} : { 'anyhub-correlation-id': ascii(correlationId) }),
    },
  })
}

/** JSON is sent as JSON, text as text, and anything in base64; nothing unless given. */
function readPayload(body: z.output<typeof NewCommand>): {
  readonly payload: Uint8Array
  readonly contentType?: string
} {
  const { payload, payloadText, payloadBase64, contentType } = body
  const given = Object.entries({ payload, payloadText, payloadBase64 })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name)
  if (given.length > 1) throw malformed(`expected one payload, found ${given.join(' and ')}`)
  const utf8 = new TextEncoder()
  if (payload !== undefined)
    return {
      payload: utf8.encode(JSON.stringify(payload)),
      contentType: contentType ?? 'application/json',
    }
  const typed = contentType === undefined ? {} : { contentType }
  if (payloadBase64 === undefined) return { payload: utf8.encode(payloadText ?? ''), ...typed }
  const bytes = fromBase64(payloadBase64)
  if (bytes === undefined) throw malformed('payloadBase64: expected base64')
  return { payload: bytes, ...typed }
}

function malformed(message: string): CoreError {
  return new CoreError('input.malformed', message)
}
