import * as z from 'zod'
import {
  type Caller,
  type IssuerConfig,
  type Proof,
  SCOPES,
  type SessionSource,
  sessionCookie,
} from '../access/index.ts'
import { CoreError } from '../errors.ts'
import type { JsonObject } from '../model/json.ts'
import type { Clock } from '../ports.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import { Instant } from './schemas.ts'
import {
  isForeign,
  isSecure,
  type RequestFacts,
  sessionSecretOf,
  shownBy,
  type Who,
} from './who.ts'

const CallerView = z
  .object({
    kind: z.enum(['admin', 'person', 'key', 'device', 'anonymous']),
    id: z.string(),
    name: z.string().optional(),
    scopes: z.array(z.enum(SCOPES)),
    groups: z.array(z.string()).optional(),
  })
  .meta({ id: 'Caller' })

const CsrfToken = z
  .string()
  .meta({ description: 'Goes into the header anyhub-csrf of changes that are made by cookie.' })

const Opened = z.object({ caller: CallerView, csrfToken: CsrfToken, expiresAt: Instant })

const NOBODY: Caller = { kind: 'anonymous', id: '', scopes: new Set() }

export interface SessionEndpointOptions {
  readonly who: Who
  readonly issuers: readonly IssuerConfig[]
  readonly clock: Clock
}

/** Signing in with a browser, and out. */
export function sessionEndpoints({
  who,
  issuers,
  clock,
}: SessionEndpointOptions): readonly Endpoint[] {
  const { access } = who
  const factsOf = (request: Request): RequestFacts => who.factsOf?.(request) ?? {}

  /** Whoever shows a credential of his own; a cookie is none that opens another session. */
  async function proveAnew(request: Request) {
    const shown = { ...shownBy(request, factsOf(request)), cookie: undefined }
    return access.prove(shown)
  }

  async function redeem(request: Request, code: string) {
    const { remote } = factsOf(request)
    access.checkAttempts(remote)
    const grant = await access.sessions.redeem(code)
    if (grant !== undefined) return grant
    access.wrong(remote)
    throw new CoreError(
      'access.bad_credentials',
      'code of the sign-in link is unknown, used or older than ten minutes',
    )
  }

  async function grantOf(
    request: Request,
    code: string | undefined,
  ): Promise<{ caller: Caller; source: SessionSource; endsAt?: number }> {
    if (code !== undefined) return redeem(request, code)
    const proof = await proveAnew(request)
    if (proof?.source === undefined)
      throw new CoreError(
        'access.bad_credentials',
        "expected Authorization: Bearer … with the admin's token, an API key or a token of an issuer, or a code",
      )
    const { caller, source, endsAt } = proof
    return { caller, source, ...(endsAt === undefined ? {} : { endsAt }) }
  }

  return [
    endpoint({
      method: 'post',
      path: '/session',
      operation: 'signIn',
      tag: 'Access',
      summary: 'Opens a session for a browser.',
      description:
        'By the Authorization header, or by the code of a sign-in link. The session is a cookie that scripts cannot read; changes that are made by it need the header `anyhub-csrf`.',
      needs: 'open',
      body: z
        .strictObject({
          code: z.string().max(256).optional().meta({ description: 'Of a sign-in link.' }),
        })
        .meta({ id: 'SignIn' }),
      bodyOptional: true,
      maxBytes: 1_024,
      status: 201,
      answer: Opened,
      idempotent: false,
      async handle({ context, body: { code } }) {
        const request = context.req.raw
        if (isForeign(request))
          throw new CoreError('access.forbidden', 'expected a request from a page of this server')
        const { caller, source, endsAt } = await grantOf(request, code)
        const before = sessionSecretOf(request)
        if (before !== undefined) await access.sessions.end(before)
        const opened = await access.sessions.open({ caller, source }, endsAt)
        const { csrfToken, expiresAt, secret } = opened
        const secure = isSecure(request.url)
        context.set('caller', caller)
        context.set('change', { target: `session/${caller.kind}/${caller.id}` })
        context.header('set-cookie', sessionCookie(secret, secure, expiresAt - clock.now()))
        context.header('cache-control', 'no-store')
        return { caller: view(caller), csrfToken, expiresAt }
      },
    }),
    endpoint({
      method: 'get',
      path: '/session',
      operation: 'getSession',
      tag: 'Access',
      summary: 'Who asks, what he may do, and how people sign in.',
      needs: 'open',
      answer: z.object({
        caller: CallerView,
        csrfToken: CsrfToken.optional(),
        expiresAt: Instant.optional(),
        signIn: z.object({
          required: z.boolean(),
          oidc: z
            .object({ issuer: z.string(), clientId: z.string(), scope: z.string() })
            .optional(),
        }),
      }),
      async handle({ context }) {
        const request = context.req.raw
        const facts = factsOf(request)
        const proof: Proof | undefined =
          facts.caller === undefined
            ? await access.prove(shownBy(request, facts))
            : { caller: facts.caller }
        const caller = proof?.caller ?? facts.anonymous ?? NOBODY
        const endsAt = caller.session === undefined ? undefined : proof?.endsAt
        context.header('cache-control', 'no-store')
        return {
          caller: view(caller),
          ...(caller.session === undefined ? {} : { csrfToken: caller.session.csrfToken }),
          ...(endsAt === undefined ? {} : { expiresAt: endsAt }),
          signIn: { required: facts.anonymous === undefined, ...oidcOf(issuers) },
        }
      },
    }),
    endpoint({
      method: 'delete',
      path: '/session',
      operation: 'signOut',
      tag: 'Access',
      summary: 'Ends the session of the cookie.',
      needs: 'open',
      async handle({ context }) {
        const request = context.req.raw
        // A change by cookie like any other: it shows the CSRF token.
        await access.prove({ ...shownBy(request, factsOf(request)), authorization: undefined })
        const secret = sessionSecretOf(request)
        if (secret !== undefined) await access.sessions.end(secret)
        context.header('set-cookie', sessionCookie('', isSecure(request.url), 0))
        return undefined
      },
    }),
    endpoint({
      method: 'post',
      path: '/session/codes',
      operation: 'createSignInCode',
      tag: 'Access',
      summary: 'Makes a code that signs a browser in, once, as whoever asks.',
      description:
        'For a link `/#sign-in=<code>`: what stands behind # reaches no server. It is good for ten minutes.',
      needs: 'keys:write',
      status: 201,
      answer: z.object({ code: z.string(), expiresAt: Instant }),
      idempotent: false,
      async handle({ context }) {
        const proof = await proveAnew(context.req.raw)
        if (proof?.source === undefined)
          throw new CoreError(
            'access.forbidden',
            'expected Authorization: Bearer …: a session makes no other',
          )
        const { caller, source } = proof
        const created = await access.sessions.createCode({ caller, source })
        context.set('change', { target: `sign-in/${caller.kind}/${caller.id}` })
        context.header('cache-control', 'no-store')
        return created
      },
    }),
  ]
}

function view({ kind, id, name, scopes, groups }: Caller): JsonObject {
  return {
    kind,
    id,
    scopes: SCOPES.filter((scope) => scopes.has(scope)),
    ...(name === undefined ? {} : { name }),
    ...(groups === undefined ? {} : { groups: [...groups] }),
  }
}

/** The first issuer that a page can sign in with. */
function oidcOf(issuers: readonly IssuerConfig[]) {
  for (const { issuer, clientId, scope } of issuers)
    if (clientId !== undefined) return { oidc: { issuer, clientId, scope } }
  return {}
}
