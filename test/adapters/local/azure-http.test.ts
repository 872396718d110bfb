import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ownerKeyOf } from '../../../adapters/local/identity.ts'
import { createSasToken } from '../../../adapters/local/sas.ts'
import { openAzureCloud } from './azure-cloud.ts'

const EVENTS = '/devices/dev1/messages/events?api-version=2021-04-12'

const config = {
  rules: {
    all: {
      sql: "SELECT t, get_user_properties('Alert') AS alert FROM 'devices/+/telemetry'",
      actions: [{ table: { table: 'seen', key: '${t}' } }],
    },
  },
}

describe('telemetry of an Azure device over HTTPS', () => {
  it('is taken alone and in batches, with its properties', async () => {
    const cloud = await openAzureCloud({}, { config })
    const send = (headers: Record<string, string>, body: string) =>
      cloud.ask('POST', EVENTS, { headers: { authorization: cloud.sas(), ...headers }, body })
    const single = { 'iothub-messageid': 'm1', 'iothub-app-Alert': 'yes', 'x-else': 'no' }
    expect((await send(single, '{"t":1}')).status).toBe(204)
    expect((await send(single, '{"t":1}')).status).toBe(204)
    const batch = [
      { body: btoa('{"t":2}'), properties: { 'iothub-app-Alert': 'b', 'iothub-messageid': 'm2' } },
      { body: '{"t":3}', base64Encoded: false },
    ]
    const type = { 'content-type': 'application/vnd.microsoft.iothub.json' }
    expect((await send(type, JSON.stringify(batch))).status).toBe(204)
    const seen = async () =>
      (await cloud.core.ports.tables.list('seen', '', 10)).map(({ item }) => item)
    await expect.poll(seen).toEqual([{ t: 1, alert: ['yes'] }, { t: 2, alert: ['b'] }, { t: 3 }])
    for (const body of ['{', '{}', '[1]', '[{"body":"%"}]', '[{"body":"","properties":{"a":1}}]']) {
      const refused = await send(type, body)
      expect([refused.status, refused.headers['iothub-errorcode']]).toEqual([
        400,
        'ArgumentInvalid',
      ])
    }
    expect((await send({}, 'x'.repeat(262_145))).status).toBe(413)
    expect(await cloud.stats()).toMatchObject({
      'uplink.accepted': 3,
      'uplink.duplicate': 1,
      'azure.refused': 6,
    })
  })

  it('needs a signature for its own device, and says so in the words of the vendor', async () => {
    const cloud = await openAzureCloud()
    await cloud.admin('POST', '/devices', { deviceId: 'dev2', credential: 'key' })
    const hour = Date.now() + 3_600_000
    const owner = createSasToken({
      resource: 'localhost',
      key: ownerKeyOf(cloud.adminToken),
      expiresAt: hour,
      policy: 'iothubowner',
    })
    const cases: [string | undefined, string, number][] = [
      [cloud.sas(), EVENTS, 204],
      [owner, EVENTS, 204],
      [undefined, EVENTS, 401],
      ['SharedAccessSignature nonsense', EVENTS, 401],
      [cloud.sas(Date.now() - 1_000), EVENTS, 401],
      [cloud.sas(hour, btoa('wrong wrong wrong')), EVENTS, 401],
      [cloud.sas(), EVENTS.replace('dev1', 'dev2'), 401],
      [cloud.sas(hour, cloud.key, 'localhost/devices/dev2'), EVENTS.replace('dev1', 'dev2'), 401],
      [cloud.sas(), '/devices/dev1/shadow', 401],
    ]
    for (const [authorization, path, status] of cases) {
      const answer = await cloud.ask(path.includes('shadow') ? 'PATCH' : 'POST', path, {
        headers: authorization === undefined ? {} : { authorization },
        body: '{"t":1}',
      })
      expect([authorization?.slice(0, 90), path, answer.status]).toEqual([
        authorization?.slice(0, 90),
        path,
        status,
      ])
      if (status === 401 && path.includes('messages'))
        expect(answer.headers['iothub-errorcode']).toBe('IotHubUnauthorizedAccess')
    }
  })
})

describe('whatever a stranger sends over HTTPS', () => {
  it('is answered with a refusal, and stores nothing', async () => {
    const cloud = await openAzureCloud()
    const part = fc.constantFrom(
      '/devices/dev1/messages/',
      'events',
      'devicebound',
      '/',
      '/abandon',
      '%2e%2e',
      '%zz',
      '%00',
      'x',
      '?reject',
      '?api-version=1',
    )
    const request = fc.record({
      method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'),
      path: fc
        .array(part, { minLength: 1, maxLength: 5 })
        .map((parts) => `/devices/dev1/messages/${parts.join('')}`),
      authorization: fc.oneof(
        fc.constantFrom('SharedAccessSignature sr=a&sig=b&se=9999999999', 'Bearer x', 'Basic eA=='),
        fc.stringMatching(/^[ -~]{1,40}$/),
      ),
      body: fc.string(),
    })
    await fc.assert(
      fc.asyncProperty(request, async ({ method, path, authorization, body }) => {
        const hasBody = method !== 'GET' && method !== 'OPTIONS'
        const { status } = await cloud.ask(method, path, {
          headers: { authorization },
          ...(hasBody ? { body } : {}),
        })
        expect([400, 401, 403, 404, 405, 429]).toContain(status)
      }),
      { numRuns: 150 },
    )
    expect((await cloud.stats())['uplink.received'] ?? 0).toBe(0)
  }, 60_000)
})
