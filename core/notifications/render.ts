import type { Json } from '../model/json.ts'
import type { Delivery } from '../model/notification.ts'
import { deliveryId, mailMessageId } from './delivery-id.ts'

/** The document that a webhook receives. Its `id` stays the same however often it is sent. */
export function renderWebhook(delivery: Delivery): Json {
  const { notification } = delivery
  if (notification.body !== undefined) return notification.body
  return {
    id: deliveryId(delivery),
    deviceId: notification.deviceId,
    severity: notification.severity,
    subject: notification.subject,
    text: notification.text,
    at: new Date(notification.at).toISOString(),
    data: notification.data,
  }
}

/** One mail, in plain text. */
export interface Mail {
  readonly subject: string
  readonly text: string
  /** Equal for every try, so that a mail server can drop the second copy. Source: RFC 5322, 3.6.4. */
  readonly messageId: string
}

/** The mail for a delivery. Control characters never get into the subject: a line break would end the header. */
export function renderMail(delivery: Delivery): Mail {
  const { notification } = delivery
  const lines = [
    notification.text || notification.subject,
    '',
    ...(notification.deviceId === '' ? [] : [`Device    ${notification.deviceId}`]),
    `Severity  ${notification.severity}`,
    `Time      ${new Date(notification.at).toISOString()}`,
  ]
  return {
    subject: `[${notification.severity}] ${notification.subject}`
      .replace(/\p{Cc}+/gu, ' ')
      .slice(0, 200),
    text: `${lines.join('\n')}\n`,
    messageId: mailMessageId(delivery),
  }
}

/** One SMS holds up to 1,600 characters at the services that send them. */
const MAX_TEXT_CHARS = 1_600

/** The short text for a delivery: for telephones and lock screens. */
export function renderText({ notification }: Delivery): string {
  const { severity, subject, text } = notification
  const whole = text === '' ? subject : `${subject}: ${text}`
  return `[${severity}] ${whole}`.replace(/\p{Cc}+/gu, ' ').slice(0, MAX_TEXT_CHARS)
}
