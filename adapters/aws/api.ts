import { timingSafeEqual } from 'node:crypto'
import { createApi, registryEndpoints } from '../../core/api/index.ts'
import { type Config, findCredential, isLive, type Ports } from '../../core/index.ts'
import { systemClock } from '../node/clock.ts'
import type { AwsSettings } from './config.ts'
import { createAws } from './create-aws.ts'
import { toHttpReply, toRequest } from './http.ts'
import { tokenDigest } from './issuer.ts'
import { createThings } from './things.ts'

export { readConfig } from './config.ts'

/** The one path that a device uses, with its own token. */
const TELEMETRY = /^\/devices\/([^/]+)\/telemetry$/

/** Paths where networks post: each shows the secret of its config, and the route asks for it. */
const NETWORK = /^\/networks\/[^/]+$/

/** Paths that anybody may ask. */
const OPEN = new Set(['/healthz'])

/** Wires the REST API to AWS, once per cold start. */
export function createAwsApi(
  settings: AwsSettings,
  config: Config,
): (event: unknown) => Promise<unknown> {
  const { region, endpoint, devicePolicy: policy } = settings
  const { core, observer, settle } = createAws(settings, config, {
    things: () => createThings({ region, endpoint, policy, clock: systemClock }),
  })
  const expected = Buffer.from(settings.adminTokenDigest, 'hex')
  const isAdmin = (authorization: string | undefined): boolean => {
    const found = Buffer.from(tokenDigest(bearerOf(authorization)), 'hex')
    return expected.length === found.length && timingSafeEqual(found, expected)
  }
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

  return async (event) => {
    const request = toRequest(event)
    const { pathname } = new URL(request.url)
    const authorization = request.headers.get('authorization') ?? undefined
    const admitted =
      OPEN.has(pathname) ||
      isAdmin(authorization) ||
      (request.method === 'POST' && NETWORK.test(pathname)) ||
      (request.method === 'POST' && (await isDevice(core.ports, pathname, authorization)))
    const response = admitted ? await api.fetch(request) : refused()
    const reply = await toHttpReply(response)
    await settle()
    observer.flush()
    return reply
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
