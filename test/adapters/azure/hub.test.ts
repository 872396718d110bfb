import { describe, expect, it } from 'vitest'
import { createMethods } from '../../../adapters/azure/methods.ts'
import { createShadowOwner } from '../../../adapters/azure/shadow-owner.ts'
import type { Json, ShadowEffect } from '../../../core/index.ts'
import { type Answer, coded, fault, openStandIn } from './hub-stand-in.ts'

const TWIN = {
  deviceId: 'dev-1',
  etag: 'AAAAAAAAAAE=',
  version: 7,
  tags: { site: 'north' },
  properties: {
    desired: { led: 'on', $metadata: { $lastUpdated: '2026' }, $version: 6 },
    reported: { led: 'off', $version: 1 },
  },
}

function change(desired: Json, previous: Json = {}): ShadowEffect {
  return {
    kind: 'shadow',
    deviceId: 'dev-1',
    name: '',
    event: 'documents',
    body: { previous: { state: { desired: previous } }, current: { state: { desired } } },
  }
}

describe('Azure: a hub that is busy, moved or gone', () => {
  it('is left alone for as long as it says, and then asked again', async () => {
    const throttled = { ...fault(429, 'ThrottlingException'), headers: { 'retry-after': '2' } }
    const { hub, asked, pauses } = await openStandIn((_asked, count) =>
      count < 3 ? throttled : { status: 200, body: TWIN },
    )
    expect(await hub.twin('dev-1')).toMatchObject({ version: 7, desired: { led: 'on' } })
    expect(asked).toHaveLength(3)
    expect(pauses).toEqual([2_000, 2_000])
  })

  it('is given up where it wants to be left alone for longer than a call may take', async () => {
    const throttled = { ...fault(429, 'ThrottlingException'), headers: { 'retry-after': '60' } }
    const { hub, asked } = await openStandIn(() => throttled)
    await expect(hub.twin('dev-1')).rejects.toMatchObject({
      code: 'store.unavailable',
      retryable: true,
      details: { retryAfterMs: 60_000 },
    })
    expect(asked).toHaveLength(1)
  })

  it('is named where the name leads nowhere', async () => {
    const { hub } = await openStandIn(() => ({ status: 200 }), 'https://gone.invalid')
    await expect(hub.twin('dev-1')).rejects.toMatchObject({
      code: 'store.unavailable',
      retryable: true,
      message: expect.stringMatching(/iothub: no answer.*gone\.invalid/),
    })
  })

  it('is no hub without devices where another one answers', async () => {
    const { hub } = await openStandIn(() => ({ status: 404, body: 'nothing here' }))
    const moved = {
      code: 'store.unavailable',
      message: expect.stringContaining('moved or removed'),
    }
    await expect(hub.twin('dev-1')).rejects.toMatchObject(moved)
    await expect(hub.identity('dev-1')).rejects.toMatchObject(moved)
    await expect(hub.removeIdentity('dev-1')).rejects.toMatchObject(moved)
  })

  it.each([401, 403])('is asked no more once it says %i', async (status) => {
    const { hub, asked } = await openStandIn(() => fault(status, 'IotHubUnauthorizedAccess'))
    await expect(hub.twin('dev-1')).rejects.toMatchObject({
      code: 'store.unavailable',
      message: expect.stringContaining('IotHubUnauthorizedAccess'),
    })
    expect(asked).toHaveLength(1)
  })

  it.each([{ status: 200 }, { status: 200, body: { etag: 'x' } }, { status: 200, body: 'text' }])(
    'is not believed where it answers %j',
    async (answer) => {
      const { hub } = await openStandIn(() => answer)
      await expect(hub.twin('dev-1')).rejects.toMatchObject({ code: 'store.unavailable' })
    },
  )
})

