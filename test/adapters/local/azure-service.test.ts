import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { Client as DeviceClient } from 'azure-iot-device'
import { Mqtt } from 'azure-iot-device-mqtt'
import iothub from 'azure-iothub'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ownerKeyOf } from '../../../adapters/local/identity.ts'
import { createSasToken } from '../../../adapters/local/sas.ts'
import type { ConfigInput, Json } from '../../../core/index.ts'
import { ROOT } from '../../source-files.ts'
import { openTlsCloud, type TlsCloud } from './tls-cloud.ts'

/** The SDK of the vendor knows port 443 alone: its agent, as a proxy would, leads to another one. */
class PortAgent extends Agent {
  readonly #cloud: TlsCloud

  constructor(cloud: TlsCloud) {
    super({ keepAlive: true })
    this.#cloud = cloud
  }

  override createConnection(): TLSSocket {
    const { httpsPort: port, authority: ca } = this.#cloud
    return connect({ host: '127.0.0.1', port: port ?? 0, servername: 'localhost', ca })
  }
}

interface WithRestClient {
  readonly _restApiClient: { setOptions(options: object): void }
}

function connectionStringOf(cloud: TlsCloud): string {
  return `HostName=localhost;SharedAccessKeyName=iothubowner;SharedAccessKey=${ownerKeyOf(cloud.adminToken)}`
}

function lead<T>(client: T, cloud: TlsCloud): T {
  const agent = new PortAgent(cloud)
  onTestFinished(() => agent.destroy())
  const { _restApiClient } = client as unknown as WithRestClient
  _restApiClient.setOptions({ http: { agent } })
  return client
}

