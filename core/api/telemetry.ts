import * as z from 'zod'
import { type Endpoint, endpoint } from './endpoint.ts'
import { findDevice } from './find-device.ts'
import { AnyJson, DeviceParams, Instant, limit, Time } from './schemas.ts'
import { createIntake, type IntakeOptions } from './telemetry-intake.ts'

const Row = z.object({
  at: Instant,
  messageId: z.string(),
  metrics: z.record(z.string(), z.union([z.number(), z.boolean(), z.string()])),
})

const Summary = z
  .object({
    accepted: z.int(),
    duplicates: z.int(),
    deadLetters: z.array(
      z.object({ index: z.int(), id: z.string(), code: z.string(), reason: z.string() }),
    ),
  })
  .meta({ id: 'Intake', description: 'What became of the messages of one body.' })

/** What devices measured: they post it, people read it. */
export function telemetryEndpoints({ core, add }: IntakeOptions): readonly Endpoint[] {
  const { ports } = core
  const intake = createIntake({ core, add })
  return [
    endpoint({
      method: 'post',
      path: '/devices/{deviceId}/telemetry',
      operation: 'postTelemetry',
      tag: 'Telemetry',
      summary: 'Takes a message of a device, or many in one body.',
      description:
        'A body of JSON, JSON lines or whatever the codec of the device type reads. `Idempotency-Key` names the message, so that it counts once.',
      needs: 'telemetry:write',
      // What is no device's id is kept with its bytes, like everything that cannot be taken.
      params: z.strictObject({ deviceId: z.string() }),
      raw: ['application/json', 'application/x-ndjson', 'application/octet-stream'],
      idempotent: false,
      status: 202,
      answer: Summary,
      handle: ({ context, params }) => intake(context, params.deviceId),
    }),
    endpoint({
      method: 'get',
      path: '/devices/{deviceId}/telemetry',
      operation: 'listTelemetry',
      tag: 'Telemetry',
      summary: 'Rows of one device in the order of time.',
      needs: 'telemetry:read',
      params: DeviceParams,
      query: z.strictObject({
        from: Time.optional().meta({ description: 'Inclusive.' }),
        to: Time.optional().meta({ description: 'Exclusive.' }),
        limit: limit(100, 10_000),
        order: z.enum(['asc', 'desc']).default('desc'),
      }),
      answer: z.object({ rows: z.array(Row), count: z.int() }),
      async handle({ params: { deviceId }, query: { from = 0, to = 8.64e15, limit, order } }) {
        await findDevice(ports, deviceId)
        const rows = await ports.telemetry.range(deviceId, {
          from,
          to,
          limit,
          descending: order === 'desc',
        })
        return { rows, count: await ports.telemetry.count(deviceId) }
      },
    }),
    endpoint({
      method: 'get',
      path: '/cold/{day}',
      operation: 'readCold',
      tag: 'Telemetry',
      summary: 'The archive of one day of UTC, as JSON lines.',
      description: 'The header `anyhub-next` of an answer is `after` of the next one.',
      needs: 'telemetry:read',
      params: z.strictObject({
        day: z.string().regex(/^\d{4}-\d\d-\d\d$/, 'expected a day such as 2026-01-31'),
      }),
      query: z.strictObject({
        after: z
          .string()
          .regex(/^\d{1,15}$/, 'expected a count')
          .optional(),
      }),
      contentType: 'application/x-ndjson',
      answer: AnyJson,
      async handle({ context, params: { day }, query }) {
        const rows = await ports.cold.read(day, Number(query.after ?? 0), 1_000)
        const last = rows.at(-1)
        return context.body(rows.map(({ row }) => `${JSON.stringify(row)}\n`).join(''), 200, {
          'content-type': 'application/x-ndjson',
          ...(last === undefined ? {} : { 'anyhub-next': String(last.position) }),
        })
      },
    }),
  ]
}
