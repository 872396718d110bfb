import type { Context } from 'hono'
import * as z from 'zod'
import { rotateCredential } from '../devices/credentials.ts'
import { bindTo, GATEWAY_AUTHS, isBound, MAX_GATEWAYS, unbindFrom } from '../devices/gateways.ts'
import { CoreError } from '../errors.ts'
import { isDeviceId } from '../model/device-id.ts'
import type { JsonObject } from '../model/json.ts'
import type { DeviceCredential, RegisteredDevice } from '../model/registered-device.ts'
import type { Ports } from '../ports.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import { checkMatch, readIfMatch, setEtag } from './etag.ts'
import { RegisteredDeviceView, registeredDeviceView } from './registry-view.ts'
import { After, DeviceParams, limit } from './schemas.ts'

export interface RegistryOptions {
  readonly ports: Pick<Ports, 'registry' | 'issuer' | 'clock'>
  /** Where a device has a twin with tags, they are its tags. */
  readonly twinTags?: TwinTags
}

/** The tags that devices have in their twins. */
export interface TwinTags {
  /** `undefined` if the twin has none: those of the registry count. */
  read(deviceId: string): Promise<JsonObject | undefined>
  /** @throws CoreError `input.malformed` if a twin cannot have them. */
  replace(deviceId: string, tags: JsonObject): Promise<void>
}

const MAX_TAGS = 50

/** Old credentials go on for so long after a rotation unless told otherwise. Unit: s. */
const USUAL_GRACE_SECONDS = 86_400
const MAX_GRACE_SECONDS = 31_536_000

/** A change that meets another one is tried so often. */
const MAX_RACES = 5

const KINDS = 'expected certificate, token or key'
const Kind = z.enum(['certificate', 'token', 'key'], KINDS).optional().meta({
  description: 'What is made for it, and handed out in this answer only.',
})

const TYPE = 'expected a text of at most 128 characters'
const Type = z.string(TYPE).max(128, TYPE).optional()

const TAGS = `expected at most ${MAX_TAGS} texts of at most 256 characters by name`
const Tags = z
  .record(z.string().max(128, TAGS), z.string(TAGS).max(256, TAGS), TAGS)
  .refine((tags) => Object.keys(tags).length <= MAX_TAGS, TAGS)
  .optional()

const FINGERPRINT = 'expected SHA-256 of the certificate, 64 hex digits'
const Fingerprint = z
  .string(FINGERPRINT)
  .transform((text) => text.replaceAll(':', '').toLowerCase())
  .refine((hex) => /^[0-9a-f]{64}$/.test(hex), FINGERPRINT)
  .optional()

const Pem = z.string('expected a public key in PEM').optional()

const END = 'expected the end of the public key in epoch milliseconds'
const End = z.number(END).positive(END).optional()

const Gateway = z
  .enum(GATEWAY_AUTHS, `expected ${GATEWAY_AUTHS.join(', ')}`)
  .optional()
  .meta({
    description: 'It is a gateway, and this is what it needs to speak for another device.',
  })

const NewDevice = z
  .strictObject({
    deviceId: z
      .string('expected 1 to 128 letters, digits and : . _ -')
      .refine(isDeviceId, 'expected 1 to 128 letters, digits and : . _ -'),
    type: Type,
    tags: Tags,
    credential: Kind,
    fingerprint: Fingerprint,
    publicKey: Pem,
    publicKeyExpiresAt: End,
    gatewayAuth: Gateway,
  })
  .meta({ id: 'NewDevice' })

const DeviceChange = z
  .strictObject({
    enabled: z.boolean('expected true or false').optional(),
    type: Type,
    tags: Tags,
    gatewayAuth: Gateway,
  })
  .meta({ id: 'DeviceChange' })

const GRACE = `expected a number from 0 to ${MAX_GRACE_SECONDS}`
const Rotation = z
  .strictObject({
    credential: Kind,
    graceSeconds: z
      .number(GRACE)
      .min(0, GRACE)
      .max(MAX_GRACE_SECONDS, GRACE)
      .default(USUAL_GRACE_SECONDS)
      .meta({ description: 'For how long the credentials before go on.' }),
    publicKey: Pem,
    publicKeyExpiresAt: End,
  })
  .meta({ id: 'Rotation' })

const NewPublicKey = z
  .strictObject({ publicKey: z.string('expected a public key in PEM'), expiresAt: End })
  .meta({ id: 'NewPublicKey' })

