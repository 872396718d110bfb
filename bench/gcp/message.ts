import { FIRST_NUMBER, messageOf, textOf } from '../load/message.ts'
import type { Way } from './framework.ts'
import { pushToken } from './stand-in.ts'

/** Makes requests as Pub/Sub sends them, each with a message of its own. */
export interface Requests {
  /** One message of a device. */
  one(device: number): Buffer
  /** Several messages of a device in one of Pub/Sub, as ingest-http brings them together. */
  together(device: number, count: number): Buffer
}

/** Builds the requests, ready for a socket. */
export function createRequests(way: Way): Requests {
  const token = pushToken(Date.now())
  let number = 0

  function request(device: number, data: string, attributes: object): Buffer {
    const message = {
      messageId: `${++number}`,
      publishTime: new Date().toISOString(),
      data: Buffer.from(data).toString('base64'),
      attributes: { topic: `devices/dev-${device}/telemetry`, ...attributes },
    }
    const published = { message, subscription: 'projects/bench/subscriptions/telemetry' }
    const event = {
      specversion: '1.0',
      id: message.messageId,
      type: 'google.cloud.pubsub.topic.v1.messagePublished',
      source: '//pubsub.googleapis.com/projects/bench/topics/telemetry',
      data: published,
    }
    const body = JSON.stringify(way === 'push' ? published : event)
    const type = way === 'push' ? 'application/json' : 'application/cloudevents+json'
    return Buffer.from(
      `POST / HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\ncontent-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
  }

  // Later from message to message, and never in the future: one that is not newer than the record costs a look-up.
  const from = Date.now() - 3_600_000
  let told = 0
  const telemetry = () => textOf(messageOf(FIRST_NUMBER + ++told, from + told))

  return {
    one: (device) => request(device, telemetry(), {}),
    together(device, count) {
      const receivedAt = Date.now()
      const batch = Array.from({ length: count }, () => ({
        payload: Buffer.from(telemetry()).toString('base64'),
        contentType: 'application/json',
        receivedAt,
      }))
      return request(device, JSON.stringify(batch), { batch: '1' })
    },
  }
}
