import { randomUUID } from 'node:crypto'
import {
  type Core,
  CoreError,
  type Json,
  type Outcome,
  type ProgramNetwork,
  type Uplink,
  type UplinkFacts,
} from '../../core/index.ts'
import type { Dialect, EndReason, Meaning } from './dialects/dialect.ts'
import { DIALECTS, readAnyTopic } from './dialects/list.ts'
import { STATS_ANSWER_TOPIC } from './dialects/native.ts'
import type {
  MqttClientInfo,
  MqttHooks,
  MqttMessageProperties,
  MqttPublish,
  MqttPublishVerdict,
} from './listeners/mqtt/index.ts'
import type { MqttAdmission } from './mqtt-admission.ts'
import type { MqttCommands } from './mqtt-commands.ts'
import { createPresence, type DeviceConnections } from './presence.ts'
import type { ShadowDesk } from './shadow-desk.ts'
import type { UplinkBatcher } from './uplink-batcher.ts'

/** The user property by which an MQTT 5 client gives the event time of a message that does not carry it. Epoch ms. */
export const TIME_PROPERTY = 'time'
/** The user property by which an MQTT 5 client gives a message an id. */
export const MESSAGE_ID_PROPERTY = 'message-id'

export interface MqttFrontOptions {
  readonly core: Core
  readonly batcher: UplinkBatcher
  /** Sends an answer to the client that asked and to whoever else subscribed to its topic. */
  readonly publish: (topic: string, payload: string) => void
  /** The counters of this process, for whoever asks. */
  readonly stats: () => Json
  readonly admission: MqttAdmission
  readonly connections: DeviceConnections
  readonly desk: ShadowDesk
  readonly commands: MqttCommands
  readonly log: MqttHooks['log']
}

const ROUTED: MqttPublishVerdict = { accept: true, route: true }
const TAKEN: MqttPublishVerdict = { accept: true, route: false }

