import { connect, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt'
import { wait } from '../node/web-sender.ts'
import type { BridgeSettings } from './bridge-config.ts'
import { DEVICE_TOPICS, OWN, toBrought, toPublished } from './bridge-messages.ts'
import { createGcpClient } from './client.ts'
import { createCredentials, EMULATOR_CREDENTIALS } from './credentials.ts'
import { createPubSub } from './pubsub.ts'
import { createPuller, type Pulled } from './pull.ts'

/** A bridge that runs. */
export interface BrokerBridge {
  /** Whether every connection to the broker stands and has its subscriptions. */
  ready(): boolean
  /** Takes nothing new, ends what is on its way, or leaves it to whoever comes next. */
  stop(): Promise<void>
}

export interface BrokerBridgeOptions {
  readonly settings: BridgeSettings
  readonly log: (severity: 'INFO' | 'WARNING' | 'ERROR', message: string, details: object) => void
}

/** Waits between tries: doubled up to the end. Unit: ms. */
const FIRST_WAIT_MS = 250
const LAST_WAIT_MS = 15_000

/** How long `stop` waits for what is on its way. Cloud Run gives ten seconds. Unit: ms. */
const DRAIN_MS = 7_000

/** How long the broker keeps what comes while the bridge is away. Unit: s. */
const SESSION_S = 7 * 86_400

/** The broker keeps what is larger: Pub/Sub takes 10 MB, in base64. Unit: bytes. */
const MAX_PACKET = 7_000_000

/**
 * Brings what devices publish at a broker to the telemetry topic, and what comes on the commands topic to the broker. It
 * keeps nothing itself: a message is acknowledged where it came from once it is where it goes, so one may come twice, and
 * none is lost while the broker keeps sessions.
 *
 * Source: MQTT 5.0, 4.8.2: shared subscriptions.
 */
export function startBrokerBridge({ settings, log }: BrokerBridgeOptions): BrokerBridge {
  const { project, telemetryTopic, subscription, pubsubEmulator, credentialsFile } = settings
  const credentials =
    pubsubEmulator === undefined
      ? createCredentials({ file: credentialsFile, now: Date.now })
      : EMULATOR_CREDENTIALS
  let closed = false
  let stopping = false
  const client = createGcpClient({
    endpoints: pubsubEmulator === undefined ? {} : { pubsub: `http://${pubsubEmulator}` },
    async token() {
      // So that a pull that was cut off is not sent again.
      if (closed) throw new Error('the bridge has stopped')
      return credentials.token()
    },
    random: Math.random,
  })
  const pubsub = createPubSub(client, project)
  const puller = createPuller(client, project, subscription)

  /** Once it is in Pub/Sub, however long that takes; false where the bridge stops before. */
  async function publish(packet: IPublishPacket): Promise<boolean> {
    const { topic, payload, properties } = packet
    const message = toPublished({
      topic,
      payload: Buffer.from(payload),
      contentType: properties?.contentType,
      userProperties: properties?.userProperties,
    })
    if (message === undefined) {
      log('ERROR', 'a topic that Pub/Sub cannot take', { topic: topic.slice(0, 200) })
      return true
    }
    for (let waitMs = FIRST_WAIT_MS; !stopping; waitMs = Math.min(waitMs * 2, LAST_WAIT_MS)) {
      try {
        await pubsub.publish(telemetryTopic, [message])
        return true
      } catch (error) {
        log('WARNING', 'Pub/Sub did not take a message', { reason: reasonOf(error), waitMs })
      }
      await wait(waitMs)
    }
    return false
  }

  const ups = Array.from({ length: settings.connections }, (_, index) =>
    openUp({
      options: {
        ...optionsOf(settings),
        clientId: `${settings.id}-up-${index}`,
        clean: false,
        properties: {
          sessionExpiryInterval: SESSION_S,
          // More would wait here while another connection has nothing to do.
          receiveMaximum: 16,
          maximumPacketSize: MAX_PACKET,
        },
      },
      url: settings.brokerUrl,
      // Mosquitto 2.0 forgets shared subscriptions when it starts again, and loses what comes before they are made anew.
      filters:
        settings.connections === 1
          ? DEVICE_TOPICS
          : DEVICE_TOPICS.map((topic) => `$share/anyhub/${topic}`),
      take: publish,
      isStopping: () => stopping,
      log,
    }),
  )

  const down = connect(settings.brokerUrl, {
    ...optionsOf(settings),
    clientId: `${settings.id}-down`,
    clean: false,
    properties: { sessionExpiryInterval: SESSION_S },
  })
  watch(down, 'down', log)

  async function bring(message: Pulled): Promise<boolean> {
    const brought = toBrought(message)
    if (brought === undefined) {
      log('ERROR', 'a topic that no broker takes', { topic: message.attributes['topic'] ?? '' })
      return true
    }
    const { topic, payload, retain, userProperties } = brought
    try {
      await down.publishAsync(topic, payload, { qos: 1, retain, properties: { userProperties } })
      return true
    } catch (error) {
      log('WARNING', 'the broker did not take a message', { topic, reason: reasonOf(error) })
      return false
    }
  }

  /** Asked of the loop, so that a stop need not wait for a pull that finds nothing. */
  let bringing: Promise<unknown> = Promise.resolve()

  async function bringAll(messages: readonly Pulled[]): Promise<void> {
    const done = await Promise.all(messages.map(bring))
    await puller.acknowledge(messages.filter((_, index) => done[index]).map(({ ackId }) => ackId))
  }

  async function run(): Promise<void> {
    let waitMs = FIRST_WAIT_MS
    while (!stopping) {
      try {
        if (!down.connected) {
          await wait(FIRST_WAIT_MS)
          continue
        }
        const messages = await puller.pull()
        // Not acknowledged: Pub/Sub gives them to whoever comes next.
        if (stopping) return
        const brought = bringAll(messages)
        bringing = brought.catch(() => undefined)
        await brought
        waitMs = FIRST_WAIT_MS
      } catch (error) {
        if (stopping) return
        log('WARNING', 'the commands topic gives nothing', { reason: reasonOf(error), waitMs })
        await wait(waitMs)
        waitMs = Math.min(waitMs * 2, LAST_WAIT_MS)
      }
    }
  }
  run().catch((error: unknown) => log('ERROR', 'commands stand still', { reason: reasonOf(error) }))

  return {
    ready: () => !stopping && down.connected && ups.every((up) => up.ready()),

    async stop() {
      if (stopping) return
      stopping = true
      const drained = Promise.all([bringing, ...ups.map((up) => up.idle())])
      await Promise.race([drained, wait(DRAIN_MS)])
      await Promise.all([...ups.map((up) => up.close()), end(down)])
      closed = true
      client.close()
      credentials.close()
    },
  }
}

interface UpOptions {
  readonly url: string
  readonly options: IClientOptions
  readonly filters: readonly string[]
  /** False where the message is not to be acknowledged. */
  readonly take: (packet: IPublishPacket) => Promise<boolean>
  readonly isStopping: () => boolean
  readonly log: BrokerBridgeOptions['log']
}

/** One connection that takes messages, one after the other: mqtt.js reads no further until one is acknowledged. */
function openUp({ url, options, filters, take, isStopping, log }: UpOptions) {
  const client = connect(url, options)
  watch(client, options.clientId ?? '', log)
  let subscribed = false
  /** Packet ids are those of one connection. */
  let connection = 0
  let taking: Promise<unknown> = Promise.resolve()

  async function subscribe(): Promise<void> {
    const mine = connection
    for (let waitMs = FIRST_WAIT_MS; mine === connection && !isStopping(); waitMs *= 2) {
      try {
        await client.subscribeAsync([...filters], { qos: 1 })
        subscribed = true
        return
      } catch (error) {
        log('ERROR', 'the broker refuses the subscription', { reason: reasonOf(error) })
      }
      await wait(Math.min(waitMs, LAST_WAIT_MS))
    }
  }

  client.on('connect', () => {
    connection++
    subscribed = false
    void subscribe()
  })

  client.handleMessage = (packet, acknowledge) => {
    // What is not acknowledged, the broker keeps for the session.
    if (isStopping()) return
    if (packet.properties?.userProperties?.[OWN] !== undefined) return acknowledge()
    const mine = connection
    taking = take(packet).then((taken) => {
      if (taken && mine === connection) acknowledge()
    })
  }

  return {
    ready: () => client.connected && subscribed,
    idle: () => taking,
    close: () => end(client),
  }
}

function optionsOf({ username, password }: BridgeSettings): IClientOptions {
  return {
    protocolVersion: 5,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    reconnectPeriod: FIRST_WAIT_MS,
    reconnectOnConnackError: true,
    resubscribe: false,
  }
}

/** Says what becomes of a connection, and waits longer each time that it fails. */
function watch(client: MqttClient, name: string, log: BrokerBridgeOptions['log']): void {
  client.on('connect', () => {
    client.options.reconnectPeriod = FIRST_WAIT_MS
    log('INFO', 'connected to the broker', { connection: name })
  })
  client.on('error', (error) =>
    log('WARNING', 'the broker', { connection: name, reason: reasonOf(error) }),
  )
  client.on('close', () => {
    const before = client.options.reconnectPeriod ?? FIRST_WAIT_MS
    client.options.reconnectPeriod = Math.min(before * 2, LAST_WAIT_MS)
  })
}

/** What still waits for its PUBACK is not waited for: Pub/Sub has it. */
function end(client: MqttClient): Promise<void> {
  return client.endAsync(Object.keys(client.outgoing).length > 0 || !client.connected)
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error)
}
