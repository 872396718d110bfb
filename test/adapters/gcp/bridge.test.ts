import { readFileSync } from 'node:fs'
import { createServer, connect as dial, type Server, type Socket } from 'node:net'
import { connectAsync, type IPublishPacket, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BridgeSettings, readBridgeConfig } from '../../../adapters/gcp/bridge-config.ts'
import { toBrought, toPublished } from '../../../adapters/gcp/bridge-messages.ts'
import { type BrokerBridge, startBrokerBridge } from '../../../adapters/gcp/broker-bridge.ts'
import { toMessage } from '../../../adapters/gcp/downlink.ts'
import { toArrival, toUplinks } from '../../../adapters/gcp/trigger.ts'
import { describeWithEmulators, type Emulator, startPubSub } from './emulators.ts'
import { freshProject, openProject, type Project } from './fresh-project.ts'
import { createMosquitto, type Mosquitto, mosquittoPresent } from './mosquitto.ts'

describe('settings of the bridge', () => {
  const env = {
    GOOGLE_CLOUD_PROJECT: 'p',
    ANYHUB_TELEMETRY_TOPIC: 't',
    ANYHUB_BRIDGE_SUBSCRIPTION: 's',
    ANYHUB_BROKER_URL: 'mqtt://localhost',
  }

  it('have names of their own where they need not be said', () => {
    expect(readBridgeConfig(env)).toMatchObject({ id: 'anyhub-bridge', connections: 1 })
  })

  it('name all that is missing', () => {
    expect(() =>
      readBridgeConfig({ ...env, ANYHUB_BROKER_URL: '', GOOGLE_CLOUD_PROJECT: '' }),
    ).toThrow(/GOOGLE_CLOUD_PROJECT, ANYHUB_BROKER_URL$/)
  })

  it.each(['0', '65', '1.5', 'x'])('are refused with %s connections', (connections) => {
    expect(() => readBridgeConfig({ ...env, ANYHUB_BRIDGE_CONNECTIONS: connections })).toThrow(
      /from 1 to 64/,
    )
  })
})

describe('a message of a broker', () => {
  const payload = Buffer.from('1')
  const publishedAs = (topic: string, userProperties = {}) =>
    toPublished({ topic, payload, userProperties })?.attributes

  it('keeps what its device says, unless the broker knows better or Pub/Sub takes no such attribute', () => {
    const userProperties = {
      site: 'a',
      many: ['b', 'c'],
      sentAt: '7',
      topic: 'devices/other/telemetry',
      deviceId: 'other',
      batch: '1',
      publishId: 'x',
      googclient: 'x',
      long: 'x'.repeat(1_025),
      '': 'x',
    }
    expect(publishedAs('devices/d/telemetry', userProperties)).toEqual({
      topic: 'devices/d/telemetry',
      deviceId: 'd',
      site: 'a',
      many: 'c',
      sentAt: '7',
    })
    expect(publishedAs('/devices/d/events', { sentAt: 'now' })).toEqual({
      topic: '/devices/d/events',
      deviceId: 'd',
    })
  })

  it('has at most 100 attributes, and a topic that fits one', () => {
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`p${index}`, '']))
    expect(Object.keys(publishedAs('devices/d/state', many) ?? {})).toHaveLength(100)
    expect(publishedAs(`devices/d/${'x'.repeat(1_024)}`)).toBeUndefined()
  })
})

describe('a message for a broker', () => {
  const brought = (attributes: Readonly<Record<string, string>>) =>
    toBrought({ ackId: '', data: Buffer.from('1'), attributes })

  it.each(['', 'a/+', '#', 'a\0', '$SYS/x'])('is none with the topic %j', (topic) => {
    expect(brought({ topic })).toBeUndefined()
  })

  it.each(['{broken', '7', 'null', '{"a":1}'])(
    'has no properties where they are %s',
    (properties) => {
      expect(brought({ topic: 'a', key: 'k', properties })?.userProperties).toEqual({
        'anyhub-bridge': 'k',
      })
    },
  )
})

it.each(['mosquitto.conf', 'acl'])('docs/gcp.md shows the %s that is tested', (name) => {
  const root = new URL('../../../', import.meta.url)
  const file = readFileSync(new URL(`deploy/gcp/bridge/${name}`, root), 'utf8')
  const docs = readFileSync(new URL('docs/gcp.md', root), 'utf8')
  expect(docs.includes(`\`\`\`text\n${file}\`\`\`\n`)).toBe(true)
})

