import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openGoogleCloud } from './google-cloud.ts'

const anyTopic = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('gw', 'd1', 'd2', '', '..', '%2F', '$anyhub', '__proto__'),
      fc.constantFrom('events', 'state', 'attach', 'detach', 'config', 'commands', 'errors', ''),
      fc.constantFrom('', '/', '/a', '/a//b', '/é'),
    )
    .map(([id, what, rest]) => `/devices/${id}/${what}${rest}`),
  fc.string({ minLength: 1, maxLength: 20 }).map((text) => text.replaceAll(/[+#\0]/g, '_')),
)

const anyBody = fc.oneof(
  fc.json(),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom('{"authorization":', '{"authorization":null}', '{"authorization":"a.b.c"}', ''),
)

describe('whatever a Google client sends', () => {
  it('the cloud goes on, and nobody else is touched', async () => {
    const cloud = await openGoogleCloud()
    await cloud.register('gw', { gatewayAuth: 'association_and_token' })
    await cloud.register('d1')
    await cloud.register('d2')
    await cloud.admin('PUT', '/devices/gw/bound/d1')
    const other = await cloud.connectGoogle('d2')
    let client = await cloud.connectGoogle('gw')
    await fc.assert(
      fc.asyncProperty(anyTopic, anyBody, fc.constantFrom(0, 1, 2), async (topic, body, qos) => {
        if (!client.connected) client = await cloud.connectGoogle('gw')
        await new Promise<void>((resolve) => {
          client.once('close', () => resolve())
          client.publish(topic, body, { qos: qos as 0 | 1 | 2 }, () => resolve())
        })
      }),
      { numRuns: 150 },
    )
    await other.publishAsync('/devices/d2/events', '{"temp":1}', { qos: 1 })
    const records = await cloud.core.ports.devices.list('', 10)
    expect(records.map(({ deviceId }) => deviceId).sort()).toEqual(['d2', 'gw'])
    expect((await cloud.core.ports.devices.load('d2'))?.accepted).toBe(1)
    const bad = cloud.logs.filter((line) => /"level":"error"|hook\.failed/.test(line))
    expect(bad).toEqual([])
  }, 60_000)
})
