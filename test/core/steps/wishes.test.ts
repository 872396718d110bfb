import { describe, expect, it } from 'vitest'
import type { DeviceRecord, Json, JsonObject } from '../../../core/index.ts'
import { MAX_METRICS } from '../../../core/steps/draft.ts'
import { recordOf as storedRecord } from '../../fakes/memory-ports.ts'
import { NOW, type Running, start, uplink } from '../harness.ts'

function recordOf({ world }: Running, deviceId = 'dev-1'): DeviceRecord {
  const record = storedRecord(world, deviceId)
  if (record === undefined) throw new Error(`no ${deviceId}`)
  return record
}

async function update(
  running: Running,
  state: Json,
  more: { once?: boolean; expiresAt?: number; name?: string } = {},
) {
  const { name = '', ...lifetime } = more
  const [result] = await running.core.gate.run('dev-1', [
    {
      kind: 'shadow',
      operation: 'update',
      name,
      body: JSON.stringify({ state }),
      at: running.world.now,
      by: 'admin',
      ...lifetime,
    },
  ])
  await running.core.gate.idle()
  return result
}

function told({ world }: Running): string[] {
  return world.pushes.splice(0).map(({ message: { name, event } }) => `${name}:${event}`)
}

describe('a desired value that expires', () => {
  it('makes the tick come, and is told when it goes: delta of what is left, and documents', async () => {
    const running = start({})
    await update(running, { desired: { keep: 1 }, reported: { keep: 1 } })
    await update(running, { desired: { led: 1 } }, { expiresAt: NOW + 90_000 })
    await update(running, { desired: { x: 1 } }, { name: 'cfg', expiresAt: NOW + 60_000 })
    expect(recordOf(running).dueAt).toBe(NOW + 60_000)
    told(running)
    running.world.now = NOW + 60_000
    await running.core.tick(100)
    await running.core.gate.idle()
    expect(recordOf(running).shadows['cfg']).not.toHaveProperty('desired')
    expect(recordOf(running).dueAt).toBe(NOW + 90_000)
    expect(told(running)).toEqual(['cfg:documents'])
    running.world.now = NOW + 91_000
    await running.core.tick(100)
    await running.core.gate.idle()
    expect(recordOf(running).shadows['']?.desired).toEqual({ keep: 1 })
    expect(recordOf(running).dueAt).toBe(0)
    expect(told(running)).toEqual([':documents'])
  })

  it('is what a rule can ask for; a message that asks again keeps it, and tells of it now and then', async () => {
    const running = start({
      rules: {
        cool: {
          sql: "SELECT * FROM 'devices/#' WHERE temp > 20",
          actions: [{ setDesired: { state: { fan: 1 }, for: '100s' } }],
        },
      },
    })
    const send = async (temp: number, seconds: number) => {
      running.world.now = NOW + seconds * 1_000
      await running.core.ingest([uplink({ temp, s: seconds }, { receivedAt: running.world.now })])
      await running.core.gate.idle()
      return recordOf(running).shadows['']?.expires?.['/fan']
    }
    expect(await send(30, 0)).toBe(NOW / 1_000 + 100)
    expect(told(running)).toEqual([':delta', ':documents', ':accepted'])
    expect(await send(30, 40)).toBe(NOW / 1_000 + 100)
    expect(told(running)).toEqual([])
    expect(await send(30, 60)).toBe(NOW / 1_000 + 160)
    expect(told(running)).toEqual([':delta', ':documents', ':accepted'])
    expect(await send(10, 100)).toBe(NOW / 1_000 + 160)
    running.world.now = NOW + 161_000
    await running.core.tick(100)
    await running.core.gate.idle()
    expect(recordOf(running).shadows['']?.desired).toBeUndefined()
  })
})

