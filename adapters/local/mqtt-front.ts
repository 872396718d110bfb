import { type Core, CoreError, type Json, type Outcome, type Uplink } from '../../core/index.ts'
import { answerTopic, readTopic, STATS_ANSWER_TOPIC, type TopicMeaning } from './dialects/native.ts'
import type {
  MqttClientInfo,
  MqttHooks,
  MqttMessageProperties,
  MqttPublish,
  MqttPublishVerdict,
} from './listeners/mqtt/index.ts'
import { createPresence } from './presence.ts'
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
  log,
}: MqttFrontOptions): MqttHooks {
  const presence = createPresence(core)

  async function serveShadow(
    meaning: Extract<TopicMeaning, { kind: 'shadow' }>,
    message: MqttPublish,
  ): Promise<MqttPublishVerdict> {
    const { deviceId, name, operation } = meaning
    const body = Buffer.from(
      message.payload.buffer,
      message.payload.byteOffset,
      message.payload.byteLength,
    ).toString('utf8')
    const [result] = await core.gate.run(deviceId, [
      { kind: 'shadow', operation, name, body, at: core.ports.clock.now() },
    ])
    if (result?.status === 'answered') {
      publish(answerTopic(deviceId, name, operation, result.accepted), JSON.stringify(result.body))
    } else if (result?.status === 'refused') {
      const body = { code: 500, message: result.message }
      publish(answerTopic(deviceId, name, operation, false), JSON.stringify(body))
    }
    return TAKEN
  }

  function ingest(
    message: MqttPublish,
    client: MqttClientInfo,
    meaning: TopicMeaning,
  ): Promise<MqttPublishVerdict> {
    return batcher.add(toUplink(message, client, meaning, core.ports.clock.now())).then(toVerdict)
  }

  return {
    connect(request) {
      return { accept: true, principal: request.username ?? request.clientId }
    },

    publish(message, client) {
      const meaning = readTopic(message.topic)
      if (meaning.kind === 'stats') {
        publish(STATS_ANSWER_TOPIC, JSON.stringify(stats()))
        return TAKEN
      }
      const verdict =
        meaning.kind === 'shadow'
          ? serveShadow(meaning, message).catch((error) => {
              if (!isBadDeviceId(error)) throw error
              return ingest(message, client, meaning)
            })
          : ingest(message, client, meaning)
      const own = meaning.kind !== 'unknown' && meaning.deviceId === client.clientId
      return own && !presence.shows(client)
        ? verdict.finally(() => presence.spoke(client))
        : verdict
    },

    subscribe: () => ({ accept: true }),

    connected: presence.connected,

    disconnected: presence.disconnected,

    ...(log === undefined ? {} : { log }),
  }
}

/** A topic that fits no device is set aside whatever it asks for: ingest does that, with the bytes and the reason. */
function isBadDeviceId(error: unknown): boolean {
  return error instanceof CoreError && error.code === 'uplink.bad_device_id'
}

function toUplink(
  message: MqttPublish,
  client: MqttClientInfo,
  meaning: TopicMeaning,
  now: number,
): Uplink {
  const { properties } = message
  const sentAt = Number(firstOf(properties, TIME_PROPERTY) ?? Number.NaN)
  const messageId = firstOf(properties, MESSAGE_ID_PROPERTY)
  return {
    deviceId: 'deviceId' in meaning ? meaning.deviceId : undefined,
    topic: message.topic,
    payload: message.payload,
    contentType: properties?.contentType ?? '',
    receivedAt: now,
    source: 'mqtt',
    redelivered: message.dup,
    facts: {
      clientId: client.clientId,
      principal: client.principal,
      ...(client.transport.remoteAddress === undefined
        ? {}
        : { sourceIp: client.transport.remoteAddress }),
      ...(properties?.userProperties === undefined
        ? {}
        : { userProperties: properties.userProperties }),
    },
    ...(message.packetId === undefined
      ? {}
      : { deliveryId: `${client.clientId}:${message.packetId}` }),
    ...(Number.isFinite(sentAt) ? { sentAt } : {}),
    ...(messageId === undefined ? {} : { messageId }),
  }
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
