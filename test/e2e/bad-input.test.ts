import { Agent, request } from 'node:http'
import mqtt, { type MqttClient } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Folder, temporaryFolder } from '../cli/run-cli.ts'
import { type CloudProcess, killProcesses, runProcess, startProcess } from './cloud-process.ts'

const START = 1_600_000_000

interface Bad {
  readonly name: string
  /** `undefined`: an MQTT topic only. */
  readonly deviceId: string | undefined
  readonly topic: string
  readonly payload: Buffer
  readonly code: string
  /** What becomes of it once the config allows more. */
  readonly later: 'accepted' | 'dead_lettered'
}

function bad(
  name: string,
  deviceId: string,
  payload: string | Buffer,
  code: string,
  later: Bad['later'] = 'dead_lettered',
): Bad {
  const topic = `devices/${deviceId}/telemetry`
  return { name, deviceId, topic, payload: Buffer.from(payload), code, later }
}

const BAD: readonly Bad[] = [
  bad('malformed JSON', 'truck-1', '{"temp": 1', 'codec.malformed'),
  bad('nothing', 'truck-1', '', 'codec.malformed'),
  bad('bytes that are no text', 'truck-1', Buffer.from([0xff, 0xfe, 0x00]), 'codec.malformed'),
  bad('a text', 'truck-1', '"hot"', 'codec.wrong_type'),
  bad('null', 'truck-1', 'null', 'codec.wrong_type'),
  bad('a time that is none', 'truck-1', '{"ts": "soon", "temp": 1}', 'uplink.bad_time'),
  bad(
    'a time far in the future',
    'truck-1',
    `{"ts": ${Math.floor(Date.now() / 1_000) + 86_400}, "temp": 1}`,
    'uplink.future_time',
    'accepted',
  ),
  bad(
    'more than a body may have',
    'truck-1',
    `{"ts": ${START}, "text": "${'x'.repeat(140_000)}"}`,
    'uplink.too_large',
    'accepted',
  ),
  bad(
    'too many levels',
    'truck-1',
    `{"ts": ${START + 1}, "a": ${'{"a":'.repeat(40)}1${'}'.repeat(40)}}`,
    'uplink.too_deep',
    'accepted',
  ),
  bad(
    'a device of no type',
    'van-1',
    `{"ts": ${START}, "temp": 1}`,
    'uplink.bad_device_id',
    'accepted',
  ),
  bad('a device id that is none', 'truck ä', '{"temp": 1}', 'uplink.bad_device_id'),
]

const TOPICS: readonly Bad[] = ['factory/line-1', 'devices/truck-1', 'devices//telemetry', '/'].map(
  (topic) => ({
    name: `topic ${topic}`,
    deviceId: undefined,
    topic,
    payload: Buffer.from('{"temp": 1}'),
    code: topic === 'devices//telemetry' ? 'uplink.bad_device_id' : 'uplink.no_device',
    later: 'dead_lettered',
  }),
)

const STRICT = `
deviceTypes: {trucks: {devices: 'truck*'}}
`
const LOOSE = `
deviceTypes: {all: {devices: '*'}}
limits: {bodyBytes: 200000, bodyDepth: 64, future: 30d}
`

let folder: Folder
let cloud: CloudProcess
const data = (): string => `${folder.path}/data`

beforeAll(() => {
  folder = temporaryFolder()
  folder.write('strict.yml', STRICT)
  folder.write('loose.yml', LOOSE)
})

afterEach(killProcesses)
afterAll(() => folder.remove())

async function deadLetters(...args: string[]) {
  const { code, out } = await runProcess(
    'dead-letters',
    ...args,
    ...['--url', cloud.http, '--data', data(), '--json'],
  )
  const lines = out.split('\n').filter((line) => line !== '')
  return { code, lines: lines.map((line) => JSON.parse(line)) }
}

interface Letter {
  readonly id: string
  readonly code: string
  readonly topic: string
  readonly source: string
  readonly reason: string
  readonly payloadText?: string
  readonly payloadHex?: string
}

function bytesOf({ payloadText, payloadHex }: Letter): Buffer {
  return payloadText === undefined ? Buffer.from(payloadHex ?? '', 'hex') : Buffer.from(payloadText)
}

async function expectLetters(source: string, sent: readonly Bad[]): Promise<void> {
  const { lines } = await deadLetters('list', '--limit', '1000')
  const letters: Letter[] = lines[0].deadLetters
  const found = letters
    .filter((letter) => letter.source === source)
    .map((letter) => ({ code: letter.code, topic: letter.topic, bytes: bytesOf(letter) }))
    .reverse()
  expect(found).toEqual(
    sent.map(({ code, topic, payload }) => ({ code, topic, bytes: Buffer.from(payload) })),
  )
  for (const letter of letters) expect(letter.reason).toMatch(/^expected /)
}

async function storedOf(deviceId: string): Promise<number> {
  const answer = await fetch(`${cloud.http}/devices/${deviceId}/telemetry?limit=1`)
  return ((await answer.json()) as { count: number }).count
}