describe('a desired value that is wanted once', () => {
  it('goes when the device reports it, and when a measured value reaches it', async () => {
    const running = start({})
    await update(running, { desired: { led: 1, temp: 20 } }, { once: true })
    told(running)
    await update(running, { reported: { led: 1 } })
    expect(recordOf(running).shadows['']?.desired).toEqual({ temp: 20 })
    expect(told(running)).toEqual([':delta', ':documents', ':accepted'])
    await running.core.ingest([uplink({ temp: 19 })])
    expect(told(running)).toEqual([])
    await running.core.ingest([uplink({ temp: 20 })])
    await running.core.gate.idle()
    expect(recordOf(running).shadows['']?.desired).toBeUndefined()
    expect(told(running)).toEqual([':documents'])
  })
})

describe('who wants a value', () => {
  it('is kept whoever it is: the API, a rule of the device, a rule of another', async () => {
    const running = start({
      rules: {
        own: { sql: "SELECT 1 AS a FROM 'devices/#'", actions: [{ setDesired: {} }] },
        far: {
          sql: "SELECT 1 AS b FROM 'devices/#'",
          actions: [{ setDesired: { device: 'fan-1' } }],
        },
      },
    })
    await update(running, { desired: { c: 1 } })
    await running.core.ingest([uplink({ temp: 19 })])
    await running.core.gate.idle()
    const namesOf = (deviceId: string) =>
      Object.values(recordOf(running, deviceId).shadows['']?.wishes ?? {}).map(({ by }) => by)
    expect(namesOf('dev-1')).toEqual(['admin', 'rule own'])
    expect(namesOf('fan-1')).toEqual(['rule far'])
  })
})

describe('the room of a shadow', () => {
  const many = (count: number): JsonObject =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`a-metric-with-a-name-${n}`, n]))

  it('is not taken up by what is measured, only by what somebody asked to be kept', async () => {
    const running = start({ limits: { metrics: 1_024 } })
    await running.core.ingest([uplink(many(600))])
    const reported = recordOf(running).shadows['']?.reported
    expect(JSON.stringify(reported).length).toBeGreaterThan(8_192)
    expect(await update(running, { desired: { led: 'x'.repeat(8_100) } })).toMatchObject({
      accepted: true,
    })
    expect(await update(running, { desired: { led: 'x'.repeat(8_200) } })).toMatchObject({
      accepted: false,
      body: { code: 413 },
    })
    expect(await update(running, { reported: { note: 'x'.repeat(100) } })).toMatchObject({
      body: { code: 413 },
    })
  })

  it('is taken up by what the device reports itself, also where that has the name of a metric', async () => {
    const running = start({})
    await running.core.ingest([uplink({ a: 1 })])
    const own = { a: { text: 'x'.repeat(8_150) } }
    expect(await update(running, { reported: own })).toMatchObject({ accepted: true })
    expect(await update(running, { desired: { led: 'x'.repeat(100) } })).toMatchObject({
      body: { code: 413 },
    })
    const named = start({})
    await named.core.ingest([uplink({ a: 1 })])
    const big = { reported: { b: 'x'.repeat(8_150) } }
    expect(await update(named, big, { name: 'cfg' })).toMatchObject({ accepted: true })
    const more = { desired: { led: 'x'.repeat(100) } }
    expect(await update(named, more, { name: 'cfg' })).toMatchObject({ body: { code: 413 } })
  })

  it('has a bound for a device that goes on making up names: the oldest go', async () => {
    const running = start({ limits: { metrics: 1_024 } })
    for (let round = 0; round < 12; round++) {
      running.world.now = NOW + round * 1_000
      const body = Object.fromEntries(
        Array.from({ length: 200 }, (_, n) => [`m${round}-${n}`, round]),
      )
      await running.core.ingest([uplink(body, { receivedAt: running.world.now })])
    }
    const { last, shadows } = recordOf(running)
    expect(Object.keys(last)).toHaveLength(MAX_METRICS)
    expect(last).toHaveProperty('m11-0')
    expect(last).not.toHaveProperty('m0-0')
    expect(Object.keys(shadows['']?.reported ?? {}).sort()).toEqual(Object.keys(last).sort())
    expect(Object.keys(shadows['']?.metadata.reported ?? {})).toHaveLength(MAX_METRICS)
  })
})
