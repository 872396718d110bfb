import type { Downlink } from '../../core/index.ts'
import { type AwsClient, type AwsResponse, unexpected } from './client.ts'

export interface DownlinkOptions {
  readonly client: AwsClient
  /** Hands what waits to a device that is connected. */
  readonly deliverCommands: (deviceId: string) => Promise<void>
  /** Tells the owner of the shadow. */
  readonly writeShadow: Downlink['shadow']
}

/** The way to devices: the broker of AWS IoT, over its HTTPS data plane. */
export function createDownlink({
  client,
  deliverCommands,
  writeShadow,
}: DownlinkOptions): Downlink {
  return {
    async publish({ topic, payload, encoding, qos, retain }) {
      const body = encoding === 'base64' ? Buffer.from(payload, 'base64') : payload
      accept(await publish(client, { topic, body, qos, retain }))
    },

    command: deliverCommands,

    shadow: writeShadow,
  }
}

export interface PublishRequest {
  readonly topic: string
  readonly body: string | Uint8Array
  readonly qos: 0 | 1
  readonly retain: boolean
  /** User properties of MQTT 5. */
  readonly properties?: Readonly<Record<string, string>>
}

/** Source: AWS IoT data plane API, Publish. */
export function publish(
  client: AwsClient,
  { topic, body, qos, retain, properties }: PublishRequest,
): Promise<AwsResponse> {
  const userProperties = Object.entries(properties ?? {}).map(([name, value]) => ({
    [name]: value,
  }))
  return client.send({
    service: 'iotdata',
    method: 'POST',
    path: `/topics/${encodeURIComponent(topic)}?qos=${qos}${retain ? '&retain=true' : ''}`,
    headers: {
      'content-type': 'application/octet-stream',
      ...(userProperties.length === 0
        ? {}
        : {
            'x-amz-mqtt5-user-properties': Buffer.from(JSON.stringify(userProperties)).toString(
              'base64',
            ),
          }),
    },
    body,
  })
}

function accept(response: AwsResponse): void {
  if (response.status !== 200) throw unexpected('iotdata', response)
}
