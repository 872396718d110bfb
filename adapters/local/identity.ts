import {
  createHash,
  createPublicKey,
  type KeyObject,
  timingSafeEqual,
  X509Certificate,
} from 'node:crypto'
import {
  type Clock,
  findCredential,
  isBound,
  isDeviceId,
  isLive,
  type RegisteredDevice,
  type SymmetricKeys,
} from '../../core/index.ts'
import { CLOCK_SKEW_MS, faultOf, isSignedBy, readJwt } from '../node/jwt.ts'
import { type Authority, fingerprintOf } from './authority.ts'
import { isSignedWith, readSasToken } from './sas.ts'

/** Who somebody is. */
export type Identity =
  /** A device that proved it. */
  | {
      readonly kind: 'device'
      readonly deviceId: string
      readonly principal: string
      /** Epoch ms from which the proof counts no more; absent if it has no end of its own. */
      readonly expiresAt?: number
    }
  /** A person or a program with the admin's token. */
  | { readonly kind: 'admin'; readonly expiresAt?: number }

export type Judged =
  | Identity
  | {
      readonly kind: 'refused'
      readonly reason: 'bad_credentials' | 'not_authorized'
      /** For the log and for people. */
      readonly why: string
    }

/** Says who somebody is from what he shows. */
export interface Identities {
  /** By the client certificate of a TLS connection, in DER; that he holds its key, TLS has made sure of. */
  ofCertificate(der: Uint8Array): Judged
  /** By a name and a token. */
  ofToken(deviceId: string, token: string): Judged
  /**
   * By a shared access signature for one device: of one of its keys, or of the policy `iothubowner`. One that has expired
   * proves nothing, as one that is for another device.
   */
  ofSas(deviceId: string, text: string): Judged
  /** By a shared access signature of the policy `iothubowner`, whatever resource of this cloud it is for: the admin. */
  ofServiceSas(text: string): Judged
  /**
   * By a JSON Web Token that the device signed, for an audience. One that has expired proves nothing; its end is that of
   * the token with the clock skew that devices are allowed.
   */
  ofJwt(deviceId: string, text: string, audience: string): Judged
  /** Whether a token is the admin's. */
  isAdmin(token: string): boolean
  isRegistered(deviceId: string): boolean
  /**
   * Whether somebody who proved that he is `speaker` may bring messages of a device behind a network: the device itself, and
   * a registered gateway, for devices that are bound to it or prove nothing by themselves.
   */
  maySpeakFor(speaker: string, deviceId: string): boolean
  /** Whether a device may not be served, however it comes. */
  isDisabled(deviceId: string): boolean
}

export interface IdentitiesOptions {
  readonly peek: (deviceId: string) => RegisteredDevice | undefined
  readonly authority: () => Authority | undefined
  readonly adminToken: string
  readonly clock: Clock
}

/** Certificates of ours that were signed before their device was registered may belong to one that was removed. Unit: ms. */
const SLACK_MS = 2 * 86_400_000

/** Public keys that are kept ready for use. */
const MAX_PUBLIC_KEYS = 1_000

