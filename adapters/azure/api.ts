import type { HttpResponseInit } from '@azure/functions'
import { createApi, registryEndpoints, type TwinTags } from '../../core/api/index.ts'
import {
  type Config,
  type Core,
  CoreError,
  findCredential,
  isAlive,
  isLive,
  type Ports,
} from '../../core/index.ts'
import type { AzureSettings } from './config.ts'
import { createAzure, type Invocation } from './create-azure.ts'
import { type AzureHttpRequest, toHttpReply, toRequest } from './http.ts'
import { tokenDigest } from './issuer.ts'
import type { AzureObserver } from './observer.ts'

export { readConfig } from './config.ts'

/** The one path that a device uses, with its own token. */
const TELEMETRY = /^\/devices\/([^/]+)\/telemetry$/

/** Paths where networks post: each shows the secret of its config, and the route asks for it. */
const NETWORK = /^\/networks\/[^/]+$/

/** Paths that anybody may ask. */
const OPEN = new Set(['/healthz'])

/** What an HTTP function of Azure is. */
export interface AzureApi {
  (request: AzureHttpRequest, context: Invocation): Promise<HttpResponseInit>
  readonly observer: AzureObserver
  /** Ends the connections that are kept. */
  close(): Promise<void>
}

/** Wires the REST API to Azure, once per cold start. */
export function createAzureApi(settings: AzureSettings, config: Config): AzureApi {
  const { core, observer, settle, run, close } = createAzure(settings, config)
  const { timingSafeEqual } = process.getBuiltinModule('node:crypto')
  const expected = Buffer.from(settings.adminTokenDigest, 'hex')
  const isAdmin = (authorization: string | undefined): boolean => {
    const found = Buffer.from(tokenDigest(bearerOf(authorization)), 'hex')
    return expected.length === found.length && timingSafeEqual(found, expected)
  }
  const { ports } = core
  const api = createApi({
    core,
    isAdmin,
    add: async (uplink) => {
      const [outcome] = await core.ingest([uplink])
      if (outcome === undefined) throw new Error('expected one outcome, found none')
      return outcome
    },
    more: registryEndpoints({ ports, twinTags: createTwinTags(core) }),
  })

  const serve = (incoming: AzureHttpRequest, context: Invocation): Promise<HttpResponseInit> =>
    run(context, async () => {
      const request = await toRequest(incoming)
      const { pathname } = new URL(request.url)
      const authorization = request.headers.get('authorization') ?? undefined
      const admitted =
        OPEN.has(pathname) ||
        isAdmin(authorization) ||
        (request.method === 'POST' && NETWORK.test(pathname)) ||
        (request.method === 'POST' && (await isDevice(ports, pathname, authorization)))
      const response = admitted ? await api.fetch(request) : refused()
      await settle()
      observer.flush()
      return toHttpReply(response)
    })
  return Object.assign(serve, { close, observer })
}

/** Tags of the copy of the twin that we have. Our registry tells the hub of them. */
function createTwinTags({ gate, ports }: Core): TwinTags {
  return {
    async read(deviceId) {
      const document = (await ports.devices.load(deviceId))?.shadows['']
      return isAlive(document) ? document.tags : undefined
    },
    async replace(deviceId, tags) {
      const [result] = await gate.run(deviceId, [
        { kind: 'twin', patches: { tags }, replace: true, at: ports.clock.now() },
      ])
      if (result?.status === 'answered' && !result.accepted)
        throw new CoreError('input.malformed', `tags: ${JSON.stringify(result.body)}`)
    },
  }
}

async function isDevice(
  { registry, clock }: Ports,
  path: string,
  authorization: string | undefined,
): Promise<boolean> {
  const deviceId = readPart(TELEMETRY.exec(path)?.[1])
  const token = bearerOf(authorization)
  if (deviceId === undefined || token === '') return false
  const device = await registry.get(deviceId)
  const credential = device && findCredential(device, 'token', tokenDigest(token))
  return device?.enabled === true && credential !== undefined && isLive(credential, clock.now())
}

/** `undefined` if it is not percent-encoded as it should be: nobody is called so. */
function readPart(part: string | undefined): string | undefined {
  try {
    return part === undefined ? undefined : decodeURIComponent(part)
  } catch {
    return undefined
  }
}

function bearerOf(authorization: string | undefined): string {
  return /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? ''
}

function refused(): Response {
  const body = {
    type: 'about:blank',
    status: 401,
    code: 'unauthorized',
    detail: "expected the admin's token, or a device's own: Authorization: Bearer …",
  }
  return Response.json(body, { status: 401, headers: { 'www-authenticate': 'Bearer' } })
}