const skipped = !mosquittoPresent && process.env['CI'] !== 'true'

describe.skipIf(skipped)(
  skipped ? 'bridge (skipped: mosquitto is not installed)' : 'bridge',
  () => {
    describeWithEmulators('between Mosquitto and Pub/Sub', () => {
      let emulator: Emulator
      let door: Door
      let project: Project
      let broker: Mosquitto
      let bridge: BrokerBridge
      let device: MqttClient
      let settings: BridgeSettings
      const arrived: {
        readonly topic: string
        readonly text: string
        readonly packet: IPublishPacket
      }[] = []
      const received: { data: Buffer; attributes: Readonly<Record<string, string>> }[] = []

      const texts = () => new Set(received.map(({ data }) => data.toString()))

      async function untilReceived(wanted: readonly string[]): Promise<void> {
        await until(async () => {
          received.push(...(await project.pull('telemetry')))
          return wanted.every((text) => texts().has(text))
        })
      }

      beforeAll(async () => {
        emulator = await startPubSub()
        door = await openDoor(Number(emulator.host.split(':')[1]))
        project = openProject({ pubsub: emulator, project: freshProject() })
        await project.createTopic('telemetry')
        await project.createTopic('commands')
        broker = await createMosquitto({
          bridge: 'secret-b',
          'dev-1': 'secret-1',
          'dev-2': 'secret-2',
        })
        await broker.start()
        settings = readBridgeConfig({
          GOOGLE_CLOUD_PROJECT: project.project,
          ANYHUB_TELEMETRY_TOPIC: 'telemetry',
          ANYHUB_BRIDGE_SUBSCRIPTION: 'commands',
          ANYHUB_BROKER_URL: broker.url,
          ANYHUB_BROKER_USERNAME: 'bridge',
          ANYHUB_BROKER_PASSWORD: 'secret-b',
          PUBSUB_EMULATOR_HOST: door.host,
        })
        bridge = startBrokerBridge({ settings, log: () => undefined })
        await until(async () => bridge.ready())
        device = await connectAsync(broker.url, {
          protocolVersion: 5,
          clientId: 'dev-1',
          username: 'dev-1',
          password: 'secret-1',
          clean: false,
          properties: { sessionExpiryInterval: 3_600 },
          reconnectPeriod: 200,
        })
        device.on('message', (topic, payload, packet) =>
          arrived.push({ topic, text: payload.toString(), packet }),
        )
        await device.subscribeAsync('devices/dev-1/#', { qos: 1 })
      }, 120_000)

      afterAll(async () => {
        await device?.endAsync(true)
        await bridge?.stop()
        await broker?.stop()
        broker?.remove()
        await project?.close()
        await door?.close()
        await emulator?.stop()
      })

      const say = (text: string, topic = 'devices/dev-1/telemetry') =>
        device.publishAsync(topic, text, { qos: 1 })

      const command = (text: string, retain = false, to = 'devices/dev-1/executions/c/complete') =>
        project.pubsub.publish('commands', [
          toMessage({ to, data: text, qos: 1, retain, key: 'k', properties: { a: 'b' } }),
        ])

      const got = (text: string) =>
        arrived.find((one) => one.text === text && one.packet.retain === false)

      it('brings what a device publishes, as ingest reads it', async () => {
        await device.publishAsync('devices/dev-1/telemetry/engine', 'up-1', {
          qos: 1,
          properties: { contentType: 'text/plain', userProperties: { site: 'a' } },
        })
        await untilReceived(['up-1'])
        const found = received.find(({ data }) => data.toString() === 'up-1')
        expect(found?.attributes).toEqual({
          topic: 'devices/dev-1/telemetry/engine',
          deviceId: 'dev-1',
          contentType: 'text/plain',
          site: 'a',
        })
        const [uplink] = toUplinks(
          toArrival({
            message: {
              messageId: '1',
              publishTime: new Date().toISOString(),
              data: found?.data.toString('base64'),
              attributes: found?.attributes,
            },
          }),
          Date.now(),
        )
        expect(uplink).toMatchObject({
          deviceId: 'dev-1',
          topic: 'devices/dev-1/telemetry/engine',
          contentType: 'text/plain',
          facts: { userProperties: { site: ['a'] } },
        })
      }, 30_000)

      it('brings what is for a device, marked, and does not take it for the device’s', async () => {
        await command('down-1')
        await until(async () => got('down-1') !== undefined)
        expect(got('down-1')?.packet).toMatchObject({
          topic: 'devices/dev-1/executions/c/complete',
          qos: 1,
          properties: { userProperties: { a: 'b', 'anyhub-bridge': 'k' } },
        })
        // Each connection has had its turn by then.
        const after = Array.from({ length: 8 }, (_, index) => `after-${index}`)
        for (const text of after) await say(text)
        await untilReceived(after)
        expect(texts()).not.toContain('down-1')
      }, 30_000)

      it('keeps what is to be retained at the broker, and lets no device speak for another', async () => {
        await command('kept', true, 'devices/dev-2/shadow/update/delta')
        await device.publishAsync('devices/dev-2/telemetry', 'foreign', { qos: 1 }).catch(() => 0)
        const other = await connectAsync(broker.url, { username: 'dev-2', password: 'secret-2' })
        const found: string[] = []
        other.on('message', (_topic, payload) => found.push(payload.toString()))
        await until(async () => {
          await other.subscribeAsync('devices/dev-2/#', { qos: 1 })
          return found.includes('kept')
        })
        await other.endAsync()
        await say('own')
        await untilReceived(['own'])
        expect(texts()).not.toContain('foreign')
      }, 30_000)

      it('loses nothing while Pub/Sub is away', async () => {
        const wanted = Array.from({ length: 20 }, (_, index) => `away-${index}`)
        door.shut()
        for (const text of wanted) await say(text)
        received.push(...(await project.pull('telemetry')))
        expect(wanted.filter((text) => texts().has(text))).toEqual([])
        await command('while-away')
        door.open()
        await untilReceived(wanted)
        await until(async () => got('while-away') !== undefined)
      }, 60_000)

      it('loses nothing when the broker starts again', async () => {
        const wanted = Array.from({ length: 30 }, (_, index) => `restart-${index}`)
        const said = Promise.all(wanted.map((text) => say(text)))
        await broker.stop()
        await command('while-down')
        await broker.start()
        await said
        await untilReceived(wanted)
        await until(async () => got('while-down') !== undefined)
        await until(async () => bridge.ready())
      }, 60_000)

      it('loses nothing when it is itself started again', async () => {
        const wanted = Array.from({ length: 30 }, (_, index) => `stop-${index}`)
        const said = Promise.all(wanted.map((text) => say(text)))
        await bridge.stop()
        expect(bridge.ready()).toBe(false)
        await said
        await command('while-stopped')
        bridge = startBrokerBridge({ settings, log: () => undefined })
        await untilReceived(wanted)
        await until(async () => got('while-stopped') !== undefined)
      }, 60_000)

      it('shares a subscription among several connections', async () => {
        await bridge.stop()
        const shared = { ...settings, id: 'shared', connections: 3 }
        bridge = startBrokerBridge({ settings: shared, log: () => undefined })
        await until(async () => bridge.ready())
        const wanted = Array.from({ length: 20 }, (_, index) => `shared-${index}`)
        for (const text of wanted) await say(text)
        await untilReceived(wanted)
        expect(received.filter(({ data }) => data.toString().startsWith('shared-'))).toHaveLength(
          20,
        )
      }, 60_000)
    })
  },
)

/** A way to the emulator that can be shut. */
interface Door {
  readonly host: string
  shut(): void
  open(): void
  close(): Promise<void>
}

async function openDoor(port: number): Promise<Door> {
  const sockets = new Set<Socket>()
  let isOpen = true
  const server: Server = createServer((inner) => {
    if (!isOpen) return inner.destroy()
    const outer = dial(port, '127.0.0.1')
    for (const [one, other] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(one)
      one.on('error', () => undefined)
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
    return undefined
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const own = typeof address === 'object' && address !== null ? address.port : 0
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    host: `127.0.0.1:${own}`,
    shut() {
      isOpen = false
      cut()
    },
    open() {
      isOpen = true
    },
    async close() {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function until(done: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 50_000
  while (!(await done())) {
    if (Date.now() > deadline) throw new Error('it did not come')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
