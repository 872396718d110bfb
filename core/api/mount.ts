import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Caller, Scope } from '../access/index.ts'
import { CoreError } from '../errors.ts'
import type { Json } from '../model/json.ts'
import { isDeeperThan } from '../model/json-depth.ts'
import { harden, JSON_HEADERS, PRIVATE, VERSIONED } from './answer-headers.ts'
import type { Change, Endpoint } from './endpoint.ts'
import { isKnown } from './etag.ts'
import { checkMediaType } from './media-type.ts'
import { nextLink } from './next-link.ts'
import { problem } from './problem.ts'
import { readBody } from './read-body.ts'

/** What a body of JSON may weigh unless an endpoint says otherwise. Unit: bytes. */
const MAX_BODY_BYTES = 65_536

/** What looks into a body goes as deep as that, and has only so much of a stack. */
const MAX_LEVELS = 128

/** What stands around every endpoint. */
export interface Guards {
  /**
   * Who asks; `undefined` if nobody who is known.
   * @throws CoreError `access.…` if what was shown proves nothing.
   */
  readonly identify: (request: Request) => Promise<Caller | undefined> | Caller | undefined
  /** Whether a caller who is limited to groups may touch a device. */
  readonly reaches: (caller: Caller, deviceId: string) => Promise<boolean>
  /**
   * Counts a request; tells what its answer says of that.
   * @throws CoreError `access.rate_limited` if its caller asks too often.
   */
  readonly meter?: (endpoint: Endpoint, caller: Caller, context: Context) => object | undefined
  /** Around the handling of a request that was let in: answers kept for a key, the audit log. */
  readonly around?: (
    endpoint: Endpoint,
    caller: Caller,
    context: Context,
    body: Uint8Array | undefined,
    handle: () => Promise<Response>,
  ) => Promise<Response>
}

declare module 'hono' {
  interface ContextVariableMap {
    /** What a handler changed, for the audit log. */
    change: Change | undefined
    caller: Caller | undefined
    /** The version of the answer. */
    etag: string | undefined
    /** What the answer says of how often its caller may ask. */
    quota: object | undefined
  }
}

/** Puts endpoints on the app, each behind its guard. */
export function mount(api: OpenAPIHono, endpoints: readonly Endpoint[], guards: Guards): void {
  for (const one of endpoints) {
    api.on(one.method.toUpperCase(), honoPath(one.path), (context) => serve(one, context, guards))
  }
}

async function serve(one: Endpoint, context: Context, guards: Guards): Promise<Response> {
  if (one.needs === 'open') return handle(one, context, guards, NOBODY)
  const caller = await guards.identify(context.req.raw)
  if (caller === undefined) return unauthorized(context)
  context.set('caller', caller)
  context.set('quota', guards.meter?.(one, caller, context))
  if (!caller.scopes.has(one.needs)) return lacksScope(context, caller, one.needs)
  const { deviceId, gatewayId } = context.req.param()
  const isTheirs =
    (await mayTouch(caller, one, deviceId, guards)) &&
    (gatewayId === undefined || (await mayTouch(caller, one, gatewayId, guards)))
  if (!isTheirs)
    return problem(
      context,
      403,
      'access.forbidden',
      'expected a device that is yours, found another, or all of them',
    )
  return handle(one, context, guards, caller)
}

const NOBODY: Caller = { kind: 'anonymous', id: '', scopes: new Set<Scope>() }

/** Who is limited to some devices reaches nothing else by a path that names none, unless the endpoint sees to it. */
async function mayTouch(
  caller: Caller,
  { byGroups = false }: Endpoint,
  deviceId: string | undefined,
  { reaches }: Guards,
): Promise<boolean> {
  if (caller.device !== undefined && caller.device !== deviceId) return false
  if (caller.groups === undefined) return true
  return deviceId === undefined ? byGroups : reaches(caller, deviceId)
}

