import * as z from 'zod'
import type { Delivery } from '../../model/notification.ts'
import { deliveryId } from '../delivery-id.ts'
import { CHANNEL_BASE } from './channel-base.ts'
import { type ChannelAnswer, verdictOf } from './http-channel.ts'
import { fitting, wordsOf } from './words.ts'

/** Sends to browsers that subscribed. */
export const WebPushSchema = z.strictObject({
  type: z.literal('web-push').meta({ description: 'Sends to browsers that subscribed.' }),
  ...CHANNEL_BASE,
  subject: z
    .string()
    .regex(/^(mailto:|https:\/\/)/, 'expected mailto: or https:')
    .meta({ description: 'Whom push services may write to.' }),
  publicKey: z.string().min(80).meta({ description: 'The VAPID key that browsers were given.' }),
  privateKey: z.string().min(40).meta({ description: 'Its private half; `${env:…}`.' }),
  subscriptions: z
    .array(
      z.strictObject({
        endpoint: z
          .url({ protocol: /^https?$/ })
          .meta({ description: 'Where the browser listens.' }),
        keys: z
          .strictObject({
            p256dh: z.string().min(80).meta({ description: 'Its public key.' }),
            auth: z.string().min(16).meta({ description: 'Its secret.' }),
          })
          .meta({ description: 'What messages are encrypted with.' }),
      }),
    )
    .min(1)
    .max(500)
    .meta({ description: 'What `pushManager.subscribe` gave, as JSON.' }),
  ttl: z.int().min(0).max(2_419_200).default(86_400).meta({
    description: 'How long the push service keeps it for a browser that is away. Unit: s.',
  }),
  allowPrivate: z.boolean().default(false).meta({ description: 'Allow private addresses.' }),
})

export type WebPushChannel = z.output<typeof WebPushSchema>

/** Source: RFC 8291, 4. */
const MAX_BYTES = 3_993

/** What the service worker gets, before it is encrypted. */
export function renderWebPush(delivery: Delivery): string {
  const { deviceId, severity, at } = delivery.notification
  const { title, text } = wordsOf(delivery)
  const render = (body: string): string =>
    JSON.stringify({
      id: deliveryId(delivery).slice(0, 500),
      title,
      body,
      deviceId,
      severity,
      at: new Date(at).toISOString(),
    })
  return render(fitting(text, MAX_BYTES, render))
}

/** Source: RFC 8030, 7.3: a subscription that ended is 404 or 410. */
export function judgeWebPush(answer: ChannelAnswer): ReturnType<typeof verdictOf> {
  return answer.status === 404 ? 'gone' : verdictOf(answer)
}
