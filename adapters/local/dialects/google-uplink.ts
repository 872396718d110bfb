import type { Uplink } from '../../../core/index.ts'
import type { GooglePath } from './google-ids.ts'
import { telemetryTopic } from './native.ts'

/** One telemetry event of a Google device, over whatever transport. */
export interface GoogleEvent {
  readonly path: GooglePath
  /** '' is none. */
  readonly subfolder: string
  readonly payload: Uint8Array
  readonly source: 'mqtt' | 'http'
  /** Epoch ms. */
  readonly receivedAt: number
  /** The gateway that speaks for it. */
  readonly gatewayId?: string | undefined
  readonly sourceIp?: string | undefined
  readonly redelivered?: boolean
  readonly deliveryId?: string | undefined
}

/**
 * To the core it is telemetry like any other, on `devices/{id}/telemetry` with the subfolder behind it, so that one rule
 * serves every dialect. What were attributes of the Pub/Sub message are user properties.
 *
 * Source: Google Cloud IoT, "Publishing telemetry events".
 */
export function toGoogleUplink({
  path: { project, location, registry, deviceId },
  subfolder,
  payload,
  source,
  receivedAt,
  gatewayId,
  sourceIp,
  redelivered = false,
  deliveryId,
}: GoogleEvent): Uplink {
  const topic = telemetryTopic(deviceId)
  return {
    deviceId,
    topic: subfolder === '' ? topic : `${topic}/${subfolder}`,
    payload,
    contentType: '',
    receivedAt,
    source,
    redelivered,
    ...(deliveryId === undefined ? {} : { deliveryId }),
    facts: {
      clientId: deviceId,
      principal: deviceId,
      ...(sourceIp === undefined ? {} : { sourceIp }),
      userProperties: {
        deviceId: [deviceId],
        projectId: [project],
        deviceRegistryLocation: [location],
        deviceRegistryId: [registry],
        subFolder: [subfolder],
        ...(gatewayId === undefined ? {} : { gatewayId: [gatewayId] }),
      },
    },
  }
}
