import type { Downlink } from '../../core/index.ts'
import type { PubSub } from './pubsub.ts'

export interface DownlinkOptions {
  readonly pubsub: PubSub
  /** The topic from which the broker front takes what goes to devices and subscribers. */
  readonly topic: string
  /** Hands what waits to a device that is connected. */
  readonly deliverCommands: (deviceId: string) => Promise<void>
}

/**
 * The way to devices: a topic of Pub/Sub. Whoever holds their connections publishes what comes there.
 *
 * Shape: the data are the payload; attributes `topic`, `qos`, `retain` (`true` where it is kept) and `key`, which is the
 *        same when a message comes again; the ordering key is the topic's device.
 */
export function createDownlink({ pubsub, topic, deliverCommands }: DownlinkOptions): Downlink {
  return {
    async publish({ topic: to, payload, encoding, qos, retain }, key) {
      const data = encoding === 'base64' ? Buffer.from(payload, 'base64') : payload
      await pubsub.publish(topic, [toMessage({ to, data, qos, retain, key })])
    },

    command: deliverCommands,

    async shadow({ deviceId, name, event, body }, key) {
      const to = `${shadowPrefix(deviceId, name)}/update/${event}`
      const data = JSON.stringify(body)
      await pubsub.publish(topic, [toMessage({ to, data, qos: 1, retain: false, key })])
    },
  }
}

/** A message as the broker front is to publish it. */
export interface Downward {
  readonly to: string
  readonly data: string | Uint8Array
  readonly qos: 0 | 1
  readonly retain: boolean
  readonly key: string
  /** User properties of MQTT 5. */
  readonly properties?: Readonly<Record<string, string>>
}

export function toMessage({ to, data, qos, retain, key, properties }: Downward) {
  return {
    data,
    attributes: {
      topic: to,
      qos: String(qos),
      ...(retain ? { retain: 'true' } : {}),
      key: key.slice(0, MAX_KEY),
      ...(properties === undefined || Object.keys(properties).length === 0
        ? {}
        : { properties: JSON.stringify(properties) }),
    },
    orderingKey: /^devices\/([^/]+)\//.exec(to)?.[1] ?? to.slice(0, MAX_KEY / 4),
  }
}

/** Source: Pub/Sub quotas: an attribute's value has 1,024 bytes at most. */
const MAX_KEY = 1_024

/** Where what is told of a shadow goes. Shape: `devices/{id}/shadow[/name/{name}]`. */
export function shadowPrefix(deviceId: string, name: string): string {
  return name === '' ? `devices/${deviceId}/shadow` : `devices/${deviceId}/shadow/name/${name}`
}