async function handle(
  one: Endpoint,
  context: Context,
  guards: Guards,
  caller: Caller,
): Promise<Response> {
  checkMediaType(one, context)
  const bytes = one.body === undefined ? undefined : await bytesOf(one, context)
  const respond = async (): Promise<Response> => {
    const answer = await one.run({
      context,
      caller,
      params: context.req.param(),
      query: queryOf(context),
      body: bytes === undefined ? undefined : jsonOf(bytes, one),
    })
    if (answer instanceof Response) return withQuota(harden(answer), context)
    return answerOf(one, context, answer)
  }
  return guards.around === undefined
    ? respond()
    : guards.around(one, caller, context, bytes, respond)
}

function answerOf(one: Endpoint, context: Context, answer: object | undefined): Response {
  const etag = context.get('etag')
  const quota = context.get('quota')
  const version = etag === undefined ? undefined : { etag }
  if (answer === undefined) return context.body(null, 204, { ...PRIVATE, ...version, ...quota })
  if (one.method === 'get' && isKnown(context.req.header('if-none-match'), etag))
    return context.body(null, 304, { ...version, ...quota })
  if ('next' in answer && typeof answer.next === 'string') nextLink(context, answer.next)
  const usual = version === undefined ? JSON_HEADERS : VERSIONED
  const headers = { ...usual, ...version, ...quota }
  const text = JSON.stringify(answer)
  // A reading handler sets no headers but by its version: plain ones go out without being made into Headers.
  return one.method === 'get' && !('next' in answer)
    ? new Response(text, { status: statusOf(one), headers })
    : context.body(text, statusOf(one), headers)
}

function withQuota(answer: Response, context: Context): Response {
  for (const [name, value] of Object.entries(context.get('quota') ?? {}))
    answer.headers.set(name, String(value))
  return answer
}

function statusOf({ status }: Endpoint): ContentfulStatusCode {
  return status === 201 || status === 202 ? status : 200
}

/** A name that stands there twice keeps its first value. */
function queryOf(context: Context): Record<string, string> {
  return context.req.url.includes('?') ? context.req.query() : {}
}

async function bytesOf(one: Endpoint, context: Context): Promise<Uint8Array> {
  const limit = one.maxBytes ?? MAX_BODY_BYTES
  const { bytes, complete, length } = await readBody(context.req.raw, limit)
  if (complete) return bytes
  throw new CoreError(
    'input.too_large',
    `expected a body of at most ${limit} bytes, found ${length} or more`,
  )
}

function jsonOf(bytes: Uint8Array, { bodyOptional = false, emptyBody = {} }: Endpoint): Json {
  if (bytes.length === 0 && bodyOptional) return emptyBody
  if (isDeeperThan(bytes, MAX_LEVELS))
    throw new CoreError('input.malformed', `expected at most ${MAX_LEVELS} levels of nesting`)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new CoreError('input.malformed', 'expected a body of JSON')
  }
}

/** Whether whoever asks is served there: the endpoint of the path looks for itself. */
export function createOpenCheck(
  endpoints: readonly Endpoint[],
): (method: string, path: string) => boolean {
  const open = endpoints
    .filter(({ needs }) => needs === 'open')
    .map(({ method, path }) => ({ method: method.toUpperCase(), template: path.split('/') }))
  return (method, path) => {
    const wanted = method === 'HEAD' ? 'GET' : method
    const parts = path.split('/')
    return open.some((one) => one.method === wanted && fits(one.template, parts))
  }
}

function fits(template: readonly string[], parts: readonly string[]): boolean {
  return (
    template.length === parts.length &&
    template.every((part, at) => part.startsWith('{') || part === parts[at])
  )
}

function honoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}

/** The answer to who shows nothing, and has to. Source: RFC 9110, 15.5.2. */
export function unauthorized(context: Context): Response {
  const answer = problem(
    context,
    401,
    'unauthorized',
    "expected the admin's token, an API key or a token of your identity provider: Authorization: Bearer …",
  )
  answer.headers.set('www-authenticate', 'Bearer')
  return answer
}

function lacksScope(context: Context, caller: Caller, scope: Scope): Response {
  if (caller.kind === 'anonymous') return unauthorized(context)
  const answer = problem(context, 403, 'access.forbidden', `expected a caller with ${scope}`, {
    needs: scope,
  })
  answer.headers.set('www-authenticate', `Bearer error="insufficient_scope", scope="${scope}"`)
  return answer
}