/** What the MQTT listener asks: topics to inputs, outcomes to acknowledgements. */
export function createMqttFront({
  core,
  batcher,
  publish,
  stats,
  admission,
  connections,
  desk,
  commands,
  log,
}: MqttFrontOptions): MqttHooks {
  const presence = createPresence(core, connections, admission.isDevice)
  /** Clients whose connection has ended: what still comes of them is their will. */
  const gone = new WeakSet<MqttClientInfo>()
  const sessionIds = new WeakMap<MqttClientInfo, string>()
  let lastEvent = 0

  /** MQTT 3 has no word for it, so that its clients lose the connection, as at AWS IoT. */
  function refuse(
    client: MqttClientInfo,
    what: 'publish' | 'subscribe',
    why = 'not its own topic',
  ): Extract<MqttPublishVerdict, { accept: false }> {
    core.ports.observer.count('mqtt.refused', 1, { what })
    log?.({
      event: 'message.dropped',
      clientId: client.clientId,
      reason: `${what}: ${why}`,
    })
    return { accept: false, reason: 'not_authorized', disconnect: client.protocolVersion !== 5 }
  }

  function ingest(
    message: MqttPublish,
    client: MqttClientInfo,
    meaning: Meaning,
  ): Promise<MqttPublishVerdict> {
    const now = core.ports.clock.now()
    return batcher.addAs(
      toUplink(message, client, meaning, deviceOf(client, meaning), now),
      // Basic ingest goes past the broker.
      meaning.kind === 'own' && meaning.ruleId !== undefined
        ? toTaken
        : message.dup
          ? toVerdictOfRepeated
          : toVerdict,
    )
  }

  /**
   * A message of a network, which speaks for many devices. One that may not speak for them loses no connection: a bridge
   * carries those of others as well. `undefined`: the network does not know it.
   */
  async function takeOfNetwork(
    message: MqttPublish,
    client: MqttClientInfo,
    network: ProgramNetwork,
  ): Promise<MqttPublishVerdict | undefined> {
    const { topic, payload: body, packetId, dup, properties } = message
    const receivedAt = core.ports.clock.now()
    const delivery = {
      contentType: properties?.contentType ?? '',
      facts: factsOf(client, properties),
      redelivered: dup,
      ...(packetId === undefined ? {} : { deliveryId: `${client.clientId}:${packetId}` }),
      maySpeakFor: (deviceId: string) => admission.maySpeakFor(client, deviceId),
    }
    const given = { topic, body, receivedAt }
    const report = await core.networks.take(network, given, delivery, batcher.add)
    if (report.foreign) return undefined
    if (report.refused)
      return { ...refuse(client, 'publish', 'not a device that it speaks for'), disconnect: false }
    const { outcomes } = report
    const failed = outcomes.find((outcome) => outcome.status === 'retry')
    if (failed?.status === 'retry') throw failed.error
    const isBad = outcomes.length > 0 && outcomes.every((one) => one.status === 'dead_lettered')
    return isBad ? TAKEN : ROUTED
  }

  /** Whose message it is. A client without a name of its own in the topic counts if it is a device. */
  function deviceOf(client: MqttClientInfo, meaning: Meaning): string | undefined {
    if ('deviceId' in meaning) return meaning.deviceId
    if (meaning.kind !== 'own') return undefined
    return admission.isDevice(client) || presence.shows(client) ? client.clientId : undefined
  }

  function publishPlainly(
    message: MqttPublish,
    client: MqttClientInfo,
    dialect: Dialect,
    meaning: Meaning,
  ): MqttPublishVerdict | Promise<MqttPublishVerdict> {
    if (!admission.mayPublish(client, message.topic, meaning)) return refuse(client, 'publish')
    if (message.qos === 2 && !dialect.takesQos2(message.topic))
      return { ...refuse(client, 'publish', 'QoS 2'), disconnect: true }
    if (meaning.kind === 'stats') {
      publish(STATS_ANSWER_TOPIC, JSON.stringify(stats()))
      return TAKEN
    }
    if (meaning.kind === 'settlement' || meaning.kind === 'method_answer') {
      commands.heard(meaning, message, client)
      return TAKEN
    }
    if (meaning.kind === 'shadow' && gone.has(client) && !dialect.takesShadowWills) return TAKEN
    if (removesRetained(message) && tells(meaning) && deviceOf(client, meaning) !== undefined)
      return ROUTED
    const verdict =
      meaning.kind === 'shadow'
        ? desk
            .run({ ...meaning, body: message.payload, by: nameOf(client, meaning) }, dialect)
            .then(
              () => TAKEN,
              (error) => {
                if (!isBadDeviceId(error)) throw error
                return ingest(message, client, meaning)
              },
            )
        : ingest(message, client, meaning)
    const speaksForItself = deviceOf(client, meaning) === client.clientId
    return speaksForItself && !presence.shows(client)
      ? verdict.finally(() => presence.spoke(client))
      : verdict
  }

  function tell(client: MqttClientInfo, ended: EndReason | undefined): void {
    const sessionId = sessionIds.get(client) ?? randomUUID()
    sessionIds.set(client, sessionId)
    const at = core.ports.clock.now()
    // Also across restarts: time goes on while this process does not.
    lastEvent = Math.max(lastEvent + 1, at)
    for (const dialect of DIALECTS) {
      const message = dialect.presence({
        clientId: client.clientId,
        principal: client.principal,
        remoteAddress: client.transport.remoteAddress,
        sessionId,
        version: lastEvent,
        at,
        ended,
      })
      if (message !== undefined) publish(message.topic, JSON.stringify(message.body))
    }
  }

  return {
    connect: admission.connect,

    publish(message, client) {
      const link = admission.linkOf(client)
      if (link !== undefined) {
        const answer = link.publish(message, client)
        return 'then' in answer && !presence.shows(client)
          ? answer.finally(() => presence.spoke(client))
          : answer
      }
      const { dialect, meaning } = readAnyTopic(message.topic)
      const network =
        meaning.kind === 'own' && meaning.ruleId === undefined
          ? core.program.networks.ofTopic(message.topic)
          : undefined
      if (network === undefined || (removesRetained(message) && !network.network.remembers))
        return publishPlainly(message, client, dialect, meaning)
      return takeOfNetwork(message, client, network).then(
        (verdict) => verdict ?? publishPlainly(message, client, dialect, meaning),
      )
    },

    subscribe(filter, qos, client) {
      const link = admission.linkOf(client)
      if (link !== undefined) return link.subscribe(filter, qos, client)
      if (admission.maySubscribe(client, filter)) return { accept: true }
      refuse(client, 'subscribe')
      return { accept: false }
    },

    subscribed(client, filter, qos) {
      const link = admission.linkOf(client)
      if (link === undefined) commands.subscribed(client, filter)
      else link.subscribed(filter, qos, client)
    },

    unsubscribed(client, filter) {
      const link = admission.linkOf(client)
      if (link === undefined) commands.unsubscribed(client, filter)
      else link.unsubscribed(filter, client)
    },

    connected(client) {
      presence.connected(client)
      admission.linkOf(client)?.connected(client)
      tell(client, undefined)
    },

    disconnected(client, reason) {
      gone.add(client)
      commands.disconnected(client, reason)
      admission.linkOf(client)?.disconnected(client, reason)
      presence.disconnected(client, reason)
      tell(client, reason)
    },

    ...(log === undefined ? {} : { log }),
  }
}

