import type { Context } from 'hono'
import * as z from 'zod'
import type { Caller, Scope } from '../access/index.ts'
import { faultsOf } from '../config-faults.ts'
import type { Json } from '../model/json.ts'
import { RequestFault, type RequestPart } from './request-fault.ts'

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

/** What one request brought, read and checked. */
export interface Call<P, Q, B> {
  readonly context: Context
  readonly caller: Caller
  readonly params: P
  readonly query: Q
  readonly body: B
  /** The body as it was sent, for what keeps it so. */
  readonly sent: unknown
}

/** What a change was about, for the audit log. Secrets in it are taken out before it is kept. */
export interface Change {
  readonly target: string
  readonly before?: Json
  readonly after?: Json
}

const Nothing = z.strictObject({})

type None = typeof Nothing

/** One answer besides those that every endpoint has. */
export interface OtherAnswer {
  readonly description: string
  readonly answer?: z.ZodType
  readonly contentType?: string
}

/** What an endpoint is: how it is called, who may call it, what comes back. */
export interface EndpointDefinition<
  P extends z.ZodObject,
  Q extends z.ZodObject,
  B extends z.ZodType,
> {
  readonly method: Method
  /** With the names of its parameters in braces, as in OpenAPI: `/devices/{deviceId}`. */
  readonly path: string
  /** What clients call it by. */
  readonly operation: string
  readonly tag: string
  readonly summary: string
  readonly description?: string
  /** `open`: whoever asks; the endpoint looks for itself. */
  readonly needs: Scope | 'open'
  /**
   * Whether it shows and changes only what a caller who is limited to groups may reach, though no {deviceId} stands in its
   * path. Without it such callers are refused there.
   */
  readonly byGroups?: boolean
  readonly params?: P
  readonly query?: Q
  /** Of JSON. A body of another kind the endpoint reads from `context.req.raw` itself; `raw` then says what it takes. */
  readonly body?: B
  /** Whether no body is the same as an empty object, or as `emptyBody`. */
  readonly bodyOptional?: boolean
  readonly emptyBody?: Json
  /** Content types of a body that the endpoint reads itself. */
  readonly raw?: readonly string[]
  /** Of a body of JSON. Unit: bytes. */
  readonly maxBytes?: number
  /** 200 with an `answer`, else 204, unless given. */
  readonly status?: number
  readonly answer?: z.ZodType
  readonly contentType?: string
  readonly others?: Readonly<Record<number, OtherAnswer>>
  /** False where the same request twice is harmless or has a key of its own. Only POST asks. */
  readonly idempotent?: boolean
  /** Whether the answer holds a secret that is handed out once: it is kept for no key. */
  readonly handsOutSecret?: boolean
  /** A JSON value becomes the body, `undefined` no body; a Response goes out as it is. */
  handle(
    call: Call<z.output<P>, z.output<Q>, z.output<B>>,
  ): Promise<Response | object | undefined> | Response | object | undefined
}

/** What came with a request, unread. */
export interface Given {
  readonly context: Context
  readonly caller: Caller
  readonly params: unknown
  readonly query: unknown
  readonly body: unknown
}

type AnyDefinition = EndpointDefinition<z.ZodObject, z.ZodObject, z.ZodType>

/** An endpoint whose types have done their work. */
export interface Endpoint extends Omit<AnyDefinition, 'handle'> {
  readonly params: z.ZodObject
  readonly query: z.ZodObject
  /**
   * Checks what came, and handles it.
   * @throws RequestFault of the part that does not fit.
   */
  run(given: Given): Promise<Response | object | undefined>
}

/** Makes an endpoint of its description. */
export function endpoint<
  P extends z.ZodObject = None,
  Q extends z.ZodObject = None,
  B extends z.ZodType = z.ZodUndefined,
>(definition: EndpointDefinition<P, Q, B>): Endpoint
export function endpoint(definition: AnyDefinition): Endpoint {
  const { params = Nothing, query = Nothing, handle, ...rest } = definition
  const { body = z.undefined() } = rest
  return {
    ...rest,
    params,
    query,
    async run(given) {
      return handle({
        context: given.context,
        caller: given.caller,
        params: check('path', params, given.params),
        query: check('query', query, given.query),
        body: check('body', body, given.body),
        sent: given.body,
      })
    },
  }
}

function check<S extends z.ZodType>(part: RequestPart, schema: S, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new RequestFault(part, faultsOf(parsed.error))
}