async function rejected(): Promise<number> {
  const stats = (await (await fetch(`${cloud.http}/stats`)).json()) as {
    counters: Record<string, number>
  }
  return stats.counters['uplink.rejected'] ?? 0
}

describe('bad input', () => {
  it('over MQTT is set aside, on a connection that stays up and serves the next message', async () => {
    cloud = await startProcess('--config', `${folder.path}/strict.yml`, '--data', data())
    const client: MqttClient = mqtt.connect(cloud.mqtt, { protocolVersion: 5, reconnectPeriod: 0 })
    let closed = 0
    client.on('close', () => closed++)
    await new Promise((resolve) => client.once('connect', resolve))
    const all = [...BAD, ...TOPICS]
    for (const [index, { topic, payload }] of all.entries()) {
      await client.publishAsync(topic, payload, { qos: 1 })
      const next = JSON.stringify({ ts: START + 100 + index, temp: index })
      await client.publishAsync('devices/truck-ok/telemetry', next, { qos: 1 })
      expect(await storedOf('truck-ok')).toBe(index + 1)
    }
    expect({ closed, connected: client.connected }).toEqual({ closed: 0, connected: true })
    expect(await rejected()).toBe(all.length)
    await expectLetters('mqtt', all)
    await client.endAsync()
    expect(await cloud.stop()).toMatchObject({ code: 0, err: '' })
  })

  it('over HTTP is set aside the same way, and answered with what was expected', async () => {
    cloud = await startProcess('--config', `${folder.path}/strict.yml`, '--data', data())
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const ports = new Set<number | undefined>()
    const post = (deviceId: string, payload: Buffer, announced = payload.length) =>
      new Promise<{ status: number; body: Record<string, unknown> }>((resolve, reject) => {
        const path = `/devices/${encodeURIComponent(deviceId)}/telemetry`
        const outgoing = request(
          `${cloud.http}${path}`,
          { method: 'POST', agent, headers: { 'content-length': announced } },
          (answer) => {
            ports.add(answer.socket.localPort)
            let text = ''
            answer.setEncoding('utf8').on('data', (part: string) => {
              text += part
            })
            answer.on('end', () =>
              resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text) }),
            )
          },
        )
        outgoing.on('error', reject)
        outgoing.write(payload)
        if (announced === payload.length) outgoing.end()
      })
    for (const [index, { deviceId, payload, code }] of BAD.entries()) {
      const { status, body } = await post(deviceId ?? '', payload)
      expect({ code, status }).toEqual({ code, status: code === 'uplink.too_large' ? 413 : 422 })
      expect(body).toMatchObject({ title: code, detail: expect.stringMatching(/^expected /) })
      const next = Buffer.from(JSON.stringify({ ts: START + 500 + index, temp: index }))
      expect((await post('truck-http', next)).status).toBe(202)
    }
    expect(await storedOf('truck-http')).toBe(BAD.length)
    // Of what is too large to be read the start is kept: the connection ends there, the server does not.
    const huge = await post('truck-1', Buffer.alloc(4_300_000, 'x'), 5_000_000)
    expect(huge.status).toBe(413)
    const { lines } = await deadLetters('show', String(huge.body['deadLetterId']))
    expect(lines[0]).toMatchObject({ code: 'uplink.too_large', payloadBytes: 5_000_000 })
    expect(lines[0].payloadText.length).toBeLessThan(5_000_000)
    await fetch(`${cloud.http}/dead-letters/${String(huge.body['deadLetterId'])}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${cloud.adminToken}` },
    })
    expect((await post('truck-http', Buffer.from(`{"ts": ${START + 900}}`))).status).toBe(202)
    expect(ports.size).toBeLessThanOrEqual(2)
    await expectLetters('http', BAD)
    agent.destroy()
    expect(await cloud.stop()).toMatchObject({ code: 0, err: '' })
  })

  it('is sent again once the config allows it; what is still bad stays', async () => {
    cloud = await startProcess('--config', `${folder.path}/loose.yml`, '--data', data())
    const all = [...BAD, ...BAD, ...TOPICS]
    const { code, lines } = await deadLetters('redrive', '--all')
    expect(code).toBe(1)
    expect(lines).toHaveLength(all.length)
    const stays = all.filter(({ later }) => later === 'dead_lettered')
    const left = (await deadLetters('list', '--limit', '1000')).lines[0]
    expect(left.total).toBe(stays.length)
    // Over MQTT and over HTTP the same messages came: with a time of their own they are stored once.
    expect(await storedOf('truck-1')).toBe(3)
    expect(await storedOf('van-1')).toBe(1)
    const again = await deadLetters('redrive', '--all')
    expect(again.code).toBe(1)
    expect(again.lines).toHaveLength(stays.length)
    expect(await storedOf('truck-1')).toBe(3)
    expect(await cloud.stop()).toMatchObject({ code: 0, err: '' })
  })
})
