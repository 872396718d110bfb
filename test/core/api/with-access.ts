import { createGuardedSender } from '../../../adapters/node/guarded-sender.ts'
import { createOidc } from '../../../adapters/node/oidc.ts'
import { nodeSecrets } from '../../../adapters/node/secrets.ts'
import {
  createApi,
  pageEndpoints,
  type RequestFacts,
  registryEndpoints,
  type Who,
} from '../../../core/api/index.ts'
import { ANONYMOUS, type Caller, type ConfigInput, createAccess } from '../../../core/index.ts'
import { start } from '../harness.ts'

export const ADMIN_TOKEN = 'the-token-of-the-admin-0123456789'

export interface Asked {
  readonly body?: object
  readonly headers?: Record<string, string>
  /** Of the request's address. */
  readonly remote?: string
  readonly tls?: boolean
  /** Whom the host has found out. */
  readonly caller?: Caller
}

/** The API with all that is known of callers, over ports in memory. */
export function openApi(config: ConfigInput = {}, dev = false) {
  const running = start(config)
  const { core } = running
  const sender = createGuardedSender()
  const access = createAccess({
    ports: core.ports,
    config: core.program.config,
    secrets: nodeSecrets,
    adminTokenDigest: nodeSecrets.digest(ADMIN_TOKEN),
    verifyToken: createOidc({
      issuers: core.program.config.access.oidc,
      sender,
      clock: core.ports.clock,
    }),
  })
  const facts = new WeakMap<Request, RequestFacts>()
  const who: Who = {
    access,
    factsOf: (request) => facts.get(request) ?? {},
  }
  const api = createApi({
    core,
    add: async (uplink) => (await core.ingest([uplink]))[0]!,
    isAdmin: (authorization) => authorization === `Bearer ${ADMIN_TOKEN}`,
    who,
    more: [
      ...registryEndpoints({ ports: core.ports }),
      ...pageEndpoints({ get: async () => undefined, put: async () => undefined }),
    ],
  })

  /** One request; its answer with the body read where it is JSON. */
  async function ask(
    method: string,
    path: string,
    { body, headers, remote, tls, caller }: Asked = {},
  ) {
    const request = new Request(`${tls ? 'https' : 'http'}://cloud.test${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    facts.set(request, { remote, caller, anonymous: dev ? ANONYMOUS : undefined })
    const answer = await api.fetch(request)
    const isStream = answer.headers.get('content-type') === 'text/event-stream'
    if (isStream) await answer.body?.cancel()
    const text = isStream ? '' : await answer.text()
    const isJson = /[/+]json/.test(answer.headers.get('content-type') ?? '')
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      json: isJson ? JSON.parse(text) : undefined,
    }
  }

  /** The same as the admin. */
  const asAdmin = (method: string, path: string, asked: Asked = {}) =>
    ask(method, path, { ...asked, headers: { ...asked.headers, ...bearer(ADMIN_TOKEN) } })

  /** The secret of a new key. */
  async function keyOf(body: object): Promise<string> {
    const answer = await asAdmin('POST', '/keys', { body: { name: 'a key', ...body } })
    return answer.json.secret
  }

  return { ...running, api, access, ask, asAdmin, keyOf, sender }
}

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` }
}

/** What a browser sends back of a Set-Cookie header. */
export function cookieOf(headers: Headers): string {
  return (headers.get('set-cookie') ?? '').split(';')[0] ?? ''
}
