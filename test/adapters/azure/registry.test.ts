import { Client } from 'azure-iot-device'
import { Mqtt } from 'azure-iot-device-mqtt'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createAzureClient } from '../../../adapters/azure/client.ts'
import { createCredentials } from '../../../adapters/azure/credentials.ts'
import { createHub } from '../../../adapters/azure/hub.ts'
import { createIdentities } from '../../../adapters/azure/identities.ts'
import { createIssuer } from '../../../adapters/azure/issuer.ts'
import { type AzureRegistry, createRegistry } from '../../../adapters/azure/registry.ts'
import { createServices } from '../../../adapters/azure/services.ts'
import {
  type DeviceCredential,
  type Json,
  type RegisteredDevice,
  rotateCredential,
} from '../../../core/index.ts'
import { type Azurite, describeWithEmulators, startAzurite } from './azurite.ts'
import { type CosmosServer, startCosmos } from './cosmos-server.ts'
import { type EmbeddedHub, startHub } from './embedded-hub.ts'
import { fault } from './hub-stand-in.ts'
import { openStack, type Stack } from './stack.ts'

const clock = { time: Date.now(), now: () => clock.time }
const issuer = createIssuer(clock)

let counter = 0

interface HubIdentity {
  readonly status: string
  readonly statusReason: string | null
  readonly authentication: {
    readonly type: string
    readonly symmetricKey: {
      readonly primaryKey: string | null
      readonly secondaryKey: string | null
    }
    readonly x509Thumbprint: {
      readonly primaryThumbprint: string | null
      readonly secondaryThumbprint: string | null
    }
  }
}

