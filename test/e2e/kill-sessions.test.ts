import { connect, connectAsync, type IClientOptions } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Folder, temporaryFolder } from '../cli/run-cli.ts'
import { killProcesses, startProcess } from './cloud-process.ts'

const DURABLE: IClientOptions = { clientId: 'sub', clean: false, reconnectPeriod: 0 }

let folder: Folder

beforeAll(() => {
  folder = temporaryFolder()
})

afterEach(() => killProcesses())

afterAll(() => folder.remove())

/** Publishes until one message after the acknowledgement of which the process is killed; gives the acknowledged ones. */
async function publishAndKill(
  cloud: Awaited<ReturnType<typeof startProcess>>,
  count: number,
  topicOf: (n: number) => string,
): Promise<number[]> {
  const publisher = await connectAsync(cloud.mqtt, { clientId: 'pub', reconnectPeriod: 0 })
  publisher.on('error', () => undefined)
  const acked: number[] = []
  let ended: Promise<unknown> | undefined
  for (let n = 1; n <= count * 2; n++) {
    publisher.publish(topicOf(n), `{"n":${n}}`, { qos: 1 }, (error) => {
      if (error) return
      acked.push(n)
      if (acked.length >= count) ended ??= cloud.kill()
    })
  }
  await expect.poll(() => ended, { timeout: 20_000 }).toBeDefined()
  expect(await ended).toMatchObject({ signal: 'SIGKILL' })
  publisher.end(true)
  return acked
}

describe('a cloud that is killed right after an acknowledgement', () => {
  it.each([1, 7, 100])(
    'has what waits for an offline session, after %i messages',
    async (count) => {
      const data = `${folder.path}/offline-${count}`
      const first = await startProcess('--data', data)
      const sub = await connectAsync(first.mqtt, DURABLE)
      await sub.subscribeAsync('devices/pub/telemetry/#', { qos: 1 })
      await sub.endAsync()
      const acked = await publishAndKill(first, count, (n) => `devices/pub/telemetry/${n}`)

      const second = await startProcess('--data', data)
      const heard = new Set<number>()
      const again = connect(second.mqtt, { ...DURABLE, manualConnect: true })
      again.on('message', (_topic, payload) => void heard.add(JSON.parse(payload.toString()).n))
      again.connect()
      await expect.poll(() => acked.filter((n) => !heard.has(n)), { timeout: 5_000 }).toEqual([])
      await again.endAsync()
      expect(await second.stop()).toMatchObject({ code: 0 })
    },
    40_000,
  )

  it('has a subscription that was acknowledged, and a retained message', async () => {
    const data = `${folder.path}/subscribed`
    const first = await startProcess('--data', data)
    const pub = await connectAsync(first.mqtt, { clientId: 'pub', reconnectPeriod: 0 })
    pub.on('error', () => undefined)
    await pub.publishAsync('devices/pub/telemetry', '{"n":0}', { qos: 1 })
    const sub = await connectAsync(first.mqtt, DURABLE)
    sub.on('error', () => undefined)
    await Promise.all([
      sub.subscribeAsync('devices/pub/#', { qos: 1 }),
      pub.publishAsync('devices/pub/telemetry/kept', '{"n":1}', { qos: 1, retain: true }),
    ])
    await first.kill()
    sub.end(true)
    pub.end(true)

    const second = await startProcess('--data', data)
    const next = await connectAsync(second.mqtt, { clientId: 'pub' })
    await next.publishAsync('devices/pub/telemetry', '{"n":2}', { qos: 1 })
    const heard: string[] = []
    const again = connect(second.mqtt, { ...DURABLE, manualConnect: true })
    again.on('message', (topic, payload) => void heard.push(`${topic} ${payload.toString()}`))
    again.connect()
    await expect.poll(() => heard).toContain('devices/pub/telemetry {"n":2}')
    const late: string[] = []
    next.on('message', (topic, _payload, { retain }) => void late.push(`${topic} ${retain}`))
    await next.subscribeAsync('devices/pub/telemetry/kept')
    await expect.poll(() => late).toEqual(['devices/pub/telemetry/kept true'])
    await Promise.all([again.endAsync(), next.endAsync()])
    expect(await second.stop()).toMatchObject({ code: 0 })
  }, 40_000)
})
