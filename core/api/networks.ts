import type { Context } from 'hono'
import * as z from 'zod'
import type { Core } from '../create-core.ts'
import type { Outcome, Uplink } from '../model/uplink.ts'
import { asksBody, hideSecret, knowsSecret } from '../networks/secret.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import { problem } from './problem.ts'
import { readBody } from './read-body.ts'
import { AnyJson } from './schemas.ts'

/** How much of a body is read at most, as a multiple of the limit for one message: networks wrap what they bring. */
const BATCH_FACTOR = 32

const Summary = z
  .object({
    accepted: z.int(),
    duplicates: z.int(),
    ignored: z.int().meta({ description: 'Parts that are meant for others.' }),
    deadLetters: z.array(
      z.object({ index: z.int(), id: z.string(), code: z.string(), reason: z.string() }),
    ),
  })
  .meta({ id: 'NetworkIntake', description: 'What became of a message of a network.' })

export interface NetworkOptions {
  readonly core: Core
  readonly add: (uplink: Uplink) => Promise<Outcome>
  readonly isAdmin: (request: Request) => Promise<boolean>
  /** Whether networks without a secret take requests of anybody: only this machine reaches them. */
  readonly trusting: boolean
}

/** Webhooks of networks. Who posts proves himself with the secret of the network, or as the admin. */
export function networkEndpoint({ core, add, isAdmin, trusting }: NetworkOptions): Endpoint {
  const { ports, program, networks } = core

  async function take(context: Context, name: string): Promise<Response> {
    const network = program.networks.get(name)
    if (network === undefined)
      return problem(
        context,
        404,
        'input.not_found',
        `no network is called ${JSON.stringify(name)}`,
      )
    const { secret, secretIn } = network
    const header = (one: string): string | undefined => context.req.header(one)
    // The secret is looked at first: shown as a bearer token it would be a wrong one of a person.
    const mayPost = async (body: Uint8Array): Promise<boolean> =>
      (secret === undefined ? trusting : knowsSecret(secret, secretIn, { header, body })) ||
      isAdmin(context.req.raw)
    if (!asksBody(secretIn) && !(await mayPost(NO_BYTES)))
      return unauthorized(context, secret, secretIn)
    const limit = program.config.limits.bodyBytes * BATCH_FACTOR
    const body = await readBody(context.req.raw, limit)
    if (asksBody(secretIn) && !(body.complete && (await mayPost(body.bytes))))
      return unauthorized(context, secret, secretIn)
    const contentType = header('content-type') ?? ''
    const receivedAt = ports.clock.now()
    const query = context.req.query()
    const headers = downlinkHeaders(context.req.header())
    const bytes =
      secret !== undefined && 'body' in secretIn ? hideSecret(secret, body.bytes) : body.bytes
    const message = { topic: '', body: bytes, receivedAt, request: { query, headers } }
    if (!body.complete) {
      const deadLetterId = await networks.refuseLarge(network, message, contentType, body.length)
      const detail = `expected at most ${limit} bytes, found ${body.length} or more`
      return problem(context, 413, 'uplink.too_large', detail, { deadLetterId })
    }
    const { outcomes, ignored, reply } = await networks.take(network, message, { contentType }, add)
    const failed = outcomes.find((outcome) => outcome.status === 'retry')
    if (failed?.status === 'retry')
      return problem(context, 503, failed.error.code, failed.error.message)
    if (reply !== undefined) return context.json(reply)
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
    const summary = {
      accepted: count('accepted'),
      duplicates: count('duplicate'),
      ignored,
      deadLetters,
    }
    const [only] = deadLetters
    if (outcomes.length === 1 && only !== undefined) {
      const status = only.code === 'uplink.too_large' ? 413 : 422
      return problem(context, status, only.code, only.reason, summary)
    }
    return context.json(summary, 202)
  }

  return endpoint({
    method: 'post',
    path: '/networks/{name}',
    operation: 'postNetworkMessage',
    tag: 'Networks',
    summary: 'Takes a message of a network or a vendor.',
    description: 'It shows the secret of its config, where the config says.',
    needs: 'open',
    params: z.strictObject({ name: z.string() }),
    // What a network wants to hear, and what it sends along in the query, is its own.
    query: z.looseObject({}),
    raw: ['application/json', 'application/octet-stream'],
    idempotent: false,
    status: 202,
    answer: Summary,
    others: { 200: { description: 'What the network wants to hear.', answer: AnyJson } },
    handle: ({ context, params: { name } }) => take(context, name),
  })
}

const NO_BYTES = new Uint8Array()

/** Headers in which a network says how downlinks reach it. All others, secrets among them, are nothing that it has to see. */
function downlinkHeaders(all: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => name.startsWith('x-downlink-')))
}

function unauthorized(context: Context, secret: string | undefined, place: object): Response {
  const [where = 'header'] = Object.keys(place)
  const detail =
    secret === undefined
      ? "expected the admin's token: the network has no secret in the config"
      : `expected the secret of the network in its ${where}, as its config says`
  const answer = problem(context, 401, 'network.unauthorized', detail)
  answer.headers.set('www-authenticate', 'Bearer')
  return answer
}
