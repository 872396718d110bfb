import { createPublicKey } from 'node:crypto'
import { type Clock, findCredential, isDeviceId, isLive, type Registry } from '../../core/index.ts'
import { faultOf, isSignedBy, readJwt } from '../node/jwt.ts'
import { tokenDigest } from './issuer.ts'

export interface DeviceAccessOptions {
  readonly registry: Registry
  readonly clock: Clock
  /** What tokens of devices are for: the project. */
  readonly audience: string
}

/** Why a device may not go on: 401 if it proves nothing, 403 if it is not enabled. */
export interface Refusal {
  readonly status: 401 | 403
  readonly reason: string
}

/** Says whether somebody is this device, by what he shows; `undefined`: he is. */
export type DeviceAccess = (
  deviceId: string,
  authorization: string | undefined,
) => Promise<Refusal | undefined>

/**
 * Devices prove themselves with a JWT that they signed with a key of their own (RS256 or ES256, the project as audience,
 * clocks ten minutes apart at most), or with their token.
 */
export function createDeviceAccess({
  registry,
  clock,
  audience,
}: DeviceAccessOptions): DeviceAccess {
  return async (deviceId, authorization) => {
    const bearer = bearerOf(authorization)
    if (bearer === '' || !isDeviceId(deviceId)) return refuse('expected a token of the device')
    const now = clock.now()
    const jwt = readJwt(bearer)
    // First what costs nothing: anybody may send a token.
    const fault = jwt === undefined ? undefined : faultOf(jwt, audience, now)
    if (fault !== undefined) return refuse(fault)
    const device = await registry.get(deviceId)
    if (device === undefined) return refuse('token is of no key of the device')
    const token =
      jwt === undefined ? findCredential(device, 'token', tokenDigest(bearer)) : undefined
    const proves =
      jwt === undefined
        ? token !== undefined && isLive(token, now)
        : device.credentials.some(
            (one) =>
              one.publicKey !== undefined &&
              isLive(one, now) &&
              isSignedBy(jwt, createPublicKey(one.publicKey)),
          )
    if (!proves) return refuse('token is of no key of the device')
    return device.enabled ? undefined : { status: 403, reason: 'device is disabled' }
  }
}

function bearerOf(authorization: string | undefined): string {
  return /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? ''
}

function refuse(reason: string): Refusal {
  return { status: 401, reason }
}
