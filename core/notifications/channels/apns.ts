import * as z from 'zod'
import type { Delivery } from '../../model/notification.ts'
import { deliveryId } from '../delivery-id.ts'
import { CHANNEL_BASE } from './channel-base.ts'
import { type ChannelAnswer, type ChannelRequest, maskToken, verdictOf } from './http-channel.ts'
import { fitting, wordsOf } from './words.ts'

/** Sends to apps on devices of Apple. */
export const ApnsSchema = z.strictObject({
  type: z.literal('apns').meta({ description: 'Sends to apps on devices of Apple.' }),
  ...CHANNEL_BASE,
  key: z
    .string()
    .includes('PRIVATE KEY')
    .meta({ description: 'The signing key (.p8), as PEM; `${env:…}`.' }),
  keyId: z.string().min(1).meta({ description: 'The id of the key.' }),
  team: z.string().min(1).meta({ description: 'The id of the team.' }),
  topic: z.string().min(1).meta({ description: 'The bundle id of the app.' }),
  tokens: z
    .array(z.string().regex(/^[0-9a-fA-F]{32,200}$/, 'expected a device token in hex'))
    .min(1)
    .max(500)
    .meta({ description: 'Apps, by their device tokens.' }),
  url: z
    .url({ protocol: /^https?$/ })
    .default('https://api.push.apple.com')
    .meta({ description: 'The service; https://api.sandbox.push.apple.com for development.' }),
  allowPrivate: z.boolean().default(false).meta({ description: 'Allow private addresses.' }),
})

export type ApnsChannel = z.output<typeof ApnsSchema>

/** Larger payloads are refused. Source: "Generating a remote notification". */
const MAX_BYTES = 4_096

/**
 * Requests for HTTP/2, without authorization: whoever sends them signs the token.
 *
 * Source: developer.apple.com, "Sending notification requests to APNs".
 */
export function renderApns(
  { topic, tokens, url }: ApnsChannel,
  delivery: Delivery,
): readonly ChannelRequest[] {
  const { severity, deviceId, at } = delivery.notification
  const { title, text } = wordsOf(delivery)
  const urgent = severity === 'critical'
  const render = (shown: string): string =>
    JSON.stringify({
      aps: {
        alert: { title, body: shown },
        sound: 'default',
        'interruption-level': urgent ? 'time-sensitive' : 'active',
        'thread-id': deviceId,
      },
      id: deliveryId(delivery).slice(0, 500),
      deviceId,
      severity,
      at: new Date(at).toISOString(),
    })
  const body = render(fitting(text, MAX_BYTES, render))
  return tokens.map((token) => ({
    to: maskToken(token),
    address: token,
    url: `${url.replace(/\/$/, '')}/3/device/${token}`,
    headers: {
      'apns-topic': topic,
      'apns-push-type': 'alert',
      'apns-priority': urgent ? '10' : '5',
    },
    body,
  }))
}

/** Source: developer.apple.com, "Handling notification responses from APNs". */
export function judgeApns(answer: ChannelAnswer): ReturnType<typeof verdictOf> {
  if (
    answer.status === 410 ||
    /"(?:BadDeviceToken|DeviceTokenNotForTopic|Unregistered)"/.test(answer.body)
  )
    return 'gone'
  return /"(?:ExpiredProviderToken|TooManyProviderTokenUpdates)"/.test(answer.body)
    ? 'later'
    : verdictOf(answer)
}
