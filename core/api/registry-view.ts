import * as z from 'zod'
import { isLive } from '../devices/credentials.ts'
import { GATEWAY_AUTHS } from '../devices/gateways.ts'
import type { JsonObject } from '../model/json.ts'
import type { RegisteredDevice } from '../model/registered-device.ts'
import { AnyJson, Instant } from './schemas.ts'

/** A credential as everybody may see it: what is secret in it is not there. */
export const CredentialView = z
  .object({
    kind: z.enum(['certificate', 'token', 'key', 'public_key']),
    fingerprint: z.string().optional().meta({
      description: 'SHA-256 in hex, of certificates and of public keys.',
    }),
    createdAt: Instant,
    endsAt: Instant.optional(),
    live: z.boolean().meta({ description: 'Whether it proves something now.' }),
  })
  .meta({ id: 'Credential' })

/** A registered device as the API shows it. */
export const RegisteredDeviceView = z
  .object({
    deviceId: z.string(),
    type: z.string().optional(),
    tags: z.record(z.string(), AnyJson),
    enabled: z.boolean(),
    createdAt: Instant,
    version: z.int().meta({ description: 'Counts changes, from 1 on; it is the ETag.' }),
    credentials: z.array(CredentialView),
    gateways: z.array(z.string()).optional().meta({
      description: 'Gateways that may speak for it.',
    }),
    gatewayAuth: z.enum(GATEWAY_AUTHS).optional(),
  })
  .meta({ id: 'RegisteredDevice' })

/** A device without keys and digests of tokens: they are nobody's business. Fingerprints of certificates and of public keys are public. */
export function registeredDeviceView(device: RegisteredDevice, now: number): JsonObject {
  const { deviceId, type, tags, enabled, createdAt, version, credentials } = device
  const { gateways, gatewayAuth } = device
  return {
    deviceId,
    ...(type === undefined ? {} : { type }),
    tags: { ...tags },
    enabled,
    createdAt,
    version,
    credentials: credentials.map((credential): JsonObject => {
      const { kind, digest, endsAt } = credential
      return {
        kind,
        ...(kind === 'certificate' || kind === 'public_key' ? { fingerprint: digest } : {}),
        createdAt: credential.createdAt,
        ...(endsAt === undefined ? {} : { endsAt }),
        live: isLive(credential, now),
      }
    }),
    ...(gateways === undefined ? {} : { gateways: [...gateways] }),
    ...(gatewayAuth === undefined ? {} : { gatewayAuth }),
  }
}
