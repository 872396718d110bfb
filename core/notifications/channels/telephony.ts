import * as z from 'zod'
import { toBase64 } from '../../model/base64.ts'
import type { Delivery } from '../../model/notification.ts'
import { renderText } from '../render.ts'
import { type ChannelAnswer, type ChannelRequest, maskNumber, verdictOf } from './http-channel.ts'

export const PhoneNumber = z
  .string()
  .regex(/^\+[1-9]\d{6,14}$/, 'expected a number such as +491701234567 (E.164)')

/** Who sends text messages and calls, where the cloud does not: an API like Twilio's. */
export const TelephonySchema = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/ })
      .default('https://api.twilio.com')
      .meta({ description: 'The API; others than Twilio offer the same.' }),
    account: z.string().min(1).meta({ description: 'The account (SID).' }),
    token: z.string().min(1).meta({ description: 'Its secret; `${env:…}`.' }),
    from: PhoneNumber.meta({ description: 'The number that sends and calls.' }),
    voice: z
      .string()
      .optional()
      .meta({ description: 'The voice that speaks, such as Polly.Vicki.' }),
    language: z.string().default('en-US').meta({ description: 'The language that it speaks.' }),
    allowPrivate: z.boolean().default(false).meta({ description: 'Allow private addresses.' }),
  })
  .meta({ description: 'An API like that of Twilio, for channels of type sms and voice.' })

export type Telephony = z.output<typeof TelephonySchema>

/** Source: twilio.com/docs/messaging/api/message-resource. */
export function renderSms(
  telephony: Telephony,
  to: readonly string[],
  delivery: Delivery,
): readonly ChannelRequest[] {
  return to.map((number) =>
    request(telephony, 'Messages.json', number, { Body: renderText(delivery) }),
  )
}

/** Source: twilio.com/docs/voice/api/call-resource; docs/voice/twiml/say, which takes SSML. */
export function renderCall(
  telephony: Telephony,
  to: readonly string[],
  delivery: Delivery,
): readonly ChannelRequest[] {
  const voice = telephony.voice === undefined ? '' : ` voice="${escaped(telephony.voice)}"`
  const say = `<Say${voice} language="${escaped(telephony.language)}">${renderSsml(delivery)}</Say>`
  return to.map((number) =>
    request(telephony, 'Calls.json', number, { Twiml: `<Response>${say}</Response>` }),
  )
}

/** What is said, twice: who picks up misses the beginning. Source: W3C SSML 1.1, prosody and break. */
export function renderSsml({ notification }: Delivery): string {
  const { severity, subject, text } = notification
  const message = [severity, subject, text]
    .filter((part) => part !== '')
    .map((part) => `<s>${escaped(part.replace(/\p{Cc}+/gu, ' ').slice(0, 500))}</s>`)
    .join('')
  return `<prosody rate="90%">${message}</prosody><break time="1s"/><prosody rate="90%">${message}</prosody>`
}

/** Source: twilio.com/docs/api/errors: numbers that will never take a message. */
const GONE = /"code":\s*(?:21610|21211|21614|21217|13224)\b/

export function judgeTelephony(answer: ChannelAnswer): ReturnType<typeof verdictOf> {
  return answer.status === 400 && GONE.test(answer.body) ? 'gone' : verdictOf(answer)
}

function request(
  { url, account, token, from }: Telephony,
  resource: string,
  to: string,
  fields: Readonly<Record<string, string>>,
): ChannelRequest {
  const form = Object.entries({ To: to, From: from, ...fields })
  return {
    to: maskNumber(to),
    address: to,
    url: `${url.replace(/\/$/, '')}/2010-04-01/Accounts/${encodeURIComponent(account)}/${resource}`,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Basic ${toBase64(new TextEncoder().encode(`${account}:${token}`))}`,
    },
    body: form.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&'),
  }
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
