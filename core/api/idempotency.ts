import type { Context } from 'hono'
import * as z from 'zod'
import { IDEMPOTENCY_MS, idempotencyDigest, idempotencyPrefixes } from '../access/idempotency.ts'
import { IDEMPOTENCY_TABLE } from '../access/tables.ts'
import { CoreError } from '../errors.ts'
import type { Ports } from '../ports.ts'
import type { Endpoint } from './endpoint.ts'
import type { Guards } from './mount.ts'
import { problemOf } from './problem.ts'
import { RequestFault } from './request-fault.ts'

/** What is larger is not kept: that it was done is. Unit: characters. */
const MAX_TEXT = 65_536

/** A request whose process died counts as under way for so long: the longest ones wait for a device. Unit: ms. */
const UNDER_WAY_MS = 900_000

/** Printable ASCII. Source: draft-ietf-httpapi-idempotency-key-header-07, 2.1 wants a string; so do stores of keys. */
const KEY = /^[\x21-\x7e]{1,255}$/

/** Headers of an answer that come again. */
const KEPT_HEADERS = ['content-type', 'location', 'etag'] as const

/** One request with a key, as it is kept. */
const Kept = z.object({
  at: z.number(),
  /** Digest of its body. */
  body: z.string(),
  /** Absent while it is under way. */
  answer: z
    .object({
      status: z.int(),
      headers: z.record(z.string(), z.string()),
      /** Absent where it is kept by nobody: too large, or a secret. */
      text: z.string().optional(),
    })
    .optional(),
})

type Kept = z.output<typeof Kept>

/**
 * Answers the same request with the same key once more, without doing anything, for a day.
 *
 * Stores have no compare-and-set here, so that each request writes that it is under way before it looks for others: of
 * two at the same moment at least one sees the other and gives way.
 */
export function createIdempotency({
  tables,
  clock,
  ids,
}: Pick<Ports, 'tables' | 'clock' | 'ids'>): NonNullable<Guards['around']> {
  async function find(prefixes: readonly string[], own?: string): Promise<Kept | undefined> {
    const now = clock.now()
    const pages = await Promise.all(
      prefixes.map((prefix) => tables.list(IDEMPOTENCY_TABLE, prefix, 10)),
    )
    const found = pages.flatMap((rows, at) =>
      rows
        .filter(({ key }) => key.startsWith(prefixes[at] ?? '') && key !== own)
        .map(({ item }) => Kept.safeParse(item))
        .flatMap(({ data }) => (data === undefined || isOver(data, now) ? [] : [data])),
    )
    return found.find(({ answer }) => answer !== undefined) ?? found[0]
  }

  return async (one, caller, context, bytes = NO_BYTES, handle) => {
    const key = context.req.header('idempotency-key')
    if (key === undefined || !takesKey(one)) return handle()
    if (!KEY.test(key))
      throw new RequestFault('header', [
        { path: ['idempotency-key'], message: 'expected 1 to 255 printable characters' },
      ])
    const { method, url } = context.req
    const request = idempotencyDigest(caller.kind, caller.id, method, pathOf(url), key)
    const prefixes = idempotencyPrefixes(request, clock.now())
    const body = idempotencyDigest(bytes)
    const before = await find(prefixes)
    if (before !== undefined) return replay(before, body)

    const at = clock.now()
    const own = `${prefixes[0]}${ids.next(at)}`
    await tables.put(IDEMPOTENCY_TABLE, own, { at, body })
    try {
      const other = await find(prefixes, own)
      if (other !== undefined) {
        await tables.remove(IDEMPOTENCY_TABLE, own)
        return replay(other, body)
      }
      const answer = await answerOf(context, handle)
      const kept = await keep(one, answer)
      if (kept === undefined) await tables.remove(IDEMPOTENCY_TABLE, own)
      else await tables.put(IDEMPOTENCY_TABLE, own, { at, body, answer: kept.answer })
      return kept?.response ?? answer
    } catch (error) {
      await tables.remove(IDEMPOTENCY_TABLE, own)
      throw error
    }
  }
}

/** Not where nobody knows who asks, or where the body is read by the endpoint itself. */
function takesKey({ method, needs, raw, idempotent = true }: Endpoint): boolean {
  return method === 'post' && idempotent && needs !== 'open' && raw === undefined
}

const NO_BYTES = new Uint8Array()

function isOver({ at, answer }: Kept, now: number): boolean {
  return now - at > (answer === undefined ? UNDER_WAY_MS : IDEMPOTENCY_MS)
}

/** @throws CoreError `input.key_reused`, `input.key_in_use` or `input.key_done`. */
function replay({ answer, body }: Kept, given: string): Response {
  if (body !== given)
    throw new CoreError('input.key_reused', 'Idempotency-Key came with another body before')
  if (answer === undefined)
    throw new CoreError('input.key_in_use', 'the request with this Idempotency-Key is under way')
  const { status, headers, text } = answer
  if (text === undefined)
    throw new CoreError(
      'input.key_done',
      `this was done before, with status ${status}; its answer is not kept`,
    )
  return new Response(status === 204 ? null : text, {
    status,
    headers: { ...headers, 'idempotency-replayed': 'true' },
  })
}

/** What is refused is an answer too, and is the same the next time; what failed may go well then. */
async function answerOf(context: Context, handle: () => Promise<Response>): Promise<Response> {
  try {
    return await handle()
  } catch (error) {
    const lasts = error instanceof RequestFault || (error instanceof CoreError && !error.retryable)
    if (!lasts) throw error
    const answer = problemOf(context, error)
    if (answer.status >= 500) throw error
    return answer
  }
}

/** What is kept of an answer, and the answer as it goes out; `undefined` if the request may be tried again. */
async function keep({ handsOutSecret = false }: Endpoint, answer: Response) {
  const { status } = answer
  if (status >= 500 || status === 429) return undefined
  const headers = Object.fromEntries(
    KEPT_HEADERS.flatMap((name) => {
      const value = answer.headers.get(name)
      return value === null ? [] : [[name, value]]
    }),
  )
  const text = await answer.text()
  const isKept = text.length <= MAX_TEXT && !(handsOutSecret && status < 300)
  return {
    answer: { status, headers, ...(isKept ? { text } : {}) },
    response: new Response(status === 204 ? null : text, { status, headers: answer.headers }),
  }
}

/** Path and query. */
function pathOf(url: string): string {
  return url.slice(url.indexOf('/', url.indexOf('//') + 2))
}