/** A cloud, and the registry of azure-iothub as it is. */
async function openService(config: ConfigInput = {}) {
  const cloud = await openTlsCloud({}, { config })
  const registry = lead(iothub.Registry.fromConnectionString(connectionStringOf(cloud)), cloud)
  const token = createSasToken({
    resource: 'localhost',
    key: ownerKeyOf(cloud.adminToken),
    expiresAt: Date.now() + 3_600_000,
    policy: 'iothubowner',
  })
  const ask = async (
    method: string,
    path: string,
    body?: Json,
    headers: Record<string, string> = {},
  ) => {
    const answer = await cloud.ask(method, `${path}?api-version=2021-04-12`, {
      headers: { authorization: token, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { ...answer, json: answer.body === '' ? undefined : JSON.parse(answer.body) }
  }
  return { cloud, registry, ask }
}

describe('the registry of azure-iothub', () => {
  it('creates with keys, gets, updates with an entity tag, lists and deletes', async () => {
    const { registry, ask } = await openService()
    const { responseBody: created } = await registry.create({ deviceId: 'dev1' })
    const { authentication } = created
    expect(Buffer.from(authentication?.symmetricKey?.primaryKey ?? '', 'base64')).toHaveLength(32)
    expect(created).toMatchObject({
      deviceId: 'dev1',
      status: 'enabled',
      connectionState: 'Disconnected',
      cloudToDeviceMessageCount: 0,
      authentication: { type: 'sas' },
    })
    await expect(registry.create({ deviceId: 'dev1' })).rejects.toMatchObject({
      name: 'DeviceAlreadyExistsError',
    })
    await expect(registry.get('nobody')).rejects.toMatchObject({ name: 'DeviceNotFoundError' })
    const { responseBody: disabled } = await registry.update({
      deviceId: 'dev1',
      status: 'disabled',
      statusReason: 'stolen',
      authentication: created.authentication,
    })
    expect(disabled).toMatchObject({ status: 'disabled', statusReason: 'stolen', authentication })
    expect(disabled.etag).not.toBe(created.etag)
    const body = { deviceId: 'dev1', status: 'enabled' }
    const old = await ask('PUT', '/devices/dev1', body, { 'if-match': `"${created.etag}"` })
    expect([old.status, old.headers['iothub-errorcode']]).toEqual([412, 'PreconditionFailed'])
    expect(old.json.Message).toMatch(/^ErrorCode:PreconditionFailed;/)
    const current = await ask('PUT', '/devices/dev1', body, { 'if-match': `"${disabled.etag}"` })
    expect([current.status, current.json.status, current.json.authentication]).toEqual([
      200,
      'enabled',
      authentication,
    ])
    expect(current.headers['etag']).toBe(`"${current.json.etag}"`)
    const { responseBody: list } = await registry.list()
    expect(list.map(({ deviceId }) => deviceId)).toEqual(['dev1'])
    const { responseBody: statistics } = await registry.getRegistryStatistics()
    expect(statistics).toEqual({
      totalDeviceCount: 1,
      enabledDeviceCount: 1,
      disabledDeviceCount: 0,
    })
    await registry.delete('dev1')
    await expect(registry.get('dev1')).rejects.toMatchObject({ name: 'DeviceNotFoundError' })
    await expect(registry.delete('dev1')).rejects.toMatchObject({ name: 'DeviceNotFoundError' })
  })

  it('keeps given keys, thumbprints and authorities, and refuses what is none', async () => {
    const { registry, ask, cloud } = await openService()
    const primaryKey = Buffer.alloc(32, 1).toString('base64')
    const secondaryKey = Buffer.alloc(32, 2).toString('base64')
    const { responseBody: keyed } = await registry.create({
      deviceId: 'keyed',
      authentication: { symmetricKey: { primaryKey, secondaryKey } },
    })
    expect(keyed.authentication?.symmetricKey).toEqual({ primaryKey, secondaryKey })
    const thumbprint = 'AB'.repeat(20)
    const { responseBody: printed } = await registry.create({
      deviceId: 'printed',
      authentication: { x509Thumbprint: { primaryThumbprint: thumbprint } },
    })
    expect(printed.authentication).toMatchObject({
      type: 'selfSigned',
      symmetricKey: { primaryKey: null },
      x509Thumbprint: { primaryThumbprint: thumbprint, secondaryThumbprint: null },
    })
    const { responseBody: signed } = await registry.create({
      deviceId: 'signed',
      authentication: { type: 'certificateAuthority' },
    })
    expect(signed.authentication).toMatchObject({ type: 'certificateAuthority' })
    for (const [body, says] of [
      [{ authentication: { symmetricKey: { primaryKey: 'short' } } }, '16 to 64 bytes'],
      [{ authentication: { type: 'selfSigned' } }, 'thumbprint'],
      [{ authentication: { x509Thumbprint: { primaryThumbprint: 'xyz' } } }, '40 or 64 hex'],
      [{ status: 'maybe' }, 'status'],
      ['text', 'object'],
    ] as const) {
      const refused = await ask('PUT', '/devices/other', body)
      expect([refused.status, refused.headers['iothub-errorcode']]).toEqual([
        400,
        'ArgumentInvalid',
      ])
      expect(refused.json.Message).toContain(says)
    }
    expect((await ask('PUT', '/devices/a%20b', {})).status).toBe(400)
    // A key that is replaced opens nothing any more, and is in no other answer.
    await registry.update({ ...keyed, authentication: signed.authentication ?? {} })
    const shown = await (await cloud.admin('GET', '/devices/keyed')).text()
    expect(shown).not.toContain(primaryKey)
    expect((await ask('GET', '/devices/keyed')).body).not.toContain(primaryKey)
  })

  it('lets a certificate in by its SHA-1 thumbprint', async () => {
    const { registry, cloud } = await openService()
    const proof = await cloud.add('printed')
    const { X509Certificate } = await import('node:crypto')
    const { fingerprint } = new X509Certificate(proof.certificate)
    const { responseBody } = await registry.update({
      deviceId: 'printed',
      authentication: { x509Thumbprint: { primaryThumbprint: fingerprint } },
    })
    expect(responseBody.authentication?.x509Thumbprint?.primaryThumbprint).toBe(
      fingerprint.replaceAll(':', ''),
    )
    const sent = await cloud.ask('POST', '/devices/printed/telemetry', { proof, body: '{"t":1}' })
    expect(sent.status).toBe(202)
  })

  it('adds, updates and removes many at once, each by itself', async () => {
    const { registry, ask } = await openService()
    const added = await registry.addDevices([{ deviceId: 'a' }, { deviceId: 'b' }])
    expect(added.responseBody).toEqual({ isSuccessful: true, errors: [], warnings: [] })
    const again = await registry.addDevices([{ deviceId: 'b' }, { deviceId: 'c' }])
    expect(again.responseBody).toMatchObject({
      isSuccessful: false,
      errors: [{ deviceId: 'b', errorCode: 'DeviceAlreadyExists' }],
    })
    const { responseBody: before } = await registry.get('a')
    const updated = await registry.updateDevices([{ deviceId: 'a', status: 'disabled' }], true)
    expect(updated.responseBody).toMatchObject({ isSuccessful: true })
    const stale = { deviceId: 'a', etag: before.etag, status: 'enabled' as const }
    expect((await registry.updateDevices([stale], false)).responseBody).toMatchObject({
      isSuccessful: false,
      errors: [{ deviceId: 'a', errorCode: 'PreconditionFailed' }],
    })
    const twin = { id: 'a', importMode: 'updateTwin', tags: { site: 'north' } }
    expect((await ask('POST', '/devices', [twin])).json.isSuccessful).toBe(true)
    expect((await ask('GET', '/twins/a')).json.tags).toEqual({ site: 'north' })
    const removed = await registry.removeDevices([{ deviceId: 'a' }, { deviceId: 'z' }], true)
    expect(removed.responseBody).toMatchObject({
      isSuccessful: false,
      errors: [{ deviceId: 'z', errorCode: 'DeviceNotFound' }],
    })
    const { responseBody: list } = await registry.list()
    expect(list.map(({ deviceId }) => deviceId)).toEqual(['b', 'c'])
    const many = Array.from({ length: 101 }, (_, index) => ({ id: `d${index}` }))
    expect((await ask('POST', '/devices', many)).status).toBe(413)
    expect(
      (await ask('POST', '/devices', [{ id: 'd', importMode: 'x' }])).json.errors,
    ).toHaveLength(1)
  })
})

describe('the generation of a device', () => {
  it('is one from its registration on, and another one after that, in feedback too', async () => {
    const { cloud, registry } = await openService()
    const generationId = async () => (await registry.get('dev1')).responseBody.generationId
    const generations: (string | undefined)[] = []
    for (const commandId of ['first', 'second']) {
      const { responseBody: created } = await registry.create({ deviceId: 'dev1' })
      generations.push(created.generationId)
      await new Promise((resolve) => setTimeout(resolve, 5))
      const sent = await cloud.call('/devices/dev1/telemetry', { method: 'POST', body: '{"t":1}' })
      expect(sent.status).toBe(202)
      expect(await generationId()).toBe(created.generationId)
      const payload = Buffer.from('x')
      await cloud.core.commands.send('dev1', { commandId, name: 'go', payload, ack: 'full' })
      await registry.delete('dev1')
    }
    await expect
      .poll(async () =>
        (await cloud.core.commands.claimFeedback(10, 1)).map(({ feedback }) => [
          feedback.originalMessageId,
          feedback.statusCode,
          feedback.deviceGenerationId,
        ]),
      )
      .toEqual([
        ['first', 'Purged', generations[0]],
        ['second', 'Purged', generations[1]],
      ])
    expect(generations[1]).not.toBe(generations[0])
  })
})

describe('twins of azure-iothub', () => {
  it('are read, patched with an entity tag, and replaced', async () => {
    const { registry, ask } = await openService()
    await registry.create({ deviceId: 'dev1' })
    const { responseBody: twin } = await registry.getTwin('dev1')
    expect(twin).toMatchObject({
      deviceId: 'dev1',
      tags: {},
      properties: { desired: { $version: 1 }, reported: { $version: 1 } },
    })
    const patch = {
      tags: { site: { hall: 2 }, list: [1, 'a'] },
      properties: { desired: { mode: 'eco', old: 1 } },
    }
    const { responseBody: patched } = await registry.updateTwin('dev1', patch, twin.etag)
    expect(patched).toMatchObject({
      tags: patch.tags,
      properties: { desired: { mode: 'eco', $version: 2 } },
    })
    await expect(registry.updateTwin('dev1', patch, twin.etag)).rejects.toMatchObject({
      name: 'InvalidEtagError',
    })
    const gone = { properties: { desired: { old: null } } }
    const { responseBody: less } = await registry.updateTwin('dev1', gone, '*')
    expect(less.properties.desired).toMatchObject({ mode: 'eco', $version: 3 })
    expect(less.properties.desired).not.toHaveProperty('old')
    const replaced = await ask('PUT', '/twins/dev1', { tags: { a: true } })
    expect(replaced.json).toMatchObject({ tags: { a: true }, properties: { desired: {} } })
    expect(replaced.json.tags).toEqual({ a: true })
    expect(replaced.json.properties.desired).not.toHaveProperty('mode')
    const bad = await ask('PATCH', '/twins/dev1', { tags: { 'a.b': 1 } })
    expect([bad.status, bad.json.Message]).toEqual([
      400,
      expect.stringContaining("contains invalid character '.'"),
    ])
    expect((await ask('PATCH', '/twins/nobody', {})).status).toBe(404)
    const oversize = { tags: { a: 'x'.repeat(4_000), b: 'x'.repeat(4_000), c: 'x'.repeat(4_000) } }
    expect((await ask('PATCH', '/twins/dev1', oversize)).status).toBe(400)
  })

  it('have the tags that a device was registered with until they change', async () => {
    const { cloud, registry } = await openService()
    await cloud.admin('POST', '/devices', { deviceId: 'dev1', tags: { site: 'north', old: 'x' } })
    const { responseBody: twin } = await registry.getTwin('dev1')
    expect(twin.tags).toEqual({ site: 'north', old: 'x' })
    const change = { tags: { floor: 2, old: null } }
    const { responseBody: changed } = await registry.updateTwin('dev1', change, '*')
    expect(changed.tags).toEqual({ site: 'north', floor: 2 })
    // From now on there is one truth, whoever looks and whoever changes it.
    const shown = async () => (await (await cloud.admin('GET', '/devices/dev1')).json()) as Json
    expect(await shown()).toMatchObject({ tags: { site: 'north', floor: 2 } })
    const renamed = await cloud.admin('PATCH', '/devices/dev1', { tags: { site: 'south' } })
    expect(await renamed.json()).toMatchObject({ tags: { site: 'south' } })
    expect((await registry.getTwin('dev1')).responseBody.tags).toEqual({ site: 'south' })
    const bad = await cloud.admin('PATCH', '/devices/dev1', { tags: { 'a.b': 'x' } })
    expect(bad.status).toBe(400)
    expect((await registry.getTwin('dev1')).responseBody.tags).toEqual({ site: 'south' })
  })

  it('are seen by routes, also those that a device was registered with', async () => {
    const { cloud, registry } = await openService({
      routes: {
        north: {
          condition: "$twin.tags.site = 'north'",
          enrichments: [{ key: 'floor', value: '$twin.tags.floor' }],
          actions: [{ table: { table: 'north', key: "${get(get_user_properties('floor'), 0)}" } }],
        },
      },
    })
    await cloud.admin('POST', '/devices', { deviceId: 'dev1', tags: { site: 'north', floor: '1' } })
    const send = (t: number) =>
      cloud.call('/devices/dev1/telemetry', { method: 'POST', body: JSON.stringify({ t }) })
    expect((await send(1)).status).toBe(202)
    await registry.updateTwin('dev1', { tags: { floor: 2 } }, '*')
    await send(2)
    await registry.updateTwin('dev1', { tags: { site: 'south' } }, '*')
    await send(3)
    await cloud.core.gate.idle()
    const rows = await cloud.core.ports.tables.list('north', '', 10)
    expect(rows).toEqual([
      { key: '1', item: { t: 1 } },
      { key: '2', item: { t: 2 } },
    ])
  })

  it('are gone with their device', async () => {
    const { registry } = await openService()
    await registry.create({ deviceId: 'dev1' })
    await registry.updateTwin('dev1', { tags: { site: 'north' } }, '*')
    await registry.delete('dev1')
    await registry.create({ deviceId: 'dev1' })
    expect((await registry.getTwin('dev1')).responseBody.tags).toEqual({})
  })
})

describe('queries of azure-iothub', () => {
  it('give twins or columns, page by page', async () => {
    const { registry, ask } = await openService()
    const names = Array.from({ length: 7 }, (_, index) => `d${index}`)
    await registry.addDevices(names.map((deviceId) => ({ deviceId })))
    for (const [index, deviceId] of names.entries())
      await registry.updateTwin(deviceId, { tags: { even: index % 2 === 0, index } }, '*')
    const query = registry.createQuery('SELECT * FROM devices WHERE tags.even = true', 3)
    const pages: string[][] = []
    while (query.hasMoreResults)
      pages.push((await query.nextAsTwin()).result.map(({ deviceId }) => deviceId))
    expect(pages).toEqual([['d0', 'd2', 'd4'], ['d6']])
    const rows = registry.createQuery('SELECT TOP 5 deviceId, tags.index AS n FROM devices', 4)
    expect((await rows.next()).result).toHaveLength(4)
    expect((await rows.next(rows.continuationToken)).result).toEqual([{ deviceId: 'd4', n: 4 }])
    expect(rows.hasMoreResults).toBe(false)
    const groups = registry.createQuery(
      'SELECT tags.even AS even, COUNT() AS n FROM devices GROUP BY tags.even',
      1,
    )
    expect((await groups.next()).result).toEqual([{ even: true, n: 4 }])
    expect((await groups.next(groups.continuationToken)).result).toEqual([{ even: false, n: 3 }])
    expect(groups.hasMoreResults).toBe(false)
    const whole = await ask('POST', '/devices/query', { query: 'SELECT * FROM devices' })
    expect([whole.headers['x-ms-item-type'], whole.json]).toEqual([
      'Twin',
      expect.objectContaining({ length: 7 }),
    ])
    expect(whole.headers['x-ms-continuation']).toBeUndefined()
  })

  it('say what is wrong with them', async () => {
    const { ask } = await openService()
    const query = 'SELECT * FROM devices WHERE isdefined(a)'
    const refused = await ask('POST', '/devices/query', { query })
    expect(refused.status).toBe(400)
    expect(refused.json.Message).toContain('did you mean is_defined? (line 1, column 29)')
    const body = { query: 'SELECT * FROM devices' }
    const cases: Record<string, string>[] = [
      { 'x-ms-continuation': 'nonsense' },
      { 'x-ms-max-item-count': '0' },
    ]
    for (const headers of cases)
      expect((await ask('POST', '/devices/query', body, headers)).status).toBe(400)
    expect((await ask('POST', '/devices/query', { sql: '' })).status).toBe(400)
  })
})

describe('direct methods of azure-iothub', () => {
  it('reach a device, with the status that it gives', async () => {
    const { cloud, registry, ask } = await openService()
    const { responseBody } = await registry.create({ deviceId: 'dev1' })
    const key = responseBody.authentication?.symmetricKey?.primaryKey
    const device = DeviceClient.fromConnectionString(
      `HostName=localhost:${cloud.mqttsPort};DeviceId=dev1;SharedAccessKey=${key}`,
      Mqtt,
    )
    await device.setOptions({ ca: cloud.authority })
    await device.open()
    onTestFinished(() => void device.close())
    device.onDeviceMethod('reboot', (asked, answer) =>
      answer.send(202, { echo: asked.payload }, () => undefined),
    )
    const client = lead(iothub.Client.fromConnectionString(connectionStringOf(cloud)), cloud)
    const call = { methodName: 'reboot', payload: { delay: 1 }, connectTimeoutInSeconds: 5 }
    const { result } = await client.invokeDeviceMethod('dev1', {
      ...call,
      responseTimeoutInSeconds: 10,
    })
    expect(result).toEqual({ status: 202, payload: { echo: { delay: 1 } } })
    await registry.create({ deviceId: 'away' })
    const offline = await ask('POST', '/twins/away/methods', { methodName: 'reboot' })
    expect([offline.status, offline.headers['iothub-errorcode']]).toEqual([404, 'DeviceNotOnline'])
    const silent = await ask('POST', '/twins/dev1/methods', {
      methodName: 'nobody-listens',
      responseTimeoutInSeconds: 0.2,
    })
    expect([silent.status, silent.headers['iothub-errorcode']]).toEqual([504, 'GatewayTimeout'])
  })
})

describe('the back end of azure-iothub', () => {
  it('is shown by an example that runs', async () => {
    const { cloud } = await openService()
    const folder = mkdtempSync(join(tmpdir(), 'anyhub-example-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const ca = join(folder, 'ca.pem')
    writeFileSync(ca, cloud.authority)
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [join(ROOT, 'examples/azure-back-end.mjs')],
      {
        env: {
          ...process.env,
          NODE_EXTRA_CA_CERTS: ca,
          SERVICE_CONNECTION_STRING: connectionStringOf(cloud).replace(
            'localhost',
            `localhost:${cloud.httpsPort}`,
          ),
        },
      },
    )
    expect(stdout).toBe('pump-1 is enabled, by sas\n{"deviceId":"pump-1","site":"north"}\n')
  })

  it('has to prove that it is one', async () => {
    const { cloud, registry } = await openService()
    const { responseBody } = await registry.create({ deviceId: 'dev1' })
    const key = responseBody.authentication?.symmetricKey?.primaryKey ?? ''
    const hour = Date.now() + 3_600_000
    const owner = ownerKeyOf(cloud.adminToken)
    const tokens = [
      undefined,
      'SharedAccessSignature nonsense',
      createSasToken({ resource: 'localhost', key, expiresAt: hour, policy: 'iothubowner' }),
      createSasToken({ resource: 'localhost', key: owner, expiresAt: 1, policy: 'iothubowner' }),
      createSasToken({ resource: 'localhost', key: owner, expiresAt: hour, policy: 'other' }),
      createSasToken({ resource: 'localhost/devices/dev1', key, expiresAt: hour }),
    ]
    for (const authorization of tokens) {
      const answer = await cloud.ask('GET', '/devices/dev1?api-version=2021-04-12', {
        headers: authorization === undefined ? {} : { authorization },
      })
      expect([answer.status, answer.headers['iothub-errorcode']]).toEqual([
        401,
        'IotHubUnauthorizedAccess',
      ])
      expect(answer.body).not.toContain(key)
    }
    // Also where this machine is trusted: keys are for the admin alone.
    const path = '/devices/dev1?api-version=2021-04-12'
    const open = await cloud.call(path)
    expect([open.status, await open.text()]).toEqual([401, expect.not.stringContaining(key)])
    const headers = { authorization: `Bearer ${cloud.adminToken}` }
    expect((await cloud.call(path, { headers })).status).toBe(200)
    // A device that proves who it is gets no further.
    const proof = await cloud.add('dev2')
    expect((await cloud.ask('GET', path, { proof })).status).toBe(401)
  })

  it('purges commands, and is told what is not there', async () => {
    const { cloud, ask, registry } = await openService()
    await registry.create({ deviceId: 'dev1' })
    const payload = new TextEncoder().encode('{}')
    for (const name of ['a', 'b']) await cloud.core.commands.send('dev1', { name, payload })
    expect((await ask('GET', '/devices/dev1')).json.cloudToDeviceMessageCount).toBe(2)
    expect((await ask('DELETE', '/devices/dev1/commands')).json).toEqual({
      totalMessagesPurged: 2,
      deviceId: 'dev1',
    })
    for (const path of ['/jobs/v2', '/configurations', '/devices/dev1/modules'])
      expect((await ask('GET', path)).status).toBe(501)
    expect((await ask('POST', '/twins/dev1', {})).status).toBe(405)
    expect((await ask('PUT', '/devices/dev2', 'x'.repeat(1_100_000))).status).toBe(413)
  })

  it('tells routes of devices that come and go', async () => {
    const { cloud, registry } = await openService({
      routes: {
        life: { source: 'lifecycle', actions: [{ queue: { name: 'life' } }], output: 'message' },
      },
    })
    await registry.create({ deviceId: 'dev1' })
    await registry.delete('dev1')
    await cloud.core.gate.idle()
    const told = await cloud.core.ports.queues.claim('life', 10, 1_000)
    expect(told.map(({ body }) => (body as { properties: Json }).properties)).toMatchObject([
      { opType: 'createDeviceIdentity', deviceId: 'dev1' },
      { opType: 'deleteDeviceIdentity', deviceId: 'dev1' },
    ])
  })
})

describe('feedback over HTTPS, as a back end polls it', () => {
  it('is there once, comes again when it is abandoned, and is gone when it is completed', async () => {
    const { cloud, ask, registry } = await openService()
    await registry.create({ deviceId: 'dev1' })
    const path = '/messages/serviceBound/feedback'
    expect((await ask('GET', path)).status).toBe(204)
    const payload = new Uint8Array()
    const { commands } = cloud.core
    for (const commandId of ['c-1', 'c-2'])
      await commands.send('dev1', { commandId, name: 'x', payload, ack: 'full' })
    await commands.purge('dev1')
    const lockOf = ({ headers }: { headers: Readonly<Record<string, unknown>> }) =>
      String(headers['etag']).slice(1, -1)
    const first = await ask('GET', path)
    expect(first.json).toMatchObject([
      { originalMessageId: 'c-1', deviceId: 'dev1', statusCode: 'Purged' },
      { originalMessageId: 'c-2', deviceId: 'dev1', statusCode: 'Purged' },
    ])
    expect((await ask('GET', path)).status).toBe(204)
    expect((await ask('POST', `${path}/${lockOf(first)}/abandon`)).status).toBe(204)
    const again = await ask('GET', path)
    expect(again.json).toEqual(first.json)
    const lost = await ask('DELETE', `${path}/${lockOf(first)}`)
    expect([lost.status, lost.headers['iothub-errorcode']]).toEqual([412, 'DeviceMessageLockLost'])
    expect((await ask('DELETE', `${path}/${lockOf(again)}`)).status).toBe(204)
    expect((await ask('GET', path)).status).toBe(204)
    expect((await ask('PUT', path)).status).toBe(405)
  })
})
