import { type Context, Hono } from 'hono'
import type { Core } from '../create-core.ts'
import { CoreError } from '../errors.ts'
import { problem } from './problem.ts'
import { readObject } from './read-object.ts'

/** One person, or one subscription with its words in many languages. */
const MAX_BODY_BYTES = 65_536

const MOST_LISTED = 1_000

export interface AudienceApiOptions {
  readonly core: Core
  /** Answers instead of the route unless the caller is the admin. */
  readonly refuse: (context: Context) => Response | undefined
}

/** People and subscriptions: who can be told, and of what. */
export function createAudienceApi({ core, refuse }: AudienceApiOptions): Hono {
  const api = new Hono()
  for (const name of ['people', 'subscriptions'] as const) {
    const shelf = core.audience[name]

    api.get(`/${name}`, async (context) => {
      const refused = refuse(context)
      if (refused !== undefined) return refused
      const limit = readLimit(context.req.query('limit'))
      const entries = await shelf.list(context.req.query('after') ?? '', limit)
      const next = entries.length === limit ? entries.at(-1)?.id : undefined
      return context.json({
        [name]: entries.map(({ id, item }) => ({ id, ...item })),
        ...(next === undefined ? {} : { next }),
      })
    })

    api.get(`/${name}/:id`, async (context) => {
      const refused = refuse(context)
      if (refused !== undefined) return refused
      const entry = await shelf.get(context.req.param('id'))
      if (entry === undefined) return notFound(context)
      return context.json({ id: entry.id, ...entry.item })
    })

    api.put(`/${name}/:id`, async (context) => {
      const refused = refuse(context)
      if (refused !== undefined) return refused
      await shelf.put(context.req.param('id'), await readObject(context.req.raw, MAX_BODY_BYTES))
      return context.body(null, 204)
    })

    api.delete(`/${name}/:id`, async (context) => {
      const refused = refuse(context)
      if (refused !== undefined) return refused
      return (await shelf.remove(context.req.param('id')))
        ? context.body(null, 204)
        : notFound(context)
    })
  }

  api.get('/subscriptions/:id/inboxes/:recipient', async (context) => {
    const refused = refuse(context)
    if (refused !== undefined) return refused
    const { id, recipient } = context.req.param()
    const inbox = await core.audience.inbox(id, recipient)
    if (inbox === undefined)
      return problem(context, 404, 'input.not_found', 'expected a recipient who has an inbox')
    const { held, more, releaseAt, escalations, suppressed = [] } = inbox
    const keyOf = ({ notification }: (typeof held)[number]) => notification.key
    return context.json({
      waiting: held.length + more,
      ...(held.length > 0 ? { held: held.map(keyOf), releaseAt } : {}),
      escalations: escalations.map(({ notification, step, dueAt }) => ({
        key: notification.key,
        step: step + 1,
        dueAt,
      })),
      suppressed,
    })
  })
  return api
}

function readLimit(text: string | undefined): number {
  if (text === undefined) return 100
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= MOST_LISTED) return limit
  throw new CoreError('input.malformed', `limit: expected 1 to ${MOST_LISTED}`)
}

function notFound(context: Context): Response {
  return problem(context, 404, 'input.not_found', 'expected an id that was put here')
}
