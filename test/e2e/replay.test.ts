import { readFileSync } from 'node:fs'
import mqtt from 'mqtt'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type Folder, temporaryFolder } from '../cli/run-cli.ts'
import { readStoredData } from '../stored-data.ts'
import { describeWithShared, sharedData } from '../vectors.ts'
import { killProcesses, runProcess, startProcess } from './cloud-process.ts'
import { openWebhook, type Webhook } from './webhook.ts'

const FILE = 'data/iot-demo.jsonl'

/** One line of the recording, as whoever recorded it wrote it down. */
interface Recorded {
  readonly device_id: string
  readonly ts: number
  readonly device: string
  readonly data: Readonly<Record<string, number | boolean>>
}

describeWithShared('9,995 real messages of three devices', FILE, () => {
  const recording = sharedData('iot-demo.jsonl')
  const flags = ['--device', 'device_id', '--time', 'ts', '--json']
  let lines: Recorded[]
  let matches: Recorded[]
  let folder: Folder
  let webhook: Webhook

  beforeAll(async () => {
    lines = readFileSync(recording, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
    matches = lines.filter(({ data }) => typeof data['temp'] === 'number' && data['temp'] > 25)
    webhook = await openWebhook()
    folder = temporaryFolder()
    folder.write(
      'anyhub.yml',
      `
rules:
  hot:
    sql: SELECT data.temp AS temp, device FROM 'devices/+/telemetry' WHERE data.temp > 25
    actions:
      - notify: {channels: [hook], text: '\${data.temp} °C'}
channels:
  hook: {type: webhook, url: '${webhook.url}', allowPrivate: true}
`,
    )
  })

  afterEach(async () => {
    await killProcesses()
    webhook.clear()
  })

  afterAll(async () => {
    await webhook.close()
    folder.remove()
  })

  async function replayTo(target: string, ...more: string[]) {
    const { code, out, err } = await runProcess(
      'replay',
      recording,
      ...flags,
      ...target_(target),
      ...more,
    )
    return { code, err, json: JSON.parse(out) }
  }
  const target_ = (target: string): string[] => (target === '' ? [] : ['--to', target])

  it.each(['mqtt', 'http'] as const)(
    'over %s are stored once, match as they should, and are known again',
    async (way) => {
      const data = `${folder.path}/${way}`
      const cloud = await startProcess('--config', `${folder.path}/anyhub.yml`, '--data', data)
      const first = await replayTo(cloud[way])
      expect(first.err).toBe('')
      expect(first.json).toMatchObject({
        messages: 9_995,
        stored: 9_995,
        duplicates: 0,
        deadLetters: 0,
        matched: { hot: matches.length },
        alarms: 0,
        notifications: matches.length,
        faulty: 0,
      })
      expect(first.code).toBe(0)
      expect(matches.length).toBe(1_116)

      for (const [deviceId, last] of lastOfEach(lines)) {
        const shadow = await (await fetch(`${cloud.http}/devices/${deviceId}/shadow`)).json()
        expect(shadow).toMatchObject({ state: { reported: last } })
      }
      await expect.poll(() => webhook.received.size, { timeout: 15_000 }).toBe(matches.length)

      const second = await replayTo(cloud[way])
      expect(second.json).toMatchObject({
        messages: 9_995,
        stored: 0,
        duplicates: 9_995,
        matched: { hot: 0 },
        notifications: 0,
      })
      const ended = await cloud.stop()
      expect(ended).toMatchObject({ code: 0, err: '' })

      const stored = await readStoredData(data)
      expect(stored.rows).toHaveLength(9_995)
      expect(stored.notifications).toHaveLength(matches.length)
      expect(stored.deadLetters).toEqual([])
      expect([...webhook.received.values()].every((times) => times === 1)).toBe(true)
      expect(stored.rows.map(({ deviceId, at }) => `${deviceId}/${at}`).sort()).toEqual(
        lines.map(({ device_id, ts }) => `${device_id}/${Math.round(ts * 1_000)}`).sort(),
      )
    },
  )

  it('are all taken from a client that sends them in one go', async () => {
    const data = `${folder.path}/burst`
    const cloud = await startProcess('--config', `${folder.path}/anyhub.yml`, '--data', data)
    const client = mqtt.connect(cloud.mqtt, { protocolVersion: 5, reconnectPeriod: 0 })
    let closed = 0
    client.on('close', () => closed++)
    await new Promise((resolve) => client.once('connect', resolve))
    await Promise.all(
      lines.map((line) => {
        const topic = `devices/${line.device_id}/telemetry`
        return client.publishAsync(topic, JSON.stringify(line), { qos: 1 })
      }),
    )
    expect(closed).toBe(0)
    await client.endAsync()
    expect(await cloud.stop()).toMatchObject({ code: 0, err: '' })
    const stored = await readStoredData(data)
    expect(stored.rows).toHaveLength(9_995)
    expect(stored.notifications).toHaveLength(matches.length)
  })

  it('in-process give the same, twice in the same folder', async () => {
    const config = ['--config', `${folder.path}/anyhub.yml`, '--data', `${folder.path}/kept`]
    const first = await replayTo('', ...config)
    expect(first.json).toMatchObject({
      messages: 9_995,
      stored: 9_995,
      matched: { hot: matches.length },
      notifications: matches.length,
    })
    const second = await replayTo('', ...config)
    expect(second.json).toMatchObject({ stored: 0, duplicates: 9_995, matched: { hot: 0 } })
    expect([first.code, second.code]).toEqual([0, 0])
    expect(webhook.received.size).toBe(0)
    const stored = await readStoredData(`${folder.path}/kept`)
    expect(stored.rows).toHaveLength(9_995)
    for (const [deviceId, last] of lastOfEach(lines))
      expect(stored.devices[deviceId]).toMatchObject({ reported: last })
  })
})

/** The newest values of each device, named as the cloud names nested values. */
function lastOfEach(lines: readonly Recorded[]): Map<string, Record<string, unknown>> {
  const newest = new Map<string, Recorded>()
  for (const line of lines) {
    const before = newest.get(line.device_id)
    if (before === undefined || line.ts >= before.ts) newest.set(line.device_id, line)
  }
  const last = new Map<string, Record<string, unknown>>()
  for (const [deviceId, { device, data }] of newest) {
    const values = Object.entries(data).map(([name, value]) => [`data.${name}`, value])
    last.set(deviceId, { device, device_id: deviceId, ...Object.fromEntries(values) })
  }
  return last
}
