// The registry over REST: who may be here, and by what each proves it. All of it is for the admin.

import { type Context, Hono } from 'hono'
import { isLive, rotateCredential } from '../devices/credentials.ts'
import { bindTo, GATEWAY_AUTHS, isBound, MAX_GATEWAYS, unbindFrom } from '../devices/gateways.ts'
import { CoreError } from '../errors.ts'
import { isDeviceId } from '../model/device-id.ts'
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import type { DeviceCredential, GatewayAuth, RegisteredDevice } from '../model/registered-device.ts'
import type { Ports } from '../ports.ts'
import { problem, problemOf } from './problem.ts'
import { readBody } from './read-body.ts'

export interface RegistryApiOptions {
  readonly ports: Pick<Ports, 'registry' | 'issuer' | 'clock' | 'observer'>
  /** Whether the bearer token of a request allows changes that people make. */
  readonly isAdmin: (authorization: string | undefined) => boolean
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

const MAX_BODY_BYTES = 65_536
const MAX_TAGS = 50

/** Old credentials go on for so long after a rotation unless told otherwise. Unit: s. */
const USUAL_GRACE_SECONDS = 86_400
const MAX_GRACE_SECONDS = 31_536_000

/** A change that meets another one is tried so often. */
const MAX_RACES = 5

/** Builds `/devices…` of the registry; secrets are in the answer that makes them and nowhere else. */
export function createRegistryApi({ ports, isAdmin, twinTags }: RegistryApiOptions): Hono {
  const { registry, issuer, clock, observer } = ports
  const api = new Hono()
  api.onError((error, context) => {
    if (!(error instanceof CoreError))
      observer.log('error', 'request failed', { path: context.req.path, reason: error.message })
    return problemOf(context, error)
  })
  api.use((context, next) => {
    if (isAdmin(context.req.header('authorization'))) return next()
    const detail = "expected the admin's token: Authorization: Bearer …"
    const answer = problem(context, 401, 'unauthorized', detail)
    answer.headers.set('www-authenticate', 'Bearer')
    return Promise.resolve(answer)
  })

  async function shown(device: RegisteredDevice): Promise<JsonObject> {
    const tags = (await twinTags?.read(device.deviceId)) ?? device.tags
    return { ...view(device, clock.now()), tags }
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
    pem: Json | undefined,
    expiresAt: Json | undefined,
  ): Promise<DeviceCredential | undefined> {
    if (pem === undefined) return undefined
    if (typeof pem !== 'string') throw malformed('publicKey: expected a public key in PEM')
    if (expiresAt !== undefined && !(typeof expiresAt === 'number' && expiresAt > 0))
      throw malformed('expected the end of the public key in epoch milliseconds')
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

  api.post('/devices', async (context) => {
    const body = await readObject(context, [
      'deviceId',
      'type',
      'tags',
      'credential',
      'fingerprint',
      'publicKey',
      'publicKeyExpiresAt',
      'gatewayAuth',
    ])
    const { deviceId } = body
    if (typeof deviceId !== 'string' || !isDeviceId(deviceId))
      throw malformed('deviceId: expected 1 to 128 letters, digits and : . _ -')
    const kind = readKind(body['credential'])
    const fingerprint = readFingerprint(body['fingerprint'])
    const now = clock.now()
    if ((await registry.get(deviceId)) !== undefined)
      throw new CoreError('device.exists', `${deviceId} is registered already`)
    const publicKey = await readPublicKey(body['publicKey'], body['publicKeyExpiresAt'])
    const gatewayAuth = readGatewayAuth(body['gatewayAuth'])
    const issued = kind === undefined ? undefined : await issue(deviceId, kind)
    const device: RegisteredDevice = {
      deviceId,
      ...readType(body['type']),
      tags: readTags(body['tags']) ?? {},
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
    return context.json({ device: await shown(device), ...issued?.secrets }, 201)
  })

  api.get('/devices', async (context) => {
    const text = context.req.query('limit') ?? '100'
    const limit = Number(text)
    if (!/^\d{1,4}$/.test(text) || limit > 1_000)
      throw malformed('limit: expected a count from 0 to 1000')
    const devices = await registry.list(context.req.query('after') ?? '', limit)
    const next = devices.length === limit ? devices.at(-1)?.deviceId : undefined
    return context.json({
      devices: await Promise.all(devices.map(shown)),
      ...(next === undefined ? {} : { next }),
    })
  })

  api.get('/devices/:id', async (context) =>
    context.json(await shown(await find(context.req.param('id')))),
  )

  api.patch('/devices/:id', async (context) => {
    const body = await readObject(context, ['enabled', 'type', 'tags', 'gatewayAuth'])
    const gatewayAuth = readGatewayAuth(body['gatewayAuth'])
    const { enabled } = body
    if (enabled !== undefined && typeof enabled !== 'boolean')
      throw malformed('enabled: expected true or false')
    const tags = readTags(body['tags'])
    const type = readType(body['type'])
    const deviceId = context.req.param('id')
    if (tags !== undefined) await setTwinTags((await find(deviceId)).deviceId, tags)
    const device = await change(deviceId, (before) => ({
      ...before,
      ...type,
      ...(tags === undefined ? {} : { tags }),
      ...(enabled === undefined ? {} : { enabled }),
      ...(gatewayAuth === undefined ? {} : { gatewayAuth }),
    }))
    return context.json(await shown(device))
  })

  api.post('/devices/:id/rotate', async (context) => {
    const deviceId = context.req.param('id')
    const body = await readObject(context, [
      'credential',
      'graceSeconds',
      'publicKey',
      'publicKeyExpiresAt',
    ])
    const graceSeconds = body['graceSeconds'] ?? USUAL_GRACE_SECONDS
    if (
      typeof graceSeconds !== 'number' ||
      !(graceSeconds >= 0 && graceSeconds <= MAX_GRACE_SECONDS)
    )
      throw malformed(`graceSeconds: expected a number from 0 to ${MAX_GRACE_SECONDS}`)
    const before = await find(deviceId)
    const publicKey = await readPublicKey(body['publicKey'], body['publicKeyExpiresAt'])
    const kind = readKind(body['credential']) ?? before.credentials.at(-1)?.kind ?? 'certificate'
    const { credentials, secrets } =
      publicKey === undefined
        ? await issue(deviceId, kind)
        : { credentials: [publicKey], secrets: {} }
    const endsAt = clock.now() + graceSeconds * 1_000
    const device = await change(deviceId, (found) => ({
      ...found,
      credentials: credentials.reduce<readonly DeviceCredential[]>(
        (kept, fresh) => rotateCredential(kept, fresh, endsAt),
        found.credentials.filter((one) => !isSamePublicKey(one, publicKey?.digest)),
      ),
    }))
    return context.json({ device: view(device, clock.now()), ...secrets })
  })

  api.post('/devices/:id/public-keys', async (context) => {
    const body = await readObject(context, ['publicKey', 'expiresAt'])
    const publicKey = await readPublicKey(body['publicKey'], body['expiresAt'])
    if (publicKey === undefined) throw malformed('publicKey: expected a public key in PEM')
    const device = await change(context.req.param('id'), (before) => ({
      ...before,
      credentials: [
        ...before.credentials.filter((one) => !isSamePublicKey(one, publicKey.digest)),
        publicKey,
      ],
    }))
    return context.json(view(device, clock.now()), 201)
  })

  api.delete('/devices/:id/public-keys/:fingerprint', async (context) => {
    const fingerprint = context.req.param('fingerprint')
    const device = await change(context.req.param('id'), (before) => {
      const kept = before.credentials.filter((one) => !isSamePublicKey(one, fingerprint))
      if (kept.length === before.credentials.length)
        throw new CoreError('input.not_found', 'the device has no public key of this fingerprint')
      return { ...before, credentials: kept }
    })
    return context.json(view(device, clock.now()))
  })

  api.put('/devices/:gateway/bound/:id', async (context) => {
    const gatewayId = context.req.param('gateway')
    if ((await find(gatewayId)).gatewayAuth === undefined)
      throw malformed(`${gatewayId} is no gateway: give it a gatewayAuth first`)
    const device = await change(context.req.param('id'), (before) => {
      if ((before.gateways?.length ?? 0) >= MAX_GATEWAYS && !isBound(before, gatewayId))
        throw malformed(`a device is bound to at most ${MAX_GATEWAYS} gateways`)
      return bindTo(before, gatewayId)
    })
    return context.json(view(device, clock.now()))
  })

  api.delete('/devices/:gateway/bound/:id', async (context) => {
    const gatewayId = context.req.param('gateway')
    const device = await change(context.req.param('id'), (before) => unbindFrom(before, gatewayId))
    return context.json(view(device, clock.now()))
  })

  api.delete('/devices/:id', async (context) => {
    const deviceId = context.req.param('id')
    if (await registry.remove(deviceId)) return context.body(null, 204)
    throw new CoreError('input.not_found', `no device ${JSON.stringify(deviceId)} is registered`)
  })

  return api
}

/** What was made on demand: credentials to be kept, and what is handed out. */
interface Issued {
  readonly credentials: readonly DeviceCredential[]
  readonly secrets: Readonly<Record<string, string>>
}

/** A device without keys and digests of tokens: they are nobody's business. Fingerprints of certificates and of public keys are public. */
function view(device: RegisteredDevice, now: number): JsonObject {
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

function isSamePublicKey(
  { kind, digest }: DeviceCredential,
  fingerprint: string | undefined,
): boolean {
  return kind === 'public_key' && digest === fingerprint
}

function readGatewayAuth(value: Json | undefined): GatewayAuth | undefined {
  if (value === undefined) return undefined
  const found = GATEWAY_AUTHS.find((one) => one === value)
  if (found !== undefined) return found
  throw malformed(`gatewayAuth: expected ${GATEWAY_AUTHS.join(', ')}`)
}

async function readObject(context: Context, known: readonly string[]): Promise<JsonObject> {
  const { bytes, complete } = await readBody(context.req.raw, MAX_BODY_BYTES)
  if (!complete) throw malformed(`expected a body of at most ${MAX_BODY_BYTES} bytes`)
  let body: Json
  try {
    body = JSON.parse(new TextDecoder().decode(bytes) || '{}')
  } catch {
    throw malformed('expected a body of JSON')
  }
  if (!isJsonObject(body)) throw malformed('expected an object')
  const unknown = Object.keys(body).find((key) => !known.includes(key))
  if (unknown !== undefined)
    throw malformed(`expected ${known.join(', ')}, found ${JSON.stringify(unknown.slice(0, 40))}`)
  return body
}

function readKind(value: Json | undefined): DeviceCredential['kind'] | undefined {
  if (value === undefined || value === 'certificate' || value === 'token' || value === 'key')
    return value
  throw malformed('credential: expected certificate, token or key')
}

function readFingerprint(value: Json | undefined): string | undefined {
  if (value === undefined) return undefined
  const hex = typeof value === 'string' ? value.replaceAll(':', '').toLowerCase() : ''
  if (/^[0-9a-f]{64}$/.test(hex)) return hex
  throw malformed('fingerprint: expected SHA-256 of the certificate, 64 hex digits')
}

function readType(value: Json | undefined): { readonly type?: string } {
  if (value === undefined) return {}
  if (typeof value === 'string' && value.length <= 128) return { type: value }
  throw malformed('type: expected a text of at most 128 characters')
}

function readTags(value: Json | undefined): Readonly<Record<string, string>> | undefined {
  if (value === undefined) return undefined
  const fault = `tags: expected at most ${MAX_TAGS} texts of at most 256 characters by name`
  if (!isJsonObject(value)) throw malformed(fault)
  const entries = Object.entries(value).map(([name, tag]): [string, string] => {
    if (typeof tag !== 'string' || tag.length > 256 || name.length > 128) throw malformed(fault)
    return [name, tag]
  })
  if (entries.length > MAX_TAGS) throw malformed(fault)
  return Object.fromEntries(entries)
}

function malformed(message: string): CoreError {
  return new CoreError('input.malformed', message)
}