describe('Azure: a device that the hub does not know', () => {
  it.each([fault(404, 'DeviceNotFound'), coded(404, 404_001)])('is none: %j', async (answer) => {
    const { hub } = await openStandIn(() => answer)
    expect(await hub.twin('dev-1')).toBeUndefined()
    expect(await hub.identity('dev-1')).toBeUndefined()
    expect(await hub.removeIdentity('dev-1')).toBe(false)
    const unknown = { code: 'input.not_found', retryable: false }
    await expect(hub.patchTwin('dev-1', {}, 'x')).rejects.toMatchObject(unknown)
    await expect(createShadowOwner(hub)(change({ led: 'on' }))).rejects.toMatchObject(unknown)
    const call = { name: 'x', payload: null, connectTimeoutMs: 0, responseTimeoutMs: 30_000 }
    await expect(createMethods(hub).invoke('dev-1', call)).rejects.toMatchObject(unknown)
  })
})

describe('Azure: wishes for a twin', () => {
  it('go with the entity tag that was read, and once more on fresh state where it was changed', async () => {
    let patches = 0
    const { hub, asked } = await openStandIn(({ method }): Answer => {
      if (method === 'GET') return { status: 200, body: { ...TWIN, etag: `e${patches}` } }
      patches++
      return patches < 3 ? fault(412, 'PreconditionFailed') : { status: 200, body: TWIN }
    })
    await createShadowOwner(hub)(change({ led: 'off', fan: 1 }, { led: 'on', old: 2 }))
    const written = asked.filter(({ method }) => method === 'PATCH')
    expect(written.map(({ headers }) => headers['if-match'])).toEqual(['"e0"', '"e1"', '"e2"'])
    for (const { body, path } of written) {
      expect(path).toBe('/twins/dev-1?api-version=2021-04-12')
      expect(JSON.parse(body)).toEqual({
        properties: { desired: { led: 'off', fan: 1, old: null } },
      })
    }
  })

  it('are given up, to be tried later, where somebody else is always first', async () => {
    const { hub, asked } = await openStandIn(({ method }) =>
      method === 'GET' ? { status: 200, body: TWIN } : fault(412, 'PreconditionFailed'),
    )
    await expect(createShadowOwner(hub)(change({ led: 'off' }))).rejects.toMatchObject({
      code: 'store.conflict',
      retryable: true,
    })
    expect(asked.filter(({ method }) => method === 'PATCH')).toHaveLength(5)
  })

  it('are not said twice: the device would be told again', async () => {
    const { hub, asked } = await openStandIn(() => ({ status: 200, body: TWIN }))
    await createShadowOwner(hub)(change({ led: 'on' }, { gone: 1 }))
    expect(asked.map(({ method }) => method)).toEqual(['GET'])
  })

  it('that a twin cannot have are refused for good', async () => {
    const { hub } = await openStandIn(({ method }) =>
      method === 'GET' ? { status: 200, body: TWIN } : fault(400, 'ArgumentInvalid'),
    )
    await expect(createShadowOwner(hub)(change({ 'a.b': 1 }))).rejects.toMatchObject({
      code: 'shadow.bad_request',
      retryable: false,
    })
  })

  it('are none where nothing is wanted, and deltas are told by the hub itself', async () => {
    const { hub, asked } = await openStandIn(() => ({ status: 500 }))
    const tell = createShadowOwner(hub)
    await tell(change({ led: 'on' }, { led: 'on' }))
    await tell({ ...change({ led: 'off' }), event: 'delta' })
    await tell({ ...change({ led: 'off' }), event: 'accepted' })
    expect(asked).toEqual([])
  })
})