/** Who wants something of a shadow, in words for people. */
function nameOf({ clientId, principal }: MqttClientInfo, meaning: { deviceId: string }): string {
  if (principal === 'admin') return principal
  return clientId === meaning.deviceId ? 'device' : `client ${clientId}`
}

/** A topic that fits no device is set aside whatever it asks for: ingest does that, with the bytes and the reason. */
function isBadDeviceId(error: unknown): boolean {
  return error instanceof CoreError && error.code === 'uplink.bad_device_id'
}

function toUplink(
  message: MqttPublish,
  client: MqttClientInfo,
  meaning: Meaning,
  deviceId: string | undefined,
  now: number,
): Uplink {
  const { properties, packetId } = message
  const uplink: { -readonly [K in keyof Uplink]: Uplink[K] } = {
    deviceId,
    topic: meaning.kind === 'own' ? meaning.topic : message.topic,
    payload: message.payload,
    contentType: properties?.contentType ?? '',
    receivedAt: now,
    source: 'mqtt',
    redelivered: message.dup,
    facts: factsOf(client, properties),
  }
  if (packetId !== undefined) uplink.deliveryId = `${client.clientId}:${packetId}`
  const time = firstOf(properties, TIME_PROPERTY)
  // What is no number goes on as none, and is found where messages are decoded.
  if (time !== undefined) uplink.sentAt = time.trim() === '' ? Number.NaN : Number(time)
  const messageId = firstOf(properties, MESSAGE_ID_PROPERTY)
  if (messageId !== undefined) uplink.messageId = messageId
  if (meaning.kind === 'own' && meaning.ruleId !== undefined) uplink.ruleId = meaning.ruleId
  return uplink
}

/** Of one client they are the same with each message that has no properties of its own. */
const FACTS = new WeakMap<MqttClientInfo, UplinkFacts>()

function factsOf(
  client: MqttClientInfo,
  properties: MqttMessageProperties | undefined,
): UplinkFacts {
  const userProperties = properties?.userProperties
  const known = FACTS.get(client)
  if (known !== undefined)
    return userProperties === undefined ? known : { ...known, userProperties }
  const { clientId, principal, transport } = client
  const { remoteAddress: sourceIp } = transport
  const facts: UplinkFacts =
    sourceIp === undefined ? { clientId, principal } : { clientId, principal, sourceIp }
  FACTS.set(client, facts)
  return userProperties === undefined ? facts : { ...facts, userProperties }
}

function firstOf(properties: MqttMessageProperties | undefined, name: string): string | undefined {
  const values = properties?.userProperties
  return values !== undefined && Object.hasOwn(values, name) ? values[name]?.[0] : undefined
}

/** A dead letter is acknowledged: it is kept, and sending it again would not help. */
function toVerdict(outcome: Outcome): MqttPublishVerdict {
  switch (outcome.status) {
    case 'accepted':
      return ROUTED
    case 'duplicate':
    case 'dead_lettered':
      return TAKEN
    case 'retry':
      throw outcome.error
  }
}

/** Whether one that its sender got no answer to has reached the subscribers is not known: QoS 1 is at least once. */
function toVerdictOfRepeated(outcome: Outcome): MqttPublishVerdict {
  return outcome.status === 'duplicate' ? ROUTED : toVerdict(outcome)
}

function toTaken(outcome: Outcome): MqttPublishVerdict {
  toVerdict(outcome)
  return TAKEN
}

/** Source: MQTT-3.3.1-6 of 5, MQTT-3.3.1-10 of 3.1.1: it takes a retained message away and measures nothing. */
function removesRetained({ retain, payload }: MqttPublish): boolean {
  return retain && payload.length === 0
}

/** Whether subscribers get what is published on such a topic. */
function tells(meaning: Meaning): boolean {
  return meaning.kind === 'telemetry' || (meaning.kind === 'own' && meaning.ruleId === undefined)
}
