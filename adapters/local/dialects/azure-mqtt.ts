import type { Outcome } from '../../../core/index.ts'
import type { Judged } from '../identity.ts'
import type {
  MqttClientInfo,
  MqttConnectRequest,
  MqttPublish,
  MqttPublishVerdict,
} from '../listeners/mqtt/index.ts'
import { type AzureProperties, readPropertyBag } from './azure-properties.ts'
import { toAzureUplink } from './azure-uplink.ts'
import {
  type ClientDecision,
  type ClientDialect,
  type ClientLink,
  type ClientServices,
  callAt,
} from './client-dialect.ts'

/** `{host}/{device}[/{module}]/?api-version=…`; older clients leave out the question mark. */
const USERNAME = /^([^/]+)\/([^/?]+)(?:\/([^/?=]+))?\/\??(?:.*&)?api-version=/

const TAKEN: MqttPublishVerdict = { accept: true, route: false }

/**
 * The dialect of devices that were built for Azure IoT Hub, over MQTT.
 *
 * Source: learn.microsoft.com, iot-mqtt-connect-to-iot-hub; wire of azure-iot-device-mqtt 1.16.4.
 */
export function createAzureMqtt(services: ClientServices): ClientDialect {
  const { identities, requireAuth } = services

  /** Who it is; `undefined`: nothing was shown. */
  function judge(
    deviceId: string,
    { password, transport }: MqttConnectRequest,
  ): Judged | undefined {
    const { peerCertificate, secure } = transport
    if (peerCertificate !== undefined)
      return identities.ofCertificate(
        peerCertificate instanceof Uint8Array ? peerCertificate : peerCertificate.raw,
      )
    if (password === undefined || password.length === 0) return undefined
    const isJudged = requireAuth || secure || identities.isRegistered(deviceId)
    return isJudged ? identities.ofSas(deviceId, Buffer.from(password).toString('utf8')) : undefined
  }

  function decide(deviceId: string, request: MqttConnectRequest): ClientDecision {
    const judged = judge(deviceId, request)
    if (judged === undefined) {
      if (requireAuth || request.transport.secure)
        return refused('neither certificate nor shared access signature')
      if (identities.isDisabled(deviceId)) return refused('device is disabled')
      return accepted(deviceId, deviceId, undefined)
    }
    // At Azure a wrong signature is told as 5, not authorized, like everything else.
    if (judged.kind === 'refused') return refused(judged.why)
    if (judged.kind === 'admin' || judged.deviceId !== deviceId)
      return refused('the proof is not of the device that the user name tells')
    return accepted(deviceId, judged.principal, judged.expiresAt)
  }

  function accepted(
    deviceId: string,
    principal: string,
    expiresAt: number | undefined,
  ): ClientDecision {
    const link = createAzureLink(services, deviceId, expiresAt)
    return { accept: true, deviceId, principal, link }
  }

  return {
    name: 'azure',
    connect(request) {
      const found = USERNAME.exec(request.username ?? '')
      if (found === null) return undefined
      const deviceId = decode(found[2] ?? '')
      const moduleId = found[3]
      if (moduleId !== undefined)
        return {
          accept: false,
          reason: 'identifier_rejected',
          why: 'modules are not served',
        }
      if (deviceId !== request.clientId)
        return {
          accept: false,
          reason: 'identifier_rejected',
          why: 'client id is not the device of the user name',
        }
      return decide(deviceId, request)
    },
  }
}

/** One connection of an Azure device. */
function createAzureLink(
  { core, add, listener, log }: ClientServices,
  deviceId: string,
  expiresAt: number | undefined,
): ClientLink {
  const { clock, observer } = core.ports
  const events = `devices/${deviceId}/messages/events`
  const filters: ReadonlySet<string> = new Set([
    `devices/${deviceId}/messages/devicebound/#`,
    '$iothub/twin/res/#',
    '$iothub/twin/PATCH/properties/desired/#',
    '$iothub/methods/POST/#',
  ])
  let cancelExpiry: (() => void) | undefined
  /** What still comes of a client that is gone is its will. */
  let gone = false

  function refuse(what: string, reason: string): MqttPublishVerdict {
    observer.count('mqtt.refused', 1, { what })
    log?.({ event: 'message.dropped', clientId: deviceId, reason: `${what}: ${reason}` })
    return { accept: false, reason: 'not_authorized', disconnect: true }
  }

  function telemetry(message: MqttPublish, client: MqttClientInfo): Promise<MqttPublishVerdict> {
    const bag = message.topic.slice(events.length + 1)
    const properties = withMqttFacts(readPropertyBag(bag), message.retain, gone)
    if (properties === undefined) observer.count('mqtt.refused', 1, { what: 'property bag' })
    return add(
      toAzureUplink({
        deviceId,
        payload: message.payload,
        properties,
        source: 'mqtt',
        receivedAt: clock.now(),
        principal: client.principal,
        sourceIp: client.transport.remoteAddress,
        sentTo: message.topic,
        redelivered: message.dup,
        deliveryId: message.packetId === undefined ? undefined : `${deviceId}:${message.packetId}`,
      }),
    ).then(toVerdict)
  }

  return {
    publish(message, client) {
      const { topic } = message
      // Source: iot-mqtt-connect-to-iot-hub: IoT Hub closes the connection of who publishes with QoS 2.
      if (message.qos === 2) return refuse('publish', 'QoS 2')
      if (topic === events || topic.startsWith(`${events}/`)) return telemetry(message, client)
      return refuse('publish', 'not a topic of its own')
    },

    subscribe(filter, qos) {
      if (filters.has(filter)) return { accept: true, qos: qos === 2 ? 1 : qos }
      refuse('subscribe', 'not a filter of its own')
      return { accept: false }
    },

    subscribed() {},

    unsubscribed() {},

    connected() {
      if (expiresAt === undefined) return
      cancelExpiry = callAt(expiresAt, clock.now, () => {
        observer.count('mqtt.expired', 1)
        listener().disconnect(deviceId, 'not_authorized')
      })
    },

    disconnected() {
      gone = true
      cancelExpiry?.()
    },
  }
}

/** Source: iot-mqtt-connect-to-iot-hub, "Send device-to-cloud messages", "Using the will". */
function withMqttFacts(
  properties: AzureProperties | undefined,
  retain: boolean,
  isWill: boolean,
): AzureProperties | undefined {
  if (properties === undefined || (!retain && !isWill)) return properties
  return {
    system: properties.system,
    application: {
      ...properties.application,
      ...(retain ? { 'mqtt-retain': 'true' } : {}),
      ...(isWill ? { 'iothub-MessageType': 'Will' } : {}),
    },
  }
}

/** What was set aside is acknowledged: it is kept, and sending it again would not help. */
function toVerdict(outcome: Outcome): MqttPublishVerdict {
  if (outcome.status === 'retry') throw outcome.error
  return TAKEN
}

function refused(why: string): ClientDecision {
  return { accept: false, reason: 'not_authorized', why }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