describe('Azure: direct methods', () => {
  const call = {
    name: 'reboot',
    payload: { in: 5 },
    connectTimeoutMs: 1_500,
    responseTimeoutMs: 30_000,
  }

  it('ask once, in whole seconds, and give what the device said', async () => {
    const { hub, asked } = await openStandIn(() => ({
      status: 200,
      body: { status: 501, payload: { ok: false } },
    }))
    expect(await createMethods(hub).invoke('dev 1', call)).toEqual({
      status: 501,
      payload: { ok: false },
    })
    expect(asked[0]?.path).toBe('/twins/dev%201/methods?api-version=2021-04-12')
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual({
      methodName: 'reboot',
      payload: { in: 5 },
      connectTimeoutInSeconds: 2,
      responseTimeoutInSeconds: 30,
    })
  })

  it.each([
    [coded(404, 404_103), 'method.device_offline'],
    [fault(404, 'DeviceNotOnline'), 'method.device_offline'],
    [coded(504, 504_101), 'method.timed_out'],
    [fault(504, 'GatewayTimeout'), 'method.timed_out'],
    [fault(400, 'ArgumentInvalid'), 'method.invalid'],
    [fault(500, 'ServerError'), 'store.unavailable'],
    [fault(429, 'ThrottlingException'), 'store.unavailable'],
  ])('that come to nothing say why, and are not asked again: %j', async (answer, code) => {
    const { hub, asked } = await openStandIn(() => answer)
    await expect(createMethods(hub).invoke('dev-1', call)).rejects.toMatchObject({ code })
    expect(asked).toHaveLength(1)
  })

  it('end sooner than the hub would let them, if that is wanted', async () => {
    const { hub, asked } = await openStandIn(
      () =>
        new Promise((done) => setTimeout(() => done({ status: 200, body: { status: 200 } }), 500)),
    )
    const short = { ...call, connectTimeoutMs: 0, responseTimeoutMs: 100 }
    await expect(createMethods(hub).invoke('dev-1', short)).rejects.toMatchObject({
      code: 'method.timed_out',
    })
    expect(JSON.parse(asked[0]?.body ?? '').responseTimeoutInSeconds).toBe(5)
  })
})

describe('Azure: feedback', () => {
  it('is taken with its lock, and done with', async () => {
    const record = {
      originalMessageId: 'm-1',
      deviceId: 'dev-1',
      statusCode: 'Success',
      description: 'Success',
      enqueuedTimeUtc: '2026-01-31T12:00:00Z',
      deviceGenerationId: '1',
    }
    const { hub, asked } = await openStandIn(({ method }) =>
      method === 'GET'
        ? { status: 200, headers: { etag: '"lock/1"' }, body: [record] }
        : { status: 204 },
    )
    expect(await hub.receiveFeedback()).toMatchObject({
      lockToken: 'lock/1',
      records: [{ originalMessageId: 'm-1', statusCode: 'Success' }],
    })
    await hub.completeFeedback('lock/1')
    expect(asked.map(({ method, path }) => `${method} ${path.split('?')[0]}`)).toEqual([
      'GET /messages/servicebound/feedback',
      'DELETE /messages/servicebound/feedback/lock%2F1',
    ])
  })

  it('is read as older descriptions of the hub write it, and beside what is no record', async () => {
    const record = (id: string, code: unknown) => ({
      OriginalMessageId: id,
      EnqueuedTimeUtc: '2015-07-28T16:24:48.789Z',
      StatusCode: code,
      Description: 'said',
      DeviceId: 'dev-1',
      DeviceGenerationId: 'g',
    })
    const codes = [0, 1, 2, 3, 4, 'Rejected', 9, null]
    const body = [...codes.map((code, index) => record(`m-${index}`, code)), null, 'text', []]
    const { hub } = await openStandIn(() => ({ status: 200, headers: { etag: '"l"' }, body }))
    const { records = [] } = (await hub.receiveFeedback()) ?? {}
    expect(records.map(({ statusCode }) => statusCode)).toEqual([
      'Success',
      'Expired',
      'DeliveryCountExceeded',
      'Rejected',
      'Purged',
      'Rejected',
      '',
      '',
    ])
    expect(records[3]).toEqual({
      originalMessageId: 'm-3',
      deviceId: 'dev-1',
      statusCode: 'Rejected',
      description: 'said',
    })
  })

  it('that cannot be read is done with too, and a lock that was lost is no fault', async () => {
    const { hub } = await openStandIn(({ method }) =>
      method === 'GET'
        ? { status: 200, headers: { etag: '"l"' }, body: 'text' }
        : fault(412, 'DeviceMessageLockLost'),
    )
    expect(await hub.receiveFeedback()).toEqual({ lockToken: 'l', records: [] })
    await expect(hub.completeFeedback('l')).resolves.toBeUndefined()
  })

  it('is none where nothing waits', async () => {
    const { hub } = await openStandIn(() => ({ status: 204 }))
    expect(await hub.receiveFeedback()).toBeUndefined()
  })
})
