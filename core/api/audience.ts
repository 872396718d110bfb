import * as z from 'zod'
import type { Core } from '../create-core.ts'
import { CoreError } from '../errors.ts'
import { PersonSchema, SubscriptionSchema } from '../notifications/audience-config.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import { After, AnyJson, Instant, whole } from './schemas.ts'
import { sentObject } from './sent-object.ts'

/** One person, or one subscription with its words in many languages. */
const MAX_BODY_BYTES = 65_536

const MOST_LISTED = 1_000

/** A channel as it is, or an own address on it. */
const AddressView = z.union([
  z.string(),
  z.object({ channel: z.string(), to: z.string().optional() }),
])

const PersonView = z
  .object({
    id: z.string(),
    name: z.string().optional(),
    groups: z.array(z.string()).optional(),
    language: z.string().optional(),
    timeZone: z.string().optional(),
    addresses: z.array(AddressView).optional(),
  })
  .meta({ id: 'Person' })

const SubscriptionView = z
  .looseObject({ id: z.string(), to: z.record(z.string(), AnyJson) })
  .meta({ id: 'Subscription', description: 'As it was put.' })

const Inbox = z
  .object({
    waiting: z.int(),
    held: z.array(z.string()).optional().meta({ description: 'Keys of what waits.' }),
    releaseAt: Instant.optional(),
    escalations: z.array(z.object({ key: z.string(), step: z.int(), dueAt: Instant })),
    suppressed: z.array(z.object({ key: z.string(), reason: z.string(), at: Instant })),
  })
  .meta({ id: 'Inbox' })

/** What people and subscriptions have in common. */
const SHELVES = [
  {
    name: 'people',
    one: 'Person',
    many: 'People',
    body: PersonSchema.meta({ id: 'NewPerson' }),
    view: PersonView,
    summary: 'somebody who can be told',
  },
  {
    name: 'subscriptions',
    one: 'Subscription',
    many: 'Subscriptions',
    body: SubscriptionSchema.meta({ id: 'NewSubscription' }),
    view: SubscriptionView,
    summary: 'who wants to be told of what',
  },
] as const

/** People and subscriptions: who can be told, and of what. */
export function audienceEndpoints({ audience }: Core): readonly Endpoint[] {
  return [
    ...SHELVES.flatMap(({ name, one, many, body, view, summary }) => {
      const shelf = audience[name]
      const path = `/${name}/{id}`
      const params = z.strictObject({ id: z.string() })
      return [
        endpoint({
          method: 'get',
          path: `/${name}`,
          operation: `list${many}`,
          tag: 'People',
          summary: `${many} in the order of their ids.`,
          needs: 'people:read',
          query: z.strictObject({
            limit: whole(1, MOST_LISTED)
              .optional()
              .meta({
                description: `How many, at most ${MOST_LISTED}; 100 unless given.`,
              }),
            after: After,
          }),
          answer: z.object({ [name]: z.array(view), next: z.string().optional() }),
          async handle({ query: { limit = 100, after = '' } }) {
            const entries = await shelf.list(after, limit)
            const next = entries.length === limit ? entries.at(-1)?.id : undefined
            return {
              [name]: entries.map(({ id, item }) => ({ id, ...item })),
              ...(next === undefined ? {} : { next }),
            }
          },
        }),
        endpoint({
          method: 'get',
          path,
          operation: `get${one}`,
          tag: 'People',
          summary: `One: ${summary}.`,
          needs: 'people:read',
          params,
          answer: view,
          async handle({ params }) {
            const entry = await shelf.get(params.id)
            if (entry === undefined) throw notFound()
            return { id: entry.id, ...entry.item }
          },
        }),
        endpoint({
          method: 'put',
          path,
          operation: `put${one}`,
          tag: 'People',
          summary: `Says ${summary}.`,
          needs: 'people:write',
          params,
          body,
          bodyOptional: true,
          maxBytes: MAX_BODY_BYTES,
          async handle({ context, params, sent }) {
            const after = sentObject(sent)
            const before = await shelf.get(params.id)
            await shelf.put(params.id, after)
            context.set('change', {
              target: `${name}/${params.id}`,
              ...(before === undefined ? {} : { before: before.item }),
              after,
            })
            return undefined
          },
        }),
        endpoint({
          method: 'delete',
          path,
          operation: `remove${one}`,
          tag: 'People',
          summary: `Takes away ${summary}.`,
          needs: 'people:write',
          params,
          async handle({ context, params }) {
            const before = await shelf.get(params.id)
            if (!(await shelf.remove(params.id))) throw notFound()
            context.set('change', {
              target: `${name}/${params.id}`,
              ...(before === undefined ? {} : { before: before.item }),
            })
            return undefined
          },
        }),
      ]
    }),
    endpoint({
      method: 'get',
      path: '/subscriptions/{id}/inboxes/{recipientId}',
      operation: 'getInbox',
      tag: 'People',
      summary: 'What waits for a recipient of a subscription, and what he was not told.',
      needs: 'people:read',
      params: z.strictObject({ id: z.string(), recipientId: z.string() }),
      answer: Inbox,
      async handle({ params: { id, recipientId } }) {
        const inbox = await audience.inbox(id, recipientId)
        if (inbox === undefined)
          throw new CoreError('input.not_found', 'expected a recipient who has an inbox')
        const { held, more, releaseAt, escalations, suppressed = [] } = inbox
        return {
          waiting: held.length + more,
          ...(held.length > 0
            ? { held: held.map(({ notification }) => notification.key), releaseAt }
            : {}),
          escalations: escalations.map(({ notification, step, dueAt }) => ({
            key: notification.key,
            step: step + 1,
            dueAt,
          })),
          suppressed,
        }
      },
    }),
  ]
}

function notFound(): CoreError {
  return new CoreError('input.not_found', 'expected an id that was put here')
}
