import * as z from 'zod'
import type { Delivery } from '../../model/notification.ts'
import { deliveryId } from '../delivery-id.ts'
import { CHANNEL_BASE } from './channel-base.ts'
import {
  type ChannelAnswer,
  type ChannelVerdict,
  type HttpChannel,
  maskToken,
  verdictInBody,
} from './http-channel.ts'
import { fitting, wordsOf } from './words.ts'

/** Sends to apps by Firebase Cloud Messaging, version 1. */
export const FcmSchema = z
  .strictObject({
    type: z.literal('fcm').meta({ description: 'Sends to apps by Firebase Cloud Messaging.' }),
    ...CHANNEL_BASE,
    serviceAccount: z.string().min(1).meta({
      description: 'The key of a service account that may send, as JSON; `${env:…}`.',
    }),
    tokens: z
      .array(z.string().min(1).max(4_096))
      .max(500)
      .default([])
      .meta({ description: 'Apps, by their registration tokens.' }),
    topic: z
      .string()
      .regex(/^[\w\-.~%]{1,900}$/, 'expected the name of a topic')
      .optional()
      .meta({ description: 'Every app that subscribed to this topic.' }),
    url: z
      .url({ protocol: /^https?$/ })
      .default('https://fcm.googleapis.com')
      .meta({ description: 'The API.' }),
    allowPrivate: z.boolean().default(false).meta({ description: 'Allow private addresses.' }),
  })
  .refine(({ tokens, topic }) => tokens.length > 0 || topic !== undefined, {
    message: 'expected tokens or a topic',
    path: ['tokens'],
  })

export type FcmChannel = z.output<typeof FcmSchema>

/** Larger messages are refused. Source: firebase.google.com, "About FCM messages", 4,096 bytes. */
const MAX_BYTES = 4_096

/**
 * Requests without authorization: whoever sends them has the token of the service account.
 *
 * Source: firebase.google.com, REST reference, projects.messages.send; all values of `data` are texts.
 */
export function renderFcm(
  { tokens, topic, url }: FcmChannel,
  project: string,
  delivery: Delivery,
): ReturnType<HttpChannel<FcmChannel>['render']> {
  const { severity, deviceId, at } = delivery.notification
  const { title, text } = wordsOf(delivery)
  const urgent = severity === 'critical'
  const messageWith = (body: string) => ({
    notification: { title, body },
    data: { id: deliveryId(delivery), deviceId, severity, at: new Date(at).toISOString() },
    android: { priority: urgent ? 'HIGH' : 'NORMAL' },
    apns: { headers: { 'apns-priority': urgent ? '10' : '5' } },
    webpush: { headers: { Urgency: urgent ? 'high' : 'normal' } },
  })
  const message = messageWith(fitting(text, MAX_BYTES, (body) => JSON.stringify(messageWith(body))))
  const targets = [
    ...tokens.map((token) => ({ to: maskToken(token), address: token, target: { token } })),
    ...(topic === undefined ? [] : [{ to: topic, address: `/topics/${topic}`, target: { topic } }]),
  ]
  return targets.map(({ to, address, target }) => ({
    to,
    address,
    url: `${url.replace(/\/$/, '')}/v1/projects/${encodeURIComponent(project)}/messages:send`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message: { ...message, ...target } }),
  }))
}

/** Source: firebase.google.com, "FCM error codes". A token of ours that ended is replaced, so that 401 may pass. */
export function judgeFcm(answer: ChannelAnswer): ChannelVerdict {
  if (/"(?:UNREGISTERED|SENDER_ID_MISMATCH)"|not a valid FCM registration token/.test(answer.body))
    return 'gone'
  return answer.status === 401 ? 'later' : verdictInBody(answer)
}
