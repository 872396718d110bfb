import { readAwsWord } from './command-topics.ts'
import type { Dialect, EndReason, Meaning } from './dialect.ts'

const SHADOW = /^\$aws\/things\/([^/]+)\/shadow(?:\/name\/([^/]+))?\/(get|update|delete)$/

/** Basic ingest. The rule does not see the levels that name it. */
const RULE = /^\$aws\/rules\/([^/]+)(?:\/(.*))?$/s

const UNKNOWN: Meaning = { kind: 'unknown' }

/** Source: AWS IoT developer guide, life-cycle-events. */
const REASONS: Readonly<Record<EndReason, string>> = {
  client: 'CLIENT_INITIATED_DISCONNECT',
  keepalive: 'MQTT_KEEP_ALIVE_TIMEOUT',
  takeover: 'DUPLICATE_CLIENTID',
  protocol: 'CLIENT_ERROR',
  error: 'CONNECTION_LOST',
  server: 'SERVER_INITIATED_DISCONNECT',
}

/**
 * The dialect of devices that were built for AWS IoT Core.
 *
 * Shape:  `$aws/things/{thing}/shadow[/name/{shadow}]/{get,update,delete}`; `$aws/rules/{rule}/{topic}`; any topic that
 *         is not reserved is telemetry of the client.
 * Source: AWS IoT developer guide, device-shadow-mqtt, iot-basic-ingest, reserved-topics.
 */
export const AWS: Dialect = {
  name: 'aws',
  namespaces: [
    { prefix: ['$aws', 'things'], at: 2 },
    { prefix: ['$aws', 'events', 'presence'], at: 4 },
    { prefix: ['$aws', 'commands', 'things'], at: 3 },
    { prefix: ['$aws', 'commands', 'clients'], at: 3 },
  ],
  // Source: AWS IoT developer guide, device-shadow-comms-app: a will on a shadow topic is ignored.
  takesShadowWills: false,
  // Source: AWS IoT developer guide, mqtt, "QoS 2 is not supported". Plain topics are of other devices too.
  takesQos2: (topic) => !topic.startsWith('$aws/'),

  readTopic(topic) {
    if (!topic.startsWith('$')) return { kind: 'own', topic, ruleId: undefined }
    if (!topic.startsWith('$aws/')) return undefined
    const rule = RULE.exec(topic)
    if (rule !== null) return { kind: 'own', topic: rule[2] ?? '', ruleId: rule[1] }
    if (topic.startsWith('$aws/commands/')) return readAwsWord(topic) ?? UNKNOWN
    const shadow = SHADOW.exec(topic)
    const deviceId = shadow?.[1]
    const operation = shadow?.[3]
    if (
      deviceId === undefined ||
      (operation !== 'get' && operation !== 'update' && operation !== 'delete')
    )
      return UNKNOWN
    return { kind: 'shadow', deviceId, name: shadow?.[2] ?? '', operation }
  },

  answerTopic(deviceId, name, operation, accepted) {
    return `${shadowPrefix(deviceId, name)}/${operation}/${accepted ? 'accepted' : 'rejected'}`
  },

  pushTopic({ deviceId, name, event }) {
    return `${shadowPrefix(deviceId, name)}/update/${event}`
  },

  /** Source: AWS IoT developer guide, life-cycle-events; it says nothing for ids that are no topic level. */
  presence({ clientId, principal, remoteAddress, sessionId, version, at, ended }) {
    if (/[+#/]/.test(clientId)) return undefined
    const eventType = ended === undefined ? 'connected' : 'disconnected'
    return {
      topic: `$aws/events/presence/${eventType}/${clientId}`,
      body: {
        clientId,
        timestamp: at,
        eventType,
        sessionIdentifier: sessionId,
        principalIdentifier: principal,
        ...(ended === undefined
          ? remoteAddress === undefined
            ? {}
            : { ipAddress: remoteAddress }
          : {
              clientInitiatedDisconnect: ended === 'client',
              disconnectReason: REASONS[ended],
            }),
        versionNumber: version,
      },
    }
  },
}

function shadowPrefix(thing: string, name: string): string {
  const prefix = `$aws/things/${thing}/shadow`
  return name === '' ? prefix : `${prefix}/name/${name}`
}
