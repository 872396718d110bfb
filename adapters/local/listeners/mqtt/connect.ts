import type { Broker, PendingWill } from './broker.ts'
import type { Fault } from './cursor.ts'
import type { ConnectPacket } from './decode.ts'
import type {
  MqttClientInfo,
  MqttConnectDecision,
  MqttConnectRequest,
  MqttTransport,
} from './hooks.ts'
import type { MqttLimits } from './limits.ts'
import { REASON } from './reason-codes.ts'
import { topicNameLevels } from './topic.ts'

/** Reason codes for the words in which the connect hook refuses. */
export const CONNECT_REFUSALS = {
  bad_credentials: REASON.badCredentials,
  not_authorized: REASON.notAuthorized,
  identifier_rejected: REASON.identifierRejected,
  unavailable: REASON.unavailable,
} as const

/** Why a well-formed CONNECT is refused before anybody is asked; `undefined` if it is not. */
export function checkConnect(packet: ConnectPacket, limits: MqttLimits): Fault | undefined {
  const { version, clientId, will } = packet
  const idBytes = Buffer.byteLength(clientId)
  // MQTT-3.1.3-8 of 3.1.1; MQTT 3.1 knows no empty id.
  const mustHaveId = version === 3 || (version === 4 && !packet.clean)
  if (idBytes > limits.maxClientIdBytes || (idBytes === 0 && mustHaveId)) {
    return { fault: REASON.identifierRejected, why: `client id of ${idBytes} bytes` }
  }
  // MQTT-4.12.0-1.
  if (packet.properties.authenticationMethod !== undefined) {
    return { fault: REASON.badAuthenticationMethod, why: 'no authentication method is known' }
  }
  if (!will) return undefined
  const isTooLong = Buffer.byteLength(will.topic) > limits.maxTopicBytes
  return isTooLong || topicNameLevels(will.topic) > limits.maxTopicLevels
    ? { fault: REASON.topicInvalid, why: 'will topic too long or too deep' }
    : undefined
}

export function toConnectRequest(
  packet: ConnectPacket,
  clientId: string,
  transport: MqttTransport,
): MqttConnectRequest {
  const { will } = packet
  return {
    clientId,
    username: packet.username,
    password: packet.password,
    protocolVersion: packet.version,
    clean: packet.clean,
    keepAliveSeconds: packet.keepAliveSeconds,
    will: will && {
      topic: will.topic,
      payload: will.payload,
      qos: will.qos,
      retain: will.retain,
      delaySeconds: will.delaySeconds,
      properties: will.properties,
    },
    transport,
    userProperties: packet.properties.userProperties,
  }
}

export function toClientInfo(
  request: MqttConnectRequest,
  decision: Extract<MqttConnectDecision, { accept: true }>,
  connectedAt: number,
): MqttClientInfo {
  return {
    clientId: decision.clientId ?? request.clientId,
    principal: decision.principal,
    protocolVersion: request.protocolVersion,
    clean: request.clean,
    keepAliveSeconds: request.keepAliveSeconds,
    username: request.username,
    transport: request.transport,
    connectedAt,
    data: decision.data,
  }
}

/** How long the client asks its session to be kept. MQTT 3 says only whether; then it is as long as we allow. */
export function wantedExpirySeconds(packet: ConnectPacket, limits: MqttLimits): number {
  if (packet.version === 5) return packet.properties.sessionExpirySeconds ?? 0
  return packet.clean ? 0 : limits.maxSessionExpirySeconds
}

export function toPendingWill(packet: ConnectPacket, broker: Broker): PendingWill | undefined {
  if (!packet.will) return undefined
  const { topic, payload, qos, retain, properties, delaySeconds, forward } = packet.will
  const message = { topic, payload, qos, retain, dup: false, properties }
  return { delaySeconds, inbound: { message, topic: broker.topic(topic), forward } }
}
