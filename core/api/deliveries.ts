import { type Context, Hono } from 'hono'
import type { Core } from '../create-core.ts'
import { CoreError } from '../errors.ts'
import type { Json } from '../model/json.ts'
import { readObject } from './read-object.ts'

const MAX_BODY_BYTES = 4_096
const MAX_LISTED = 1_000
const MAX_CLAIMED = 100
const MAX_LEASE_S = 43_200

export interface DeliveryApiOptions {
  readonly core: Core
  /** Answers instead of the route unless the caller is the admin. */
  readonly refuse: (context: Context) => Response | undefined
}

/** What becomes of notifications on their way: acknowledgements, addresses that are gone, and queues that are pulled. */
export function createDeliveryApi({ core, refuse }: DeliveryApiOptions): Hono {
  const { addresses, ports, program } = core
  const api = new Hono()

  api.get('/notifications/addresses', async (context) => {
    const refused = refuse(context)
    if (refused !== undefined) return refused
    const limit = readCount('limit', context.req.query('limit'), 100, MAX_LISTED)
    const found = await addresses.list(context.req.query('after') ?? '', limit)
    const next = found.length === limit ? found.at(-1)?.id : undefined
    return context.json({
      addresses: found.map(({ at, ...one }) => ({ ...one, at: new Date(at).toISOString() })),
      ...(next === undefined ? {} : { next }),
    })
  })

  api.delete('/notifications/addresses/:channel/:digest', async (context) => {
    const refused = refuse(context)
    if (refused !== undefined) return refused
    const { channel, digest } = context.req.param()
    if (!(await addresses.enable(`${channel}/${digest}`)))
      throw new CoreError('input.not_found', 'expected the id of a disabled address')
    return context.body(null, 204)
  })

  api.post('/notifications/deliveries/:id/ack', async (context) => {
    const token = /^Bearer +(\S+)$/i.exec(context.req.header('authorization') ?? '')?.[1] ?? ''
    await core.acknowledgeDelivery(context.req.param('id'), token)
    return context.body(null, 204)
  })

  /** Queues of channels; others, such as the feedback about commands, have ways of their own. */
  function queueOf(context: Context): string {
    const name = context.req.param('queue') ?? ''
    const channels = Object.values(program.config.channels)
    if (channels.some((channel) => channel.type === 'queue' && channel.queue === name)) return name
    throw new CoreError('input.not_found', 'expected the queue of a channel of type queue')
  }

  api.post('/notifications/queues/:queue/claim', async (context) => {
    const refused = refuse(context)
    if (refused !== undefined) return refused
    const queue = queueOf(context)
    const { limit, leaseSeconds, ack } = readClaim(
      await readObject(context.req.raw, MAX_BODY_BYTES),
    )
    const claimed = await ports.queues.claim(queue, limit, leaseSeconds * 1_000)
    // Gone before the answer is on its way: who loses it loses them, and nobody gets one twice.
    if (ack === 'receipt')
      await Promise.all(claimed.map(({ id }) => ports.queues.remove(queue, id)))
    return context.json({
      messages: claimed.map(({ id, at, body }) => ({ id, at: new Date(at).toISOString(), body })),
    })
  })

  api.delete('/notifications/queues/:queue/messages/:id', async (context) => {
    const refused = refuse(context)
    if (refused !== undefined) return refused
    if (!(await ports.queues.remove(queueOf(context), context.req.param('id'))))
      throw new CoreError('input.not_found', 'expected a message that is claimed')
    return context.body(null, 204)
  })

  return api
}

const CLAIM_FIELDS: ReadonlySet<string> = new Set(['limit', 'leaseSeconds', 'ack'])

function readClaim(body: Readonly<Record<string, Json>>) {
  const unknown = Object.keys(body).find((name) => !CLAIM_FIELDS.has(name))
  if (unknown !== undefined)
    throw new CoreError(
      'input.malformed',
      `expected ${[...CLAIM_FIELDS].join(', ')}, found ${JSON.stringify(unknown.slice(0, 40))}`,
    )
  const { ack = 'processed' } = body
  if (ack !== 'receipt' && ack !== 'processed')
    throw new CoreError('input.malformed', 'ack: expected receipt or processed')
  return {
    ack,
    limit: readNumber('limit', body['limit'], 10, MAX_CLAIMED),
    leaseSeconds: readNumber('leaseSeconds', body['leaseSeconds'], 60, MAX_LEASE_S),
  }
}

function readNumber(name: string, value: Json | undefined, usual: number, most: number): number {
  if (value === undefined) return usual
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most)
    return value
  throw new CoreError('input.malformed', `${name}: expected a whole number from 1 to ${most}`)
}

function readCount(name: string, text: string | undefined, usual: number, most: number): number {
  return readNumber(name, text === undefined ? undefined : Number(text), usual, most)
}
