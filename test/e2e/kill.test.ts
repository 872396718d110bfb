import mqtt from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Folder, jsonl, temporaryFolder } from '../cli/run-cli.ts'
import { readStoredData, type StoredData } from '../stored-data.ts'
import { killProcesses, runProcess, startProcess } from './cloud-process.ts'
import { openWebhook, type Webhook } from './webhook.ts'

const DEVICES = 4
const MESSAGES = 2_400
const START = 1_600_000_000_000

interface Message {
  readonly id: string
  readonly ts: number
  readonly temp: number
  readonly text: string
}

/** Makes commits long enough that a kill, sent with the acknowledgement, would find one that is not finished. */
const TEXT = 'x'.repeat(3_000)

/** Temperatures rise and fall, each device a little later than the one before it. */
const messages = Array.from({ length: MESSAGES }, (_, index): Message => {
  const device = index % DEVICES
  const turn = Math.floor(index / DEVICES)
  const temp = Math.round(200 + 100 * Math.sin((turn + device * 7) / 11)) / 10
  return { id: `dev:${device}`, ts: START + index * 1_000, temp, text: TEXT }
})

const matches = messages.filter(({ temp }) => temp > 27)

let folder: Folder
let webhook: Webhook
let undisturbed: StoredData

beforeAll(async () => {
  webhook = await openWebhook()
  folder = temporaryFolder()
  folder.write('a.jsonl', jsonl(messages))
  folder.write(
    'anyhub.yml',
    `
rules:
  hot:
    sql: SELECT temp FROM 'devices/+/telemetry' WHERE temp > 27
    actions:
      - notify: {channels: [hook], text: '\${temp} °C'}
      - republish: {topic: 'hot/\${topic(2)}'}
  cool:
    sql: SELECT 5 AS fan FROM 'devices/+/telemetry' WHERE temp > 29
    actions: [{setDesired: {}}]
alarms:
  too-warm: {when: temp > 28, clear: temp < 22, notify: [hook]}
channels:
  hook: {type: webhook, url: '${webhook.url}', allowPrivate: true}
`,
  )
  const cloud = await start('undisturbed')
  const { notifications } = await replay(cloud.mqtt)
  await vi.waitUntil(() => webhook.received.size === notifications, { timeout: 15_000 })
  expect(await cloud.stop()).toMatchObject({ code: 0, err: '' })
  undisturbed = await readStoredData(`${folder.path}/undisturbed`)
}, 60_000)

afterEach(() => {
  webhook.clear()
  return killProcesses()
})

afterAll(async () => {
  await killProcesses()
  await webhook.close()
  folder.remove()
})

function start(data: string) {
  return startProcess('--config', `${folder.path}/anyhub.yml`, '--data', `${folder.path}/${data}`)
}

async function replay(url: string) {
  const flags = ['--device', 'id', '--time', 'ts', '--time-unit', 'ms', '--json', '--to', url]
  const { code, out, err } = await runProcess('replay', `${folder.path}/a.jsonl`, ...flags)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  return JSON.parse(out)
}

/** Publishes at QoS 1 as fast as it goes, until `onAck` says that it is enough; ends with the connection. */
async function publishUntil(url: string, onAck: (acked: number) => 'go on' | 'enough') {
  const client = mqtt.connect(url, { protocolVersion: 5, reconnectPeriod: 0 })
  await new Promise((resolve) => client.once('connect', resolve))
  const acked = new Set<Message>()
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
  client.on('error', () => undefined)
  let inFlight = 0
  let resume = (): void => undefined
  let open = true
  void closed.then(() => {
    open = false
    resume()
  })
  for (const message of messages) {
    if (!open) break
    client.publish(
      `devices/${message.id}/telemetry`,
      JSON.stringify(message),
      { qos: 1 },
      (error) => {
        inFlight--
        resume()
        if (error) return
        acked.add(message)
        if (onAck(acked.size) === 'enough') open = false
      },
    )
    if (++inFlight >= 400) {
      await new Promise<void>((resolve) => {
        resume = resolve
      })
    }
  }
  await closed
  client.end(true)
  return acked
}

describe('a cloud that is killed while messages come in', () => {
  it('has something to lose', () => {
    expect(undisturbed.rows).toHaveLength(MESSAGES)
    const hot = undisturbed.notifications.filter((key) => key.includes('/hot/'))
    const alarms = undisturbed.notifications.filter((key) => key.includes('/alarm/'))
    expect(hot).toHaveLength(matches.length)
    expect(matches.length).toBeGreaterThan(300)
    expect(alarms.length).toBeGreaterThan(20)
    expect(undisturbed.deadLetters).toEqual([])
  })

  it.each([150, 1_000, 2_000])(
    'after %i acknowledgements loses none of them, and doubles nothing when all is sent again',
    async (kills) => {
      const data = `killed-${kills}`
      const first = await start(data)
      let ended: Promise<unknown> | undefined
      const acked = await publishUntil(first.mqtt, (size) => {
        if (size < kills) return 'go on'
        ended ??= first.kill()
        return 'enough'
      })
      expect(await ended).toMatchObject({ signal: 'SIGKILL' })
      expect(acked.size).toBeGreaterThanOrEqual(kills)
      expect(acked.size).toBeLessThan(MESSAGES)

      const second = await start(data)
      for (let device = 0; device < DEVICES; device++) {
        const id = `dev:${device}`
        const answer = await fetch(`${second.http}/devices/${id}/telemetry?limit=10000&order=asc`)
        const { rows } = (await answer.json()) as { rows: { at: number }[] }
        const stored = new Set(rows.map(({ at }) => at))
        expect(stored.size).toBe(rows.length)
        const lost = [...acked].filter((message) => message.id === id && !stored.has(message.ts))
        expect(lost).toEqual([])
      }

      const { stored, duplicates } = await replay(second.mqtt)
      expect(stored + duplicates).toBe(MESSAGES)
      expect(duplicates).toBeGreaterThanOrEqual(acked.size)
      expect(stored).toBeGreaterThan(0)
      await expect
        .poll(() => webhook.received.size, { timeout: 15_000 })
        .toBe(undisturbed.notifications.length)
      const again = await replay(second.mqtt)
      expect(again).toMatchObject({ stored: 0, duplicates: MESSAGES, notifications: 0, alarms: 0 })
      expect(again.matched).toEqual({ hot: 0, cool: 0 })
      expect(await second.stop()).toMatchObject({ code: 0 })
      expect(await readStoredData(`${folder.path}/${data}`)).toEqual(undisturbed)
      expect(webhook.received.size).toBe(undisturbed.notifications.length)
    },
    60_000,
  )
})
