import * as z from 'zod'
import type { Core } from '../create-core.ts'
import { CoreError } from '../errors.ts'
import { SEVERITIES } from '../model/notification.ts'
import { BroadcastSchema } from '../notifications/broadcast.ts'
import { PreviewSchema } from '../notifications/preview.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import { After, AnyJson, Instant, limit } from './schemas.ts'
import { sentObject } from './sent-object.ts'

/** A notification, and the words of it in many languages. */
const MAX_BODY_BYTES = 262_144

const Params = z.strictObject({ notificationId: z.string() })

const States = z.object({
  queued: z.int(),
  sent: z.int(),
  failed: z.int(),
  expired: z.int(),
  suppressed: z.int(),
})

const Status = z
  .object({
    id: z.string(),
    at: Instant,
    subject: z.string(),
    severity: z.enum(SEVERITIES),
    status: z.enum(['finding', 'found', 'suppressed']).meta({
      description: 'finding: recipients are still being found.',
    }),
    reason: z.string().optional().meta({ description: 'Why nobody is told.' }),
    acknowledged: z.object({ at: Instant, by: z.string() }).optional(),
    deliveries: z.int(),
    states: States,
  })
  .meta({ id: 'Notification' })

const Entry = z
  .object({
    id: z.string(),
    at: Instant,
    subject: z.string(),
    severity: z.enum(SEVERITIES),
    acknowledged: z.object({ at: Instant, by: z.string() }).optional(),
  })
  .meta({ id: 'NotificationEntry' })

const Recipient = z
  .object({
    recipient: z.string().meta({
      description: '`@ann`: a person, `#name`: a subscription; else the channel itself.',
    }),
    channel: z.string(),
    state: z.enum(['queued', 'sent', 'failed', 'expired', 'suppressed']),
    at: Instant.optional(),
    reason: z.string().optional(),
  })
  .meta({ id: 'ToldRecipient' })

const Preview = z
  .object({ channel: z.string(), type: z.string(), content: AnyJson })
  .meta({ id: 'Preview' })

/** Notifications on demand: one call tells a whole audience. */
export function notificationEndpoints({ broadcasts }: Core): readonly Endpoint[] {
  return [
    endpoint({
      method: 'post',
      path: '/notifications',
      operation: 'sendNotification',
      tag: 'Notifications',
      summary: 'Tells an audience something.',
      description: 'The same `Idempotency-Key` is the same notification.',
      needs: 'notifications:write',
      body: BroadcastSchema.meta({ id: 'NewNotification' }),
      bodyOptional: true,
      maxBytes: MAX_BODY_BYTES,
      // Its key names the notification itself, for as long as that is kept.
      idempotent: false,
      status: 202,
      answer: z.object({ id: z.string() }),
      async handle({ context, sent }) {
        const body = sentObject(sent)
        const id = await broadcasts.send(body, context.req.header('idempotency-key'))
        context.header('location', `/notifications/${id}`)
        context.set('change', { target: `notification/${id}`, after: body })
        return { id }
      },
    }),
    endpoint({
      method: 'post',
      path: '/notifications/preview',
      operation: 'previewNotification',
      tag: 'Notifications',
      summary: 'What each channel would send; nothing is sent.',
      needs: 'notifications:read',
      body: PreviewSchema.meta({ id: 'NewPreview' }),
      bodyOptional: true,
      maxBytes: MAX_BODY_BYTES,
      idempotent: false,
      answer: z.object({ previews: z.array(Preview) }),
      handle: ({ sent }) => ({ previews: broadcasts.preview(sentObject(sent)) }),
    }),
    endpoint({
      method: 'get',
      path: '/notifications',
      operation: 'listNotifications',
      tag: 'Notifications',
      summary: 'Notifications on demand, the newest first.',
      description:
        'A page may be shorter than its limit; there is more as long as there is `next`. What became of one stands under its id.',
      needs: 'notifications:read',
      query: z.strictObject({ limit: limit(50, 200), after: After }),
      answer: z.object({ notifications: z.array(Entry), next: z.string().optional() }),
      async handle({ query: { limit, after = '' } }) {
        const { notifications, next } = await broadcasts.list(after, limit)
        return {
          notifications: notifications.map(({ notificationId: id, ...rest }) => ({ id, ...rest })),
          ...(next === undefined ? {} : { next }),
        }
      },
    }),
    endpoint({
      method: 'get',
      path: '/notifications/{notificationId}',
      operation: 'getNotification',
      tag: 'Notifications',
      summary: 'What became of a notification.',
      needs: 'notifications:read',
      params: Params,
      answer: Status,
      async handle({ params }) {
        const status = await broadcasts.status(params.notificationId)
        if (status === undefined) throw notFound()
        const { notificationId: id, ...rest } = status
        return { id, ...rest }
      },
    }),
    endpoint({
      method: 'post',
      path: '/notifications/{notificationId}/acknowledge',
      operation: 'acknowledgeNotification',
      tag: 'Notifications',
      summary: 'Somebody takes note: chains of escalation end.',
      needs: 'notifications:write',
      params: Params,
      async handle({ context, caller, params: { notificationId } }) {
        if (!(await broadcasts.acknowledge(notificationId, caller.id))) throw notFound()
        context.set('change', { target: `notification/${notificationId}` })
        return undefined
      },
    }),
    endpoint({
      method: 'get',
      path: '/notifications/{notificationId}/recipients',
      operation: 'listRecipients',
      tag: 'Notifications',
      summary: 'Who is told.',
      needs: 'people:read',
      params: Params,
      query: z.strictObject({ after: After }),
      answer: z.object({ recipients: z.array(Recipient), next: z.string().optional() }),
      handle: ({ params: { notificationId }, query: { after = '' } }) =>
        broadcasts.told(notificationId, after),
    }),
  ]
}

function notFound(): CoreError {
  return new CoreError('input.not_found', 'expected the id of a notification')
}
