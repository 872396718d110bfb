import type { Judged } from '../identity.ts'
import type { MqttConnectRequest } from '../listeners/mqtt/index.ts'
import { createAzureLink } from './azure-link.ts'
import type { ClientDecision, ClientDialect, ClientServices } from './client-dialect.ts'

/** `{host}/{device}[/{module}]/?api-version=…`; older clients leave out the question mark. */
const USERNAME = /^([^/]+)\/([^/?]+)(?:\/([^/?=]+))?\/\??(?:.*&)?api-version=/

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
