import type { Context } from 'hono'
import type { Core } from '../create-core.ts'
import type { Outcome, Uplink } from '../model/uplink.ts'
import { problem } from './problem.ts'
import { readBody } from './read-body.ts'
import { splitMessages } from './telemetry-body.ts'

/** How many messages one POST may bring. */
const MAX_MESSAGES = 10_000

/** How much of a body is read at most, as a multiple of the limit for one message. */
const BATCH_FACTOR = 32

export interface IntakeOptions {
  readonly core: Core
  /** Hands one uplink to the core; a host that batches puts its batcher here. */
  readonly add: (uplink: Uplink) => Promise<Outcome>
}

/** Takes one message, or many of them in one body, and says what became of each. */
export function createIntake({ core, add }: IntakeOptions) {
  const { ports, program } = core

  /** Keeps the start of a body that is too large to be read, so that somebody can see what it was. */
  async function keepStart(uplink: Uplink, payloadBytes: number): Promise<string> {
    const now = ports.clock.now()
    const id = ports.ids.next(now)
    const { deviceId, topic, payload, contentType, receivedAt, source } = uplink
    ports.observer.count('uplink.received', 1)
    ports.observer.count('uplink.rejected', 1, { code: 'uplink.too_large' })
    await ports.deadLetters.put({
      id,
      at: now,
      topic,
      payload,
      contentType,
      receivedAt,
      source,
      payloadBytes,
      code: 'uplink.too_large',
      reason: `a body of ${payloadBytes} bytes or more; only its start was kept`,
      ...(deviceId === undefined ? {} : { deviceId }),
    })
    return id
  }
  return async (context: Context, deviceId: string): Promise<Response> => {
    const contentType = context.req.header('content-type') ?? ''
    const limit = program.config.limits.bodyBytes
    const body = await readBody(context.req.raw, limit * BATCH_FACTOR)
    const receivedAt = ports.clock.now()
    const times = context.req.header('anyhub-time')?.split(',').map(readSentAt)
    const toUplink = (payload: Uint8Array, index: number, count: number): Uplink => {
      const sentAt = times?.[index]
      const key = context.req.header('idempotency-key')
      return {
        deviceId,
        topic: `devices/${deviceId}/telemetry`,
        payload,
        contentType,
        receivedAt,
        source: 'http',
        ...(sentAt === undefined ? {} : { sentAt }),
        ...(key === undefined ? {} : { messageId: count === 1 ? key : `${key}/${index}` }),
      }
    }
    if (!body.complete) {
      const deadLetterId = await keepStart(
        toUplink(body.bytes.subarray(0, limit), 0, 1),
        body.length,
      )
      const detail = `expected at most ${limit * BATCH_FACTOR} bytes, found ${body.length} or more`
      return problem(context, 413, 'uplink.too_large', detail, { deadLetterId })
    }
    const payloads = splitMessages(body.bytes, contentType)
    if (payloads.length > MAX_MESSAGES) {
      const deadLetterId = await keepStart(
        toUplink(body.bytes.subarray(0, limit), 0, 1),
        body.length,
      )
      return problem(
        context,
        413,
        'uplink.too_large',
        `expected at most ${MAX_MESSAGES} messages, found ${payloads.length}`,
        { deadLetterId },
      )
    }
    if (times !== undefined && times.length !== payloads.length) {
      return problem(
        context,
        400,
        'input.malformed',
        `expected one anyhub-time for each of ${payloads.length} messages, found ${times.length}`,
      )
    }
    const outcomes = await Promise.all(
      payloads.map((payload, index) => add(toUplink(payload, index, payloads.length))),
    )
    const failed = outcomes.find((outcome) => outcome.status === 'retry')
    if (failed?.status === 'retry')
      return problem(context, 503, failed.error.code, failed.error.message)
    const deadLetters = outcomes.flatMap((outcome, index) =>
      outcome.status === 'dead_lettered'
        ? [
            {
              index,
              id: outcome.deadLetterId,
              code: outcome.error.code,
              reason: outcome.error.message,
            },
          ]
        : [],
    )
    const count = (status: Outcome['status']): number =>
      outcomes.filter((outcome) => outcome.status === status).length
    const summary = { accepted: count('accepted'), duplicates: count('duplicate'), deadLetters }
    const only = deadLetters[0]
    if (outcomes.length === 1 && only !== undefined) {
      return problem(
        context,
        only.code === 'uplink.too_large' ? 413 : 422,
        only.code,
        only.reason,
        summary,
      )
    }
    return context.json(summary, 202)
  }
}

/** Epoch ms; what is no number goes on as none, and is found where messages are decoded. */
function readSentAt(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text)
}
