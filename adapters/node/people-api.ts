import {
  type Api,
  createApi,
  type Endpoint,
  type PageStore,
  pageEndpoints,
  type RequestFacts,
} from '../../core/api/index.ts'
import {
  type Caller,
  type Core,
  createAccess,
  deviceCaller,
  findCredential,
  isLive,
  type Ports,
  type Shown,
} from '../../core/index.ts'
import { createGuardedSender } from './guarded-sender.ts'
import { createOidc } from './oidc.ts'
import { nodeSecrets } from './secrets.ts'

/** The REST API of a cloud, for whoever proves who he is. */
export interface PeopleApi {
  readonly api: Api
  /** Answers one request; `remote` is the address it came from, where the cloud tells it. */
  serve(request: Request, remote: string | undefined): Promise<Response>
  /** Ends the connections that are kept. */
  close(): void
}

export interface PeopleApiOptions {
  readonly core: Core
  /** SHA-256 of the admin's token, in hex. */
  readonly adminTokenDigest: string
  /** What this cloud serves besides. */
  readonly more: readonly Endpoint[]
  /** Where the files of the dashboard lie. */
  readonly page: PageStore
}

/** Wires the API to who may use it: the admin, API keys, people of the issuers in the config, and devices by their tokens. */
export function createPeopleApi({
  core,
  adminTokenDigest,
  more,
  page,
}: PeopleApiOptions): PeopleApi {
  const { ports, program } = core
  const { oidc: issuers } = program.config.access
  const sender = createGuardedSender()
  const access = createAccess({
    ports,
    config: program.config,
    secrets: nodeSecrets,
    adminTokenDigest,
    verifyToken: createOidc({ issuers, sender, clock: ports.clock }),
    deviceOf: createDeviceProof(ports),
  })
  const facts = new WeakMap<Request, RequestFacts>()
  const api = createApi({
    core,
    add: async (uplink) => {
      const [outcome] = await core.ingest([uplink])
      if (outcome === undefined) throw new Error('expected one outcome, found none')
      return outcome
    },
    who: { access, factsOf: (request) => facts.get(request) ?? {} },
    // Who signs in with an issuer has the page ask it.
    more: [
      ...more,
      ...pageEndpoints(
        page,
        issuers.map(({ issuer }) => new URL(issuer).origin),
      ),
    ],
  })
  return {
    api,
    async serve(request, remote) {
      facts.set(request, { remote })
      return api.fetch(request)
    },
    close: sender.close,
  }
}

/** A device that shows a token of its own on a path of its own. */
function createDeviceProof({
  registry,
  clock,
}: Pick<Ports, 'registry' | 'clock'>): (shown: Shown) => Promise<Caller | undefined> {
  return async ({ path, authorization }) => {
    const deviceId = readPart(/^\/devices\/([^/]+)\//.exec(path)?.[1])
    const token = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
    if (deviceId === undefined || token === undefined || !TOKEN.test(token)) return undefined
    const device = await registry.get(deviceId)
    const credential = device && findCredential(device, 'token', nodeSecrets.digest(token))
    const isKnown =
      device?.enabled === true && credential !== undefined && isLive(credential, clock.now())
    return isKnown ? deviceCaller(deviceId) : undefined
  }
}

/** 256 random bits: nothing else is looked up. */
const TOKEN = /^[\w-]{43}$/

/** `undefined` if it is not percent-encoded as it should be: nobody is called so. */
function readPart(part: string | undefined): string | undefined {
  try {
    return part === undefined ? undefined : decodeURIComponent(part)
  } catch {
    return undefined
  }
}

/**
 * The address that a proxy of the cloud put last: those before it may be anybody's invention.
 * Source: RFC 7239, 5.2 for a port behind it.
 */
export function lastForwarded(header: string | null): string | undefined {
  const last = header?.split(',').at(-1)?.trim()
  if (last === undefined || last === '') return undefined
  return /^\[([^\]]+)\]/.exec(last)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(last)?.[1] ?? last
}
