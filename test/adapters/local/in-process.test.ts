import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type LocalCloud, startLocalCloud } from '../../../adapters/local/index.ts'
import { compileProgram, type Program, parseConfig, type Uplink } from '../../../core/index.ts'

function programOf(config: object): Program {
  const parsed = parseConfig(config)
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
  const compiled = compileProgram(parsed.config)
  if ('faults' in compiled) throw new Error(JSON.stringify(compiled.faults))
  return compiled.program
}

function uplink(deviceId: string, body: object): Uplink {
  return {
    deviceId,
    topic: `devices/${deviceId}/telemetry`,
    payload: Buffer.from(JSON.stringify(body)),
    contentType: 'application/json',
    receivedAt: Date.now(),
    source: 'test',
  }
}

describe('the embedded cloud without ports', () => {
  let data: string
  let cloud: LocalCloud | undefined
  const delivered: string[] = []

  async function start(config: object): Promise<LocalCloud> {
    cloud = await startLocalCloud({
      program: programOf(config),
      settings: {
        host: '127.0.0.1',
        httpPort: undefined,
        httpsPort: undefined,
        mqttPort: undefined,
        mqttsPort: undefined,
        amqpsPort: undefined,
        keepEvents: false,
        data,
        durability: 'normal',
        requireAuth: false,
      },
      log: () => undefined,
      channels: { send: async ({ key }) => void delivered.push(key) },
    })
    return cloud
  }

  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), 'anyhub-'))
    delivered.length = 0
  })

  afterEach(async () => {
    await cloud?.close()
    cloud = undefined
    rmSync(data, { recursive: true, force: true })
  })

  it('serves its caller', async () => {
    const { core, httpPort, mqttPort } = await start({})
    expect([httpPort, mqttPort]).toEqual([undefined, undefined])
    const [outcome] = await core.ingest([uplink('dev-1', { ts: 1_700_000_000, temp: 20 })])
    expect(outcome).toMatchObject({ status: 'accepted', deviceId: 'dev-1' })
    expect(await core.ports.telemetry.count('dev-1')).toBe(1)
  })

  it('takes a burst of one device in which every message acts more than once', async () => {
    const { core, counts } = await start({
      channels: { hook: { type: 'webhook', url: 'https://example.com/' } },
      rules: {
        every: {
          sql: "SELECT * FROM 'devices/+/telemetry'",
          actions: [
            { republish: { topic: 'all/${topic(2)}' } },
            { notify: { channels: ['hook'], text: 'it is ${temp} °C' } },
            { republish: { topic: 'again/${topic(2)}' } },
          ],
        },
      },
    })
    const messages = Array.from({ length: 1_500 }, (_, index) =>
      uplink('dev-1', { ts: 1_700_000_000 + index, temp: index, note: 'x'.repeat(200) }),
    )
    const outcomes = await Promise.all(messages.map((message) => core.ingest([message])))
    expect(outcomes.flat().filter(({ status }) => status === 'accepted')).toHaveLength(1_500)
    await core.gate.idle()
    const { counters, matched } = counts()
    expect(matched).toEqual({ every: 1_500 })
    expect(counters).toMatchObject({ 'uplink.accepted': 1_500, 'notification.asked': 1_500 })
    expect(counters['rule.failed']).toBeUndefined()
    expect(await core.ports.telemetry.count('dev-1')).toBe(1_500)
    expect(await core.ports.deadLetters.count()).toBe(0)
    const record = await core.ports.devices.load('dev-1')
    expect(record?.outbox).toEqual([])
    await expect.poll(() => new Set(delivered).size).toBe(1_500)
    expect(delivered).toHaveLength(1_500)
  })

  it('sets only the message aside that makes a record too large', async () => {
    const { core } = await start({})
    const wide = (prefix: string, ts: number): Uplink => {
      const values = Array.from({ length: 100 }, (_, index) => [
        `${prefix}${index}`,
        'x'.repeat(900),
      ])
      return uplink('dev-1', { ts, ...Object.fromEntries(values) })
    }
    const outcomes = await core.ingest([
      uplink('dev-1', { ts: 1_700_000_000, temp: 1 }),
      wide('a', 1_700_000_001),
      wide('b', 1_700_000_002),
      uplink('dev-1', { ts: 1_700_000_003, temp: 2 }),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual([
      'accepted',
      'accepted',
      'dead_lettered',
      'accepted',
    ])
    const [letter] = await core.ports.deadLetters.list('', 10)
    expect(letter).toMatchObject({ code: 'device.record_too_large', deviceId: 'dev-1' })
    expect(await core.ports.telemetry.count('dev-1')).toBe(3)
    expect((await core.ports.devices.load('dev-1'))?.last['temp']?.value).toBe(2)
  })
})
