import type { Uplink } from '../../../core/index.ts'
import type { AzureProperties } from './azure-properties.ts'
import { telemetryTopic } from './native.ts'

/** One telemetry message of an Azure device, over whatever transport. */
export interface AzureTelemetry {
  readonly deviceId: string
  readonly payload: Uint8Array
  /** `undefined`: they were malformed, and the message is set aside. */
  readonly properties: AzureProperties | undefined
  readonly source: 'mqtt' | 'amqp' | 'http'
  /** Epoch ms. */
  readonly receivedAt: number
  readonly principal: string
  readonly sourceIp?: string | undefined
  /** Where it was sent to, for whoever looks at what was set aside; else it is known as telemetry of its device. */
  readonly sentTo?: string | undefined
  readonly redelivered?: boolean
  readonly deliveryId?: string | undefined
}

/**
 * To the core it is telemetry like any other, on `devices/{id}/telemetry`: an Azure device does not choose its topic, and so
 * one rule serves every dialect. Application properties are user properties.
 */
export function toAzureUplink({
  deviceId,
  payload,
  properties,
  source,
  receivedAt,
  principal,
  sourceIp,
  sentTo,
  redelivered = false,
  deliveryId,
}: AzureTelemetry): Uplink {
  const { system, application } = properties ?? { system: {}, application: {} }
  const { messageId } = system
  const createdAt = system['iothub-creation-time-utc']
  const names = Object.keys(application)
  return {
    deviceId,
    topic: properties === undefined && sentTo !== undefined ? sentTo : telemetryTopic(deviceId),
    payload,
    contentType: system['contentType'] ?? '',
    receivedAt,
    source,
    redelivered,
    ...(properties === undefined
      ? { fault: 'expected a property bag, URL-encoded name=value' }
      : {}),
    ...(deliveryId === undefined ? {} : { deliveryId }),
    ...(messageId === undefined || messageId === '' ? {} : { messageId }),
    // What is no time goes on as none, and is found where messages are decoded.
    ...(createdAt === undefined ? {} : { sentAt: Date.parse(createdAt) }),
    facts: {
      clientId: deviceId,
      principal,
      systemProperties: system,
      ...(sourceIp === undefined ? {} : { sourceIp }),
      ...(names.length === 0
        ? {}
        : {
            userProperties: Object.fromEntries(
              names.map((name): [string, string[]] => [name, [application[name] ?? '']]),
            ),
          }),
    },
  }
}