const WithSecrets = z
  .object({
    device: RegisteredDeviceView,
    token: z.string().optional(),
    primaryKey: z.string().optional(),
    secondaryKey: z.string().optional(),
    certificate: z.string().optional().meta({ description: 'PEM.' }),
    privateKey: z.string().optional().meta({ description: 'PEM.' }),
    authority: z.string().optional().meta({ description: 'PEM of what it has to trust.' }),
  })
  .meta({
    id: 'DeviceWithSecrets',
    description: 'What was made is in this answer and nowhere else.',
  })

const BoundParams = z.strictObject({ gatewayId: z.string(), deviceId: z.string() })

/** Who may be here, and by what each proves it. Secrets are in the answer that makes them and nowhere else. */
export function registryEndpoints({ ports, twinTags }: RegistryOptions): readonly Endpoint[] {
  const { registry, issuer, clock } = ports

  async function shown(device: RegisteredDevice): Promise<JsonObject> {
    const tags = (await twinTags?.read(device.deviceId)) ?? device.tags
    return { ...registeredDeviceView(device, clock.now()), tags }
  }

  async function setTwinTags(deviceId: string, tags: JsonObject): Promise<void> {
    if ((await twinTags?.read(deviceId)) !== undefined) await twinTags?.replace(deviceId, tags)
  }

  /** What was asked for is made, and is in the answer. */
  async function issue(deviceId: string, kind: DeviceCredential['kind']): Promise<Issued> {
    switch (kind) {
      case 'token': {
        const { credential, token } = await issuer.token()
        return { credentials: [credential], secrets: { token } }
      }
      case 'key': {
        // The token is for the ways that know no signature.
        const [{ credential, token }, key] = await Promise.all([issuer.token(), issuer.key()])
        const { primary, secondary } = key.keys
        return {
          credentials: [credential, key.credential],
          secrets: { token, primaryKey: primary, secondaryKey: secondary },
        }
      }
      case 'certificate': {
        const { credential, ...secrets } = await issuer.certificate(deviceId)
        return { credentials: [credential], secrets }
      }
      case 'public_key':
        throw malformed('credential: a key pair is made by the device; send its public key')
    }
  }

  async function readPublicKey(
    pem: string | undefined,
    expiresAt: number | undefined,
  ): Promise<DeviceCredential | undefined> {
    if (pem === undefined) return undefined
    const credential = await issuer.publicKey(pem)
    return expiresAt === undefined ? credential : { ...credential, endsAt: expiresAt }
  }

  async function find(deviceId: string): Promise<RegisteredDevice> {
    const device = await registry.get(deviceId)
    if (device === undefined)
      throw new CoreError('input.not_found', `no device ${JSON.stringify(deviceId)} is registered`)
    return device
  }

  async function change(
    deviceId: string,
    edit: (device: RegisteredDevice) => RegisteredDevice,
  ): Promise<RegisteredDevice> {
    for (let race = 1; ; race++) {
      const device = await find(deviceId)
      const next = { ...edit(device), version: device.version + 1 }
      try {
        await registry.update(next)
        return next
      } catch (error) {
        const isLost = error instanceof CoreError && error.code === 'store.conflict'
        if (!isLost || race === MAX_RACES) throw error
      }
    }
  }

  /** What a registered device looks like now, with its ETag. */
  function answer(context: Context, device: RegisteredDevice): JsonObject {
    setEtag(context, device.version)
    return registeredDeviceView(device, clock.now())
  }

  return [
    endpoint({
      method: 'post',
      path: '/registry/devices',
      operation: 'registerDevice',
      tag: 'Registry',
      summary: 'Registers a device, and makes what it proves itself by.',
      needs: 'devices:write',
      body: NewDevice,
      bodyOptional: true,
      status: 201,
      answer: WithSecrets,
      handsOutSecret: true,
      async handle({ context, body }) {
        const { deviceId, type, tags = {}, fingerprint, gatewayAuth } = body
        const now = clock.now()
        if ((await registry.get(deviceId)) !== undefined)
          throw new CoreError('device.exists', `${deviceId} is registered already`)
        const publicKey = await readPublicKey(body.publicKey, body.publicKeyExpiresAt)
        const issued =
          body.credential === undefined ? undefined : await issue(deviceId, body.credential)
        const device: RegisteredDevice = {
          deviceId,
          ...(type === undefined ? {} : { type }),
          tags,
          enabled: true,
          createdAt: now,
          version: 1,
          credentials: [
            ...(fingerprint === undefined
              ? []
              : [{ kind: 'certificate' as const, digest: fingerprint, createdAt: now }]),
            ...(publicKey === undefined ? [] : [publicKey]),
            ...(issued?.credentials ?? []),
          ],
          ...(gatewayAuth === undefined ? {} : { gatewayAuth }),
        }
        await setTwinTags(deviceId, device.tags)
        await registry.create(device)
        setEtag(context, device.version)
        const after = await shown(device)
        context.set('change', { target: `device/${deviceId}`, after })
        return { device: after, ...issued?.secrets }
      },
    }),
    endpoint({
      method: 'get',
      path: '/registry/devices',
      operation: 'listRegisteredDevices',
      tag: 'Registry',
      summary: 'Registered devices in the order of their ids.',
      needs: 'devices:read',
      query: z.strictObject({ limit: limit(100, 1_000), after: After }),
      answer: z.object({ devices: z.array(RegisteredDeviceView), next: z.string().optional() }),
      async handle({ query: { limit, after = '' } }) {
        const devices = await registry.list(after, limit)
        const next = devices.length === limit ? devices.at(-1)?.deviceId : undefined
        return {
          devices: await Promise.all(devices.map(shown)),
          ...(next === undefined ? {} : { next }),
        }
      },
    }),
    endpoint({
      method: 'get',
      path: '/registry/devices/{deviceId}',
      operation: 'getRegisteredDevice',
      tag: 'Registry',
      summary: 'One registered device.',
      needs: 'devices:read',
      params: DeviceParams,
      answer: RegisteredDeviceView,
      async handle({ context, params: { deviceId } }) {
        const device = await find(deviceId)
        setEtag(context, device.version)
        return shown(device)
      },
    }),
    endpoint({
      method: 'patch',
      path: '/registry/devices/{deviceId}',
      operation: 'changeRegisteredDevice',
      tag: 'Registry',
      summary: 'Changes what is known of a device, or whether it may speak at all.',
      description: 'With `If-Match` only if nobody else changed it since.',
      needs: 'devices:write',
      params: DeviceParams,
      body: DeviceChange,
      bodyOptional: true,
      answer: RegisteredDeviceView,
      async handle({ context, params: { deviceId }, body }) {
        const { enabled, type, tags, gatewayAuth } = body
        const wanted = readIfMatch(context)
        const before = await find(deviceId)
        checkMatch(wanted, before.version)
        if (tags !== undefined) await setTwinTags(deviceId, tags)
        const device = await change(deviceId, (found) => {
          checkMatch(wanted, found.version)
          return {
            ...found,
            ...(type === undefined ? {} : { type }),
            ...(tags === undefined ? {} : { tags }),
            ...(enabled === undefined ? {} : { enabled }),
            ...(gatewayAuth === undefined ? {} : { gatewayAuth }),
          }
        })
        setEtag(context, device.version)
        const after = await shown(device)
        context.set('change', {
          target: `device/${deviceId}`,
          before: registeredDeviceView(before, clock.now()),
          after,
        })
        return after
      },
    }),
    endpoint({
      method: 'post',
      path: '/registry/devices/{deviceId}/rotate',
      operation: 'rotateCredential',
      tag: 'Registry',
      summary: 'Gives a device a new credential; those before go on for a while.',
      needs: 'devices:write',
      params: DeviceParams,
      body: Rotation,
      bodyOptional: true,
      answer: WithSecrets,
      handsOutSecret: true,
      async handle({ context, params: { deviceId }, body }) {
        const before = await find(deviceId)
        const publicKey = await readPublicKey(body.publicKey, body.publicKeyExpiresAt)
        const kind = body.credential ?? before.credentials.at(-1)?.kind ?? 'certificate'
        const { credentials, secrets } =
          publicKey === undefined
            ? await issue(deviceId, kind)
            : { credentials: [publicKey], secrets: {} }
        const endsAt = clock.now() + body.graceSeconds * 1_000
        const device = await change(deviceId, (found) => ({
          ...found,
          credentials: credentials.reduce<readonly DeviceCredential[]>(
            (kept, fresh) => rotateCredential(kept, fresh, endsAt),
            found.credentials.filter((one) => !isSamePublicKey(one, publicKey?.digest)),
          ),
        }))
        const after = answer(context, device)
        context.set('change', { target: `device/${deviceId}/credentials`, after })
        return { device: after, ...secrets }
      },
    }),
    endpoint({
      method: 'post',
      path: '/registry/devices/{deviceId}/public-keys',
      operation: 'addPublicKey',
      tag: 'Registry',
      summary: 'Adds the public key of a pair that the device made.',
      needs: 'devices:write',
      params: DeviceParams,
      body: NewPublicKey,
      bodyOptional: true,
      status: 201,
      answer: RegisteredDeviceView,
      async handle({ context, params: { deviceId }, body }) {
        const publicKey = await readPublicKey(body.publicKey, body.expiresAt)
        const device = await change(deviceId, (before) => ({
          ...before,
          credentials: [
            ...before.credentials.filter((one) => !isSamePublicKey(one, publicKey?.digest)),
            ...(publicKey === undefined ? [] : [publicKey]),
          ],
        }))
        const after = answer(context, device)
        context.set('change', { target: `device/${deviceId}/public-keys`, after })
        return after
      },
    }),
    endpoint({
      method: 'delete',
      path: '/registry/devices/{deviceId}/public-keys/{fingerprint}',
      operation: 'removePublicKey',
      tag: 'Registry',
      summary: 'Takes a public key away.',
      needs: 'devices:write',
      params: DeviceParams.extend({ fingerprint: z.string() }),
      answer: RegisteredDeviceView,
      async handle({ context, params: { deviceId, fingerprint } }) {
        const device = await change(deviceId, (before) => {
          const kept = before.credentials.filter((one) => !isSamePublicKey(one, fingerprint))
          if (kept.length === before.credentials.length)
            throw new CoreError(
              'input.not_found',
              'the device has no public key of this fingerprint',
            )
          return { ...before, credentials: kept }
        })
        const after = answer(context, device)
        context.set('change', { target: `device/${deviceId}/public-keys`, after })
        return after
      },
    }),
    endpoint({
      method: 'put',
      path: '/registry/devices/{gatewayId}/bound/{deviceId}',
      operation: 'bindToGateway',
      tag: 'Registry',
      summary: 'Lets a gateway speak for a device.',
      needs: 'devices:write',
      params: BoundParams,
      answer: RegisteredDeviceView,
      async handle({ context, params: { gatewayId, deviceId } }) {
        if ((await find(gatewayId)).gatewayAuth === undefined)
          throw malformed(`${gatewayId} is no gateway: give it a gatewayAuth first`)
        const device = await change(deviceId, (before) => {
          if ((before.gateways?.length ?? 0) >= MAX_GATEWAYS && !isBound(before, gatewayId))
            throw malformed(`a device is bound to at most ${MAX_GATEWAYS} gateways`)
          return bindTo(before, gatewayId)
        })
        const after = answer(context, device)
        context.set('change', { target: `device/${deviceId}/gateways`, after })
        return after
      },
    }),
    endpoint({
      method: 'delete',
      path: '/registry/devices/{gatewayId}/bound/{deviceId}',
      operation: 'unbindFromGateway',
      tag: 'Registry',
      summary: 'A gateway speaks for a device no longer.',
      needs: 'devices:write',
      params: BoundParams,
      answer: RegisteredDeviceView,
      async handle({ context, params: { gatewayId, deviceId } }) {
        const device = await change(deviceId, (before) => unbindFrom(before, gatewayId))
        const after = answer(context, device)
        context.set('change', { target: `device/${deviceId}/gateways`, after })
        return after
      },
    }),
    endpoint({
      method: 'delete',
      path: '/registry/devices/{deviceId}',
      operation: 'removeRegisteredDevice',
      tag: 'Registry',
      summary: 'Takes a device off the registry; what it told stays.',
      needs: 'devices:write',
      params: DeviceParams,
      async handle({ context, params: { deviceId } }) {
        const before = await registry.get(deviceId)
        if (before !== undefined) checkMatch(readIfMatch(context), before.version)
        if (!(await registry.remove(deviceId)))
          throw new CoreError(
            'input.not_found',
            `no device ${JSON.stringify(deviceId)} is registered`,
          )
        context.set('change', {
          target: `device/${deviceId}`,
          ...(before === undefined ? {} : { before: registeredDeviceView(before, clock.now()) }),
        })
        return undefined
      },
    }),
  ]
}

/** What was made on demand: credentials to be kept, and what is handed out. */
interface Issued {
  readonly credentials: readonly DeviceCredential[]
  readonly secrets: Readonly<Record<string, string>>
}

function isSamePublicKey(
  { kind, digest }: DeviceCredential,
  fingerprint: string | undefined,
): boolean {
  return kind === 'public_key' && digest === fingerprint
}

function malformed(message: string): CoreError {
  return new CoreError('input.malformed', message)
}
