import { type Context, Hono } from 'hono'
import type { Core } from '../create-core.ts'
import { problem } from './problem.ts'
import { readObject } from './read-object.ts'

/** A notification, and the words of it in many languages. */
const MAX_BODY_BYTES = 262_144

export interface NotificationApiOptions {
  readonly core: Core
  /** Answers instead of the route unless the caller is the admin. */
  readonly refuse: (context: Context) => Response | undefined
}

/** Notifications on demand: one call tells a whole audience. */
export function createNotificationApi({ core, refuse }: NotificationApiOptions): Hono {
  const { broadcasts } = core
  const api = new Hono()

  api.post('/notifications', async (context) => {
    const refused = refuse(context)
    if (refused !== undefined) return refused
    const body = await readObject(context.req.raw, MAX_BODY_BYTES)
    const id = await broadcasts.send(body, context.req.header('idempotency-key'))
    return context.json({ id }, 202, { location: `/notifications/${id}` })
  })

  api.post('/notifications/preview', async (context) => {
    const refused = refuse(context)
    if (refused !== undefined) return refused
    const body = await readObject(context.req.raw, MAX_BODY_BYTES)
    return context.json({ previews: broadcasts.preview(body) })
  })

  api.get('/notifications/:id', async (context) => {
    const refused = refuse(context)
    if (refused !== undefined) return refused
    const status = await broadcasts.status(context.req.param('id'))
    if (status === undefined) return notFound(context)
    const { notificationId: id, ...rest } = status
    return context.json({ id, ...rest })
  })

  api.post('/notifications/:id/acknowledge', async (context) => {
    const refused = refuse(context)
    if (refused !== undefined) return refused
    const isKnown = await broadcasts.acknowledge(context.req.param('id'), 'admin')
    return isKnown ? context.body(null, 204) : notFound(context)
  })

  api.get('/notifications/:id/recipients', async (context) => {
    const refused = refuse(context)
    if (refused !== undefined) return refused
    const id = context.req.param('id')
    return context.json(await broadcasts.told(id, context.req.query('after') ?? ''))
  })

  return api
}

function notFound(context: Context): Response {
  return problem(context, 404, 'input.not_found', 'expected the id of a notification')
}
