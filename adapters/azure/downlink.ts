import type { Downlink, QueueSender } from '../../core/index.ts'
import type { DeviceBound } from './device-bound.ts'
import { digestOf } from './digest.ts'

/** What nobody's device gets waits in this queue for other programs. */
export const PUBLISHED_QUEUE = 'published'

export interface DownlinkOptions {
  readonly deviceBound: Pick<DeviceBound, 'send'>
  readonly queues: QueueSender
  /** Hands what waits to a device that is connected. */
  readonly deliverCommands: (deviceId: string) => Promise<void>
  /** Tells the owner of the shadow. */
  readonly writeShadow: Downlink['shadow']
}

/** Source: IoT Hub, MQTT, "Receive cloud-to-device messages": the topic ends with a property bag. */
const DEVICE_BOUND = /^devices\/([^/]+)\/messages\/devicebound(?:\/(.*))?$/i
const OF_A_DEVICE = /^devices\/([^/]+)\//

/**
 * The way to devices: messages of IoT Hub, which are no broker's. What is published below `devices/{id}/` is a message to
 * that device, with the topic as the property `topic`; all else goes into a queue of Storage.
 *
 * Shape: an entry of the queue is `{topic, payload, encoding, qos, retain}`.
 */
export function createDownlink({
  deviceBound,
  queues,
  deliverCommands,
  writeShadow,
}: DownlinkOptions): Downlink {
  return {
    async publish({ topic, payload, encoding, qos, retain }, key) {
      const place = placeOf(topic)
      if (place === undefined) {
        await queues.send(PUBLISHED_QUEUE, { topic, payload, encoding, qos, retain }, key)
        return
      }
      await deviceBound.send(place.deviceId, {
        // The same when it comes again, and short enough for the hub.
        messageId: digestOf(key),
        payload: Buffer.from(payload, encoding === 'base64' ? 'base64' : 'utf8'),
        ack: 'none',
        properties: place.properties,
      })
    },

    command: deliverCommands,

    shadow: writeShadow,
  }
}

interface Place {
  readonly deviceId: string
  readonly properties: Readonly<Record<string, string>>
}

/** The device that is to get it; `undefined` if none is named. */
function placeOf(topic: string): Place | undefined {
  const [, bound, bag = ''] = DEVICE_BOUND.exec(topic) ?? []
  if (bound !== undefined)
    return { deviceId: bound, properties: Object.fromEntries(new URLSearchParams(bag)) }
  const deviceId = OF_A_DEVICE.exec(topic)?.[1]
  return deviceId === undefined ? undefined : { deviceId, properties: { topic } }
}
