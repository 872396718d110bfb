import { describe, expect, it } from 'vitest'
import { createAccessSweep } from '../../../core/access-sweep.ts'
import { createApi, registryEndpoints } from '../../../core/api/index.ts'
import { createWorld } from '../../fakes/memory-ports.ts'
import { NOW, start } from '../harness.ts'

const TOKEN = 'Bearer a'
const DAY_MS = 86_400_000

async function open() {
  const { core, world } = start({}, { world: createWorld(NOW) })
  const api = createApi({
    core,
    add: async (uplink) => (await core.ingest([uplink]))[0]!,
    isAdmin: (authorization) => authorization === TOKEN,
    more: registryEndpoints({ ports: core.ports }),
  })
  async function post(path: string, body: unknown, key?: string) {
    const answer = await api.request(path, {
      method: 'POST',
      headers: {
        authorization: TOKEN,
        'content-type': 'application/json',
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return {
      status: answer.status,
      replayed: answer.headers.get('idempotency-replayed'),
      type: answer.headers.get('content-type'),
      json: text === '' ? undefined : JSON.parse(text),
    }
  }
  const commands = async () => (await core.commands.list('d1')).length
  await post('/devices/d1/telemetry', { temp: 1 })
  return { post, world, core, commands }
}

const COMMANDS = '/devices/d1/commands'

describe('Idempotency-Key', () => {
  it('gives the same answer again, and does nothing', async () => {
    const { post, commands } = await open()
    const first = await post(COMMANDS, { name: 'on' }, 'k-1')
    const again = await post(COMMANDS, { name: 'on' }, 'k-1')
    expect(first).toMatchObject({ status: 202, replayed: null })
    expect(again).toEqual({ ...first, replayed: 'true' })
    expect(await commands()).toBe(1)
    await post(COMMANDS, { name: 'on' }, 'k-2')
    expect(await commands()).toBe(2)
  })

  it('with another body is refused', async () => {
    const { post, commands } = await open()
    await post(COMMANDS, { name: 'on' }, 'k-1')
    expect(await post(COMMANDS, { name: 'off' }, 'k-1')).toMatchObject({
      status: 422,
      json: { type: 'urn:anyhub:input.key_reused' },
    })
    expect(await commands()).toBe(1)
  })

  it('gives a refusal again, too', async () => {
    const { post } = await open()
    const first = await post(COMMANDS, { nme: 'on' }, 'k-1')
    expect(first).toMatchObject({ status: 400, json: { errors: [{ pointer: '/nme' }] } })
    expect(await post(COMMANDS, { nme: 'on' }, 'k-1')).toEqual({ ...first, replayed: 'true' })
  })

  it('counts for its path, and for a day', async () => {
    const { post, world, commands } = await open()
    await post('/devices/d2/telemetry', { temp: 1 })
    await post(COMMANDS, { name: 'on' }, 'k-1')
    expect(await post('/devices/d2/commands', { name: 'on' }, 'k-1')).toMatchObject({
      status: 202,
      replayed: null,
    })
    world.now += DAY_MS - 1
    expect((await post(COMMANDS, { name: 'on' }, 'k-1')).replayed).toBe('true')
    world.now += 2
    expect((await post(COMMANDS, { name: 'on' }, 'k-1')).replayed).toBeNull()
    expect(await commands()).toBe(2)
  })

  it('lets at most one of many at the same moment through', async () => {
    const { post, commands } = await open()
    const all = await Promise.all(
      Array.from({ length: 8 }, () => post(COMMANDS, { name: 'on' }, 'k-1')),
    )
    expect(all.filter(({ status }) => status === 409).length).toBeGreaterThanOrEqual(7)
    expect(await commands()).toBeLessThanOrEqual(1)
    const later = await post(COMMANDS, { name: 'on' }, 'k-1')
    expect(later.status).toBe(202)
    expect(await commands()).toBe(1)
  })

  it('keeps no secret: a replay says that it was done', async () => {
    const { post, world } = await open()
    const body = { deviceId: 'd9', credential: 'token' }
    const first = await post('/registry/devices', body, 'k-1')
    expect(first).toMatchObject({ status: 201, json: { token: expect.any(String) } })
    expect(await post('/registry/devices', body, 'k-1')).toMatchObject({
      status: 409,
      json: { type: 'urn:anyhub:input.key_done' },
    })
    expect(JSON.stringify([...world.tables])).not.toContain(first.json.token)
  })

  it('keeps nothing of what failed, so that it can be tried again', async () => {
    const { post, world, commands } = await open()
    world.away.add('devices')
    expect((await post(COMMANDS, { name: 'on' }, 'k-1')).status).toBe(503)
    world.away.delete('devices')
    expect(await post(COMMANDS, { name: 'on' }, 'k-1')).toMatchObject({
      status: 202,
      replayed: null,
    })
    expect(await commands()).toBe(1)
  })

  it.each(['', 'a b', 'é', 'x'.repeat(256)])('%j is none', async (key) => {
    const { post, commands } = await open()
    expect((await post(COMMANDS, { name: 'on' }, key)).status).toBe(400)
    expect(await commands()).toBe(0)
  })

  it('is swept when it is over', async () => {
    const { post, world, core } = await open()
    const kept = () => world.tables.get('$idempotency')?.size ?? 0
    const sweep = createAccessSweep(core.ports, core.program.config.retention)
    await post(COMMANDS, { name: 'on' }, 'k-1')
    world.now += DAY_MS
    await sweep()
    expect(kept()).toBe(1)
    world.now += 2 * DAY_MS
    await sweep()
    expect(kept()).toBe(0)
  })
})
