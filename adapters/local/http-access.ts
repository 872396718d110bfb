import type { Identities, Identity } from './identity.ts'

/** What is known of one HTTP request before it is served. */
export interface HttpCaller {
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  /** True if it came over TLS. */
  readonly secure: boolean
  /** The client certificate, DER. */
  readonly certificate: Uint8Array | undefined
}

/** Who may go on, and as whom; `undefined` as identity: anybody on this machine. */
export type Admission =
  | { readonly admitted: true; readonly identity: Identity | undefined }
  | { readonly admitted: false; readonly status: 401 | 403; readonly reason: string }

/** Decides on requests. */
export type HttpAccess = (caller: HttpCaller) => Admission

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
 * Over TLS, and everywhere with `requireAuth`, one has to be the admin or a device on its own paths; what `isPublic`
 * names is open to all. Otherwise this machine is trusted: development.
 */
export function createHttpAccess(
  identities: Identities,
  requireAuth: boolean,
  isPublic: (path: string) => boolean,
): HttpAccess {
  function identify({ authorization, certificate }: HttpCaller, named: string | undefined) {
    if (certificate !== undefined) return identities.ofCertificate(certificate)
    const sas = authorization ?? ''
    if (/^sharedaccesssignature /i.test(sas)) {
      const owner = identities.ofServiceSas(sas)
      return owner.kind === 'refused' && named !== undefined ? identities.ofSas(named, sas) : owner
    }
    const bearer = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
    if (bearer !== undefined) {
      if (identities.isAdmin(bearer)) return { kind: 'admin' } as const
      return named === undefined ? undefined : identities.ofToken(named, bearer)
    }
    const basic = /^basic +(\S+)$/i.exec(authorization ?? '')?.[1]
    if (basic === undefined) return undefined
    const text = Buffer.from(basic, 'base64').toString('utf8')
    // Ids may hold colons, tokens do not. Source: RFC 7617 has it the other way round.
    const end = text.lastIndexOf(':')
    return identities.ofToken(text.slice(0, Math.max(0, end)), text.slice(end + 1))
  }

  return (caller) => {
    const { method, path, secure } = caller
    const named = deviceOf(method, path)
    if (named !== undefined && identities.isDisabled(named))
      return refuse(403, 'device is disabled')
    if (isPublic(path) || (!secure && !requireAuth)) return { admitted: true, identity: undefined }
    const identity = identify(caller, named)
    if (identity === undefined)
      return refuse(401, "expected a client certificate, a device's token or the admin's token")
    if (identity.kind === 'refused')
      return refuse(identity.reason === 'bad_credentials' ? 401 : 403, identity.why)
    if (identity.kind === 'admin' || named === identity.deviceId || SHARED_PATHS.test(path))
      return { admitted: true, identity }
    return refuse(403, `${identity.deviceId} may use only what is its own`)
  }
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
