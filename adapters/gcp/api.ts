import { createApi, registryEndpoints } from '../../core/api/index.ts'
import type { Config } from '../../core/index.ts'
import type { GcpSettings } from './config.ts'
import { createGcp } from './create-gcp.ts'
import { createAdminAccess } from './device-access.ts'
import { type HttpFunction, send, toRequest, traceOf } from './http.ts'

export { readConfig } from './config.ts'

/** Paths where networks post: each shows the secret of its config, and the route asks for it. */
const NETWORK = /^\/networks\/[^/]+$/

/** Paths that anybody may ask who reaches the function. */
const OPEN = new Set(['/healthz'])

/**
 * Wires the REST API to Google, once per cold start. All of it is for the admin, whose token is in `Authorization`: devices
 * have ingest-http. Where the function is private as well, Google's own token goes into `X-Serverless-Authorization`.
 */
export function createGcpApi(settings: GcpSettings, config: Config): HttpFunction {
  const { core, observer, settle, trace } = createGcp(settings, config)
  const isAdmin = createAdminAccess(settings.adminTokenDigest)
  const api = createApi({
    core,
    isAdmin,
    add: async (uplink) => {
      const [outcome] = await core.ingest([uplink])
      if (outcome === undefined) throw new Error('expected one outcome, found none')
      return outcome
    },
    more: registryEndpoints({ ports: core.ports }),
  })

  return async (incoming, outgoing) => {
    const request = toRequest(incoming)
    const { pathname } = new URL(request.url)
    const admitted =
      OPEN.has(pathname) ||
      (request.method === 'POST' && NETWORK.test(pathname)) ||
      isAdmin(request.headers.get('authorization') ?? undefined)
    const traceId = traceOf(
      request.headers.get('traceparent'),
      request.headers.get('x-cloud-trace-context'),
    )
    await trace(traceId, async () => {
      const response = admitted ? await api.fetch(request) : refused()
      await settle()
      observer.flush()
      await send(response, outgoing)
    })
  }
}

function refused(): Response {
  const body = {
    type: 'about:blank',
    status: 401,
    code: 'unauthorized',
    detail: "expected the admin's token: Authorization: Bearer …",
  }
  return Response.json(body, { status: 401, headers: { 'www-authenticate': 'Bearer' } })
}