export function createIdentities({
  peek,
  authority,
  adminToken,
  clock,
}: IdentitiesOptions): Identities {
  const adminDigest = digestOf(adminToken)
  const ownerKey = ownerKeyOf(adminToken)
  /** Public keys that tokens were verified with lately: reading one takes longer than using it. */
  const publicKeys = new Map<string, KeyObject>()

  function keyOf(pem: string): KeyObject {
    const known = publicKeys.get(pem)
    if (known !== undefined) return known
    const key = createPublicKey(pem)
    if (publicKeys.size >= MAX_PUBLIC_KEYS) publicKeys.clear()
    publicKeys.set(pem, key)
    return key
  }

  function refused(
    why: string,
    reason: 'bad_credentials' | 'not_authorized' = 'not_authorized',
  ): Judged {
    return { kind: 'refused', reason, why }
  }

  function findEnabled(deviceId: string): RegisteredDevice | string {
    const device = peek(deviceId)
    if (device === undefined) return 'device is not registered'
    return device.enabled ? device : 'device is disabled'
  }

  return {
    ofCertificate(der) {
      const now = clock.now()
      let certificate: X509Certificate
      try {
        certificate = new X509Certificate(der)
      } catch {
        return refused('client certificate cannot be read')
      }
      const deviceId = commonNameOf(certificate)
      if (deviceId === undefined || !isDeviceId(deviceId))
        return refused('common name of the client certificate is no device id')
      if (Date.parse(certificate.validTo) <= now) return refused('client certificate has expired')
      if (Date.parse(certificate.validFrom) > now)
        return refused('client certificate is not valid yet')
      const device = findEnabled(deviceId)
      if (typeof device === 'string') return refused(device)
      const fingerprint = fingerprintOf(der)
      // Azure knows certificates by SHA-1 as well.
      const named = [fingerprint, createHash('sha1').update(der).digest('hex')].flatMap(
        (digest) => findCredential(device, 'certificate', digest) ?? [],
      )
      const credential = named.find((one) => isLive(one, now)) ?? named[0]
      if (credential !== undefined && !isLive(credential, now))
        return refused('client certificate was replaced')
      if (credential === undefined) {
        if (authority()?.hasIssued(certificate) !== true)
          return refused('client certificate is neither registered nor signed by our authority')
        if (Date.parse(certificate.validFrom) < device.createdAt - SLACK_MS)
          return refused('client certificate is older than the registration of its device')
      }
      return { kind: 'device', deviceId, principal: fingerprint }
    },

    ofToken(deviceId, token) {
      const device = peek(deviceId)
      if (device === undefined) return refused('device is not registered', 'bad_credentials')
      const credential = findCredential(device, 'token', tokenDigest(token))
      if (credential === undefined || !isLive(credential, clock.now()))
        return refused('token is not one of the device', 'bad_credentials')
      // Only who knows the token learns that the device is disabled.
      if (!device.enabled) return refused('device is disabled')
      return { kind: 'device', deviceId, principal: deviceId }
    },

    ofSas(deviceId, text) {
      const token = readSasToken(text)
      if (token === undefined)
        return refused('shared access signature cannot be read', 'bad_credentials')
      const { policy, expiresAt } = token
      const path = pathOf(token.resource)
      const isForAll = policy !== undefined && path === ''
      // Clients write an id with a colon in it as %3A, and that whole once more.
      const isForDevice = [deviceId, encodeURIComponent(deviceId)].some(
        (id) => path === `/devices/${id}`,
      )
      if (!isForDevice && !isForAll) return refused('shared access signature is not for the device')
      const device = peek(deviceId)
      const now = clock.now()
      const keys =
        policy === undefined
          ? (device?.credentials ?? []).flatMap((one) =>
              one.keys !== undefined && isLive(one, now)
                ? [one.keys.primary, one.keys.secondary]
                : [],
            )
          : policy === OWNER_POLICY
            ? [ownerKey]
            : []
      if (!keys.some((key) => isSignedWith(token, key)))
        return refused('shared access signature is of no key of the device', 'bad_credentials')
      if (expiresAt <= now) return refused('shared access signature has expired', 'bad_credentials')
      const found = findEnabled(deviceId)
      if (typeof found === 'string') return refused(found)
      return { kind: 'device', deviceId, principal: deviceId, expiresAt }
    },

    ofJwt(deviceId, text, audience) {
      const jwt = readJwt(text)
      if (jwt === undefined) return refused('token cannot be read', 'bad_credentials')
      const now = clock.now()
      // First what costs nothing: anybody may send a token.
      const fault = faultOf(jwt, audience, now)
      if (fault !== undefined) return refused(fault, 'bad_credentials')
      const isSigned = (peek(deviceId)?.credentials ?? []).some(
        (one) =>
          one.publicKey !== undefined && isLive(one, now) && isSignedBy(jwt, keyOf(one.publicKey)),
      )
      if (!isSigned) return refused('token is of no key of the device', 'bad_credentials')
      const found = findEnabled(deviceId)
      if (typeof found === 'string') return refused(found)
      const expiresAt = jwt.expiresAt + CLOCK_SKEW_MS
      return { kind: 'device', deviceId, principal: deviceId, expiresAt }
    },

    ofServiceSas(text) {
      const token = readSasToken(text)
      if (token === undefined)
        return refused('shared access signature cannot be read', 'bad_credentials')
      if (token.policy !== OWNER_POLICY)
        return refused(`shared access policy is not ${OWNER_POLICY}`, 'bad_credentials')
      if (!isSignedWith(token, ownerKey))
        return refused(`shared access signature is not of ${OWNER_POLICY}`, 'bad_credentials')
      const { expiresAt } = token
      if (expiresAt <= clock.now())
        return refused('shared access signature has expired', 'bad_credentials')
      return { kind: 'admin', expiresAt }
    },

    isAdmin: (token) => token !== '' && timingSafeEqual(digestOf(token), adminDigest),

    isRegistered: (deviceId) => peek(deviceId) !== undefined,

    maySpeakFor(speaker, deviceId) {
      if (speaker === deviceId) return true
      // What no device is called belongs to all of them.
      if (!isDeviceId(deviceId)) return false
      const device = peek(deviceId)
      if (peek(speaker)?.gatewayAuth === undefined || device?.enabled === false) return false
      return device === undefined || device.credentials.length === 0 || isBound(device, speaker)
    },

    isDisabled: (deviceId) => peek(deviceId)?.enabled === false,
  }
}

/** The shared access policy that may do everything, as at Azure. */
export const OWNER_POLICY = 'iothubowner'

/** The key of that policy: the admin's token in base64, so that nothing more is kept. */
export function ownerKeyOf(adminToken: string): string {
  return Buffer.from(adminToken).toString('base64')
}

/** What keys of a device are told apart by. */
export function keysDigest({ primary, secondary }: SymmetricKeys): string {
  return digestOf(`${primary} ${secondary}`).toString('hex')
}

/** What stands behind the host: '' or a path. AMQP clients put a scheme before it. */
function pathOf(resource: string): string {
  const rest = resource.replace(/^[a-z]+:\/\//i, '')
  const start = rest.indexOf('/')
  return start < 0 ? '' : rest.slice(start).replace(/\/+$/, '')
}

/** A token as it is kept: SHA-256 in hex. It is random and long, so that no slower digest is needed. */
export function tokenDigest(token: string): string {
  return digestOf(token).toString('hex')
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** The one common name, or `undefined` if there is none or more than one. */
function commonNameOf(certificate: X509Certificate): string | undefined {
  const name: unknown = certificate.toLegacyObject().subject?.CN
  return typeof name === 'string' ? name : undefined
}