describeWithEmulators('Azure: the registry and the hub', () => {
  let azurite: Azurite
  let cosmos: CosmosServer
  let hub: EmbeddedHub
  let stack: Stack
  let registry: AzureRegistry
  let refuse = false
  beforeAll(async () => {
    ;[azurite, cosmos, hub] = await Promise.all([startAzurite(), startCosmos(), startHub()])
    stack = await openStack({ azurite, cosmos, hub })
    const { settings, account } = stack
    const credentials = createCredentials({ settings, now: Date.now })
    const services = createServices({ settings, credentials, now: Date.now })
    const reach = createAzureClient({ services, random: () => 0 })
    const client = {
      ...reach,
      async send(request: Parameters<typeof reach.send>[0]) {
        const { status, body } = fault(400, 'ArgumentInvalid')
        if (refuse && request.method !== 'GET')
          return { status, headers: {}, body: Buffer.from(JSON.stringify(body)) }
        return reach.send(request)
      },
    }
    const identities = createIdentities(createHub(client), clock)
    registry = createRegistry({ cosmos: account.cosmos, identities, now: clock.now })
  }, 90_000)
  afterAll(async () => {
    await stack?.close()
    await Promise.all([azurite?.stop(), cosmos?.stop(), hub?.close()])
  })
  beforeEach(async () => {
    clock.time = Date.now()
    refuse = false
    // What the test before left for later.
    await registry.end(clock.time + 86_400_000, 1_000)
  })

  function device(more: Partial<RegisteredDevice> = {}): RegisteredDevice {
    return {
      deviceId: `dev-${++counter}`,
      tags: {},
      enabled: true,
      createdAt: clock.time,
      version: 1,
      credentials: [],
      ...more,
    }
  }

  const identity = async (deviceId: string) =>
    (await hub.ask('GET', `/devices/${deviceId}`)) as unknown as HubIdentity
  const tagsOf = async (deviceId: string) =>
    ((await hub.ask('GET', `/twins/${deviceId}`)) as { tags: Json }).tags
  const keysOf = async (deviceId: string) => {
    const { primaryKey, secondaryKey } = (await identity(deviceId)).authentication.symmetricKey
    return [primaryKey, secondaryKey]
  }

  it('makes an identity with the keys that were issued, and the tags of its twin', async () => {
    const { credential, keys } = await issuer.key()
    const one = device({ credentials: [credential], tags: { site: 'north' } })
    await registry.create(one)
    expect(await identity(one.deviceId)).toMatchObject({
      status: 'enabled',
      authentication: { type: 'sas' },
    })
    expect(await keysOf(one.deviceId)).toEqual([keys.primary, keys.secondary])
    expect(await tagsOf(one.deviceId)).toEqual({ site: 'north' })
    const { authority } = await hub.cloud.core.ports.issuer.certificate('nobody')
    const client = Client.fromConnectionString(
      `HostName=localhost:${hub.cloud.mqttsPort};DeviceId=${one.deviceId};SharedAccessKey=${keys.secondary}`,
      Mqtt,
    )
    await client.setOptions({ ca: authority })
    await client.open()
    await client.close()
  })

  it('takes the fingerprints of certificates, the newest first', async () => {
    const certificate = (
      digit: string,
      more: Partial<DeviceCredential> = {},
    ): DeviceCredential => ({
      kind: 'certificate',
      digest: digit.repeat(64),
      createdAt: clock.time,
      ...more,
    })
    const one = device({ credentials: [certificate('a', { endsAt: 1 }), certificate('b')] })
    await registry.create(one)
    const grace = { endsAt: clock.time + 60_000 }
    const rotated = [certificate('b', grace), certificate('c')]
    await registry.update({ ...one, version: 2, credentials: rotated })
    const { authentication } = await identity(one.deviceId)
    expect(authentication).toMatchObject({
      type: 'selfSigned',
      x509Thumbprint: {
        primaryThumbprint: 'C'.repeat(64),
        secondaryThumbprint: 'B'.repeat(64),
      },
    })
  })

  it('lets the old key in until its grace is over: the tick ends it', async () => {
    const [old, fresh] = [await issuer.key(), await issuer.key()]
    const one = device({ credentials: [old.credential] })
    await registry.create(one)
    const endsAt = clock.time + 60_000
    await registry.update({
      ...one,
      version: 2,
      credentials: rotateCredential([old.credential], fresh.credential, endsAt),
    })
    expect(await keysOf(one.deviceId)).toEqual([fresh.keys.primary, old.keys.primary])
    expect(await registry.end(endsAt - 1, 10)).toBe(0)
    clock.time = endsAt
    expect(await registry.end(clock.time, 10)).toBe(1)
    expect(await keysOf(one.deviceId)).toEqual([fresh.keys.primary, fresh.keys.secondary])
    expect(await registry.end(clock.time + 3_600_000, 10)).toBe(0)
  })

  it('gives keys that nobody has to who has none that is good any more', async () => {
    const { credential, keys } = await issuer.key()
    const one = device({ credentials: [credential] })
    await registry.create(one)
    const ended = { ...credential, endsAt: clock.time - 1 }
    await registry.update({ ...one, version: 2, credentials: [ended] })
    const now = await keysOf(one.deviceId)
    expect(now).not.toContain(keys.primary)
    expect(now).not.toContain(keys.secondary)
    expect(now[0]).toMatch(/^[\w+/]{43}=$/)
  })

  it('shuts a device out, and says why', async () => {
    const one = device()
    await registry.create(one)
    const before = await keysOf(one.deviceId)
    const statusReason = 'stolen'
    await registry.update({ ...one, version: 2, enabled: false, statusReason })
    expect(await identity(one.deviceId)).toMatchObject({ status: 'disabled', statusReason })
    // Its keys are the hub's own, which nobody told us: they stay.
    expect(await keysOf(one.deviceId)).toEqual(before)
  })

  it('replaces tags only where they are said anew', async () => {
    const one = device({ tags: { site: 'north', old: 'x' } })
    await registry.create(one)
    await hub.ask('PATCH', `/twins/${one.deviceId}`, { tags: { floor: { number: 2 } } })
    await registry.update({ ...one, version: 2, enabled: false })
    expect(await tagsOf(one.deviceId)).toEqual({ site: 'north', old: 'x', floor: { number: 2 } })
    await registry.update({ ...one, version: 3, tags: { site: 'south' } })
    expect(await tagsOf(one.deviceId)).toEqual({ site: 'south' })
  })

  it('tells the hub later what it could not tell at once', async () => {
    const one = device()
    await registry.create(one)
    refuse = true
    const changed = { ...one, version: 2, enabled: false, tags: { site: 'east' } }
    await expect(registry.update(changed)).rejects.toMatchObject({ code: 'input.malformed' })
    expect(await registry.get(one.deviceId)).toEqual(changed)
    expect(await identity(one.deviceId)).toMatchObject({ status: 'enabled' })
    refuse = false
    clock.time += 60_000
    expect(await registry.end(clock.time, 10)).toBe(1)
    expect(await identity(one.deviceId)).toMatchObject({ status: 'disabled' })
    expect(await tagsOf(one.deviceId)).toEqual({ site: 'east' })
  })

  it('does not take over what was made elsewhere, and knows it once it is asked', async () => {
    const one = device()
    const { deviceId } = one
    await hub.ask('PUT', `/devices/${deviceId}`, { deviceId, status: 'disabled' })
    await hub.ask('PATCH', `/twins/${deviceId}`, { tags: { site: 'portal', n: 1 } })
    const keys = await keysOf(deviceId)
    await expect(registry.create(one)).rejects.toMatchObject({ code: 'device.exists' })
    expect(await keysOf(deviceId)).toEqual(keys)
    expect(await registry.get(deviceId)).toMatchObject({
      enabled: false,
      tags: { site: 'portal' },
      version: 1,
      credentials: [],
    })
    expect((await registry.list('', 1_000)).some((found) => found.deviceId === deviceId)).toBe(true)
    await registry.update({ ...one, version: 2 })
    expect(await identity(deviceId)).toMatchObject({ status: 'enabled' })
    expect(await keysOf(deviceId)).toEqual(keys)
  })

  it('removes the identity as well, and makes one again that somebody else removed', async () => {
    const one = device()
    await registry.create(one)
    await hub.ask('DELETE', `/devices/${one.deviceId}`)
    await registry.update({ ...one, version: 2, statusReason: 'back' })
    expect(await identity(one.deviceId)).toMatchObject({ statusReason: 'back' })
    expect(await registry.remove(one.deviceId)).toBe(true)
    await expect(identity(one.deviceId)).rejects.toThrow('404')
    expect(await registry.remove(one.deviceId)).toBe(false)
  })

  it('changes nothing at the hub where nothing is new', async () => {
    const { credential } = await issuer.key()
    const one = device({ credentials: [credential] })
    await registry.create(one)
    const writes = vi.spyOn(hub.cloud.core.ports.registry, 'update')
    await registry.update({ ...one, version: 2, type: 'fridge' })
    expect(writes).not.toHaveBeenCalled()
    writes.mockRestore()
  })
})

describe('Azure: what devices prove themselves with', () => {
  it('are keys and tokens; certificates and key pairs are made elsewhere', async () => {
    const { keys, credential } = await issuer.key()
    expect(Buffer.from(keys.primary, 'base64')).toHaveLength(32)
    expect(keys.primary).not.toBe(keys.secondary)
    expect(credential).toMatchObject({ kind: 'key', keys })
    const given = Buffer.alloc(16, 1).toString('base64')
    expect((await issuer.key({ primary: given })).keys.primary).toBe(given)
    const malformed = { code: 'input.malformed' }
    await expect(issuer.key({ primary: 'short' })).rejects.toMatchObject(malformed)
    await expect(issuer.certificate('dev-1')).rejects.toMatchObject(malformed)
    await expect(issuer.publicKey('x')).rejects.toMatchObject(malformed)
    const { token, credential: kept } = await issuer.token()
    expect(token).toMatch(/^[\w-]{43}$/)
    expect(kept.digest).toMatch(/^[0-9a-f]{64}$/)
  })
})
