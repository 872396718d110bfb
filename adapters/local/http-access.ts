import { ADMIN, ANONYMOUS, type Caller, CoreError, deviceCaller } from '../../core/index.ts'
import type { Identities, Identity, Judged } from './identity.ts'

/** What is known of one HTTP request before it is served. */
export interface HttpCaller {
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  /** True if it came over TLS. */
  readonly secure: boolean
  /** The client certificate, DER. */
  readonly certificate: Uint8Array | undefined
  /** True where the API or a page serves it: there people come in, and programs with keys. */
  readonly forPeople: boolean
}

/** Who may go on, and as whom. */
export type Admission =
  | {
      readonly admitted: true
      /** `undefined`: anybody on this machine. */
      readonly identity: Identity | undefined
      /** What he may do; `undefined`: the API has to find out who he is. */
      readonly caller?: Caller
      /** What he may do if he shows nothing to the API; `undefined`: he has to show something. */
      readonly anonymous?: Caller
    }
  | { readonly admitted: false; readonly status: 401 | 403; readonly reason: string }
  /** What was shown to the API proves nothing, and it says why. */
  | { readonly admitted: false; readonly error: CoreError }

/** Decides on requests. `people` says which person or program shows what the request does. */
export type HttpAccess = (
  caller: HttpCaller,
  people: () => Promise<Caller | undefined>,
) => Promise<Admission>

/** Paths that are a device's own, with the device in them. */
const DEVICE_PATHS: readonly { readonly method: string; readonly path: RegExp }[] = [
  { method: 'POST', path: /^\/devices\/([^/]+)\/telemetry$/ },
  { method: 'GET', path: /^\/devices\/([^/]+)\/shadow$/ },
  {
    method: '*',
    path: /^\/devices\/([^/]+)\/messages\/(?:events|devicebound(?:\/[^/]+){0,2})\/?$/i,
  },
  { method: 'GET', path: /^\/devices\/([^/]+)\/executions\/next$/ },
  { method: 'DELETE', path: /^\/devices\/([^/]+)\/executions\/[^/]+$/ },
  { method: 'POST', path: /^\/devices\/([^/]+)\/executions\/[^/]+\/abandon$/ },
  { method: '*', path: /^\/things\/([^/]+)\/shadow$/ },
  { method: 'GET', path: /^\/api\/things\/shadow\/ListNamedShadowsForThing\/([^/]+)$/ },
]

/** Paths that a device may use, and that look for themselves what it may do there. */
const SHARED_PATHS = /^\/topics\//

/**
 * Builds the gate of the HTTP listeners.
 *
 * Over TLS, and everywhere with `requireAuth`, one has to be the admin, a device on its own paths, or, where the API serves,
 * somebody whom the API knows; what `isPublic` names is open to all. Otherwise this machine is trusted: development.
 */
export function createHttpAccess(
  identities: Identities,
  requireAuth: boolean,
  isPublic: (method: string, path: string) => boolean,
): HttpAccess {
  function identify(
    { authorization, certificate }: HttpCaller,
    named: string | undefined,
  ): Judged | undefined {
    if (certificate !== undefined) return identities.ofCertificate(certificate)
    const sas = authorization ?? ''
    if (/^sharedaccesssignature /i.test(sas)) {
      const owner = identities.ofServiceSas(sas)
      return owner.kind === 'refused' && named !== undefined ? identities.ofSas(named, sas) : owner
    }
    const bearer = bearerOf(authorization)
    if (bearer !== undefined) {
      if (identities.isAdmin(bearer)) return { kind: 'admin' }
      return named === undefined || isOfPeople(bearer)
        ? undefined
        : identities.ofToken(named, bearer)
    }
    const basic = /^basic +(\S+)$/i.exec(authorization ?? '')?.[1]
    if (basic === undefined) return undefined
    const text = Buffer.from(basic, 'base64').toString('utf8')
    // Ids may hold colons, tokens do not. Source: RFC 7617 has it the other way round.
    const end = text.lastIndexOf(':')
    return identities.ofToken(text.slice(0, Math.max(0, end)), text.slice(end + 1))
  }

  /** Whom the API knows; an error where what he shows proves nothing. */
  async function admitPerson(people: () => Promise<Caller | undefined>): Promise<Admission> {
    try {
      const caller = await people()
      return caller === undefined
        ? refuse(401, EXPECTED)
        : { admitted: true, identity: undefined, caller }
    } catch (error) {
      if (error instanceof CoreError) return { admitted: false, error }
      throw error
    }
  }

  return async (caller, people) => {
    const { method, path, secure, authorization, forPeople } = caller
    const named = deviceOf(method, path)
    if (named !== undefined && identities.isDisabled(named))
      return refuse(403, 'device is disabled')
    const isTrusted = !secure && !requireAuth
    const anonymous = isTrusted ? { anonymous: ANONYMOUS } : {}
    // Nothing is shown, and nothing has to be: the usual case of development.
    const isFree = isTrusted && (authorization === undefined || !forPeople)
    if (isFree || isPublic(method, path))
      return { admitted: true, identity: undefined, ...anonymous }
    const identity = identify(caller, named)
    if (identity?.kind === 'admin') return { admitted: true, identity, caller: ADMIN }
    if (identity?.kind === 'device' && named === identity.deviceId)
      return { admitted: true, identity, caller: deviceCaller(identity.deviceId) }
    if (isTrusted) {
      const isPerson = named === undefined || isOfPeople(bearerOf(authorization))
      return {
        admitted: true,
        identity: undefined,
        ...anonymous,
        // What a device of this machine shows on its own paths is not looked at in development.
        ...(isPerson ? {} : { caller: ANONYMOUS }),
      }
    }
    if (identity?.kind === 'device') {
      if (SHARED_PATHS.test(path)) return { admitted: true, identity }
      return refuse(403, `${identity.deviceId} may use only what is its own`)
    }
    if (identity !== undefined)
      return refuse(identity.reason === 'bad_credentials' ? 401 : 403, identity.why)
    return forPeople ? admitPerson(people) : refuse(401, EXPECTED)
  }
}

const EXPECTED =
  "expected a client certificate, a device's token, the admin's token, an API key or a token of an issuer"

/** The secret of an API key, or a JSON Web Token: no device has such a token. */
function isOfPeople(bearer: string | undefined): boolean {
  return bearer !== undefined && /^ahk_|^[\w-]+\.[\w-]+\.[\w-]+$/.test(bearer)
}

function bearerOf(authorization: string | undefined): string | undefined {
  return /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
}

function deviceOf(method: string, path: string): string | undefined {
  for (const own of DEVICE_PATHS) {
    const found = own.path.exec(path)?.[1]
    if (found !== undefined && (own.method === '*' || own.method === method)) return decode(found)
  }
  return undefined
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function refuse(status: 401 | 403, reason: string): Admission {
  return { admitted: false, status, reason }
}
