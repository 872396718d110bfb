import type { MqttConnectRequest } from '../listeners/mqtt/index.ts'
import type { ClientDecision, ClientDialect } from './client-dialect.ts'
import { type GooglePath, isGooglePath, readGooglePath } from './google-ids.ts'
import { createGoogleLink, type GoogleServices, type Seats } from './google-link.ts'

/**
 * The dialect of devices that were built for Google Cloud IoT Core, over MQTT.
 *
 * Source: Google Cloud IoT, "Using the MQTT bridge", "Using gateways with the MQTT bridge"; kept by ClearBlade IoT Core.
 */
export function createGoogleMqtt(services: GoogleServices): ClientDialect {
  const { identities, requireAuth } = services
  const seats: Seats = new Map()

  function accepted(
    path: GooglePath,
    principal: string,
    expiresAt: number | undefined,
  ): ClientDecision {
    const link = createGoogleLink(services, seats, path, expiresAt)
    return { accept: true, deviceId: path.deviceId, principal, link }
  }

  function decide(path: GooglePath, { password, transport }: MqttConnectRequest): ClientDecision {
    const { deviceId, project } = path
    const { peerCertificate, secure } = transport
    if (peerCertificate === undefined && !requireAuth && !secure) {
      // On this machine, and unless told otherwise, who is not registered has to prove nothing: development.
      if (!identities.isRegistered(deviceId)) return accepted(path, deviceId, undefined)
    }
    const judged =
      peerCertificate === undefined
        ? identities.ofJwt(deviceId, Buffer.from(password ?? []).toString('utf8'), project)
        : identities.ofCertificate(
            peerCertificate instanceof Uint8Array ? peerCertificate : peerCertificate.raw,
          )
    if (judged.kind === 'refused') return { accept: false, reason: judged.reason, why: judged.why }
    if (judged.kind !== 'device' || judged.deviceId !== deviceId)
      return {
        accept: false,
        reason: 'not_authorized',
        why: 'the proof is not of the device that the client id tells',
      }
    return accepted(path, judged.principal, judged.expiresAt)
  }

  return {
    name: 'google',
    connect(request) {
      if (!isGooglePath(request.clientId)) return undefined
      const path = readGooglePath(request.clientId)
      if (path === undefined)
        return {
          accept: false,
          reason: 'identifier_rejected',
          why: 'client id: expected projects/…/locations/…/registries/…/devices/{id}',
        }
      return decide(path, request)
    },
  }
}
