import {
  type ChannelSender,
  type Clock,
  type Config,
  CoreError,
  type Delivery,
  renderMail,
  renderText,
} from '../../core/index.ts'
import { createChannels, notSent } from '../node/channels.ts'
import { createRecipients } from '../node/recipients.ts'
import { parseJson } from '../node/web-sender.ts'
import {
  type AzureClient,
  type AzureRequest,
  type AzureResponse,
  faultOf,
  retryAfterOf,
} from './client.ts'
import type { AzureSettings } from './config.ts'
import { digestOf } from './digest.ts'

export interface ChannelSenderOptions {
  readonly client: AzureClient
  readonly config: Config
  readonly clock: Clock
  readonly settings: Pick<
    AzureSettings,
    | 'communicationEndpoint'
    | 'mailFrom'
    | 'smsFrom'
    | 'notificationHub'
    | 'notificationHubConnection'
  >
}

type EmailConfig = Extract<Config['channels'][string], { type: 'email' }>

/**
 * Sends through webhooks; mails through the configured server or, without one, through Communication Services, which
 * sends text messages too; pushes through Notification Hubs.
 */
export function createChannelSender({
  client,
  config,
  clock,
  settings,
}: ChannelSenderOptions): ChannelSender & { close(): void } {
  const toEach = createRecipients()

  /** Once: the queue of notifications tries again, visibly and later. */
  async function ask(request: AzureRequest): Promise<AzureResponse> {
    try {
      return await client.send({ ...request, tries: 1 })
    } catch (cause) {
      if (!(cause instanceof CoreError)) throw cause
      const { retryAfterMs } = cause.details
      throw new CoreError('channel.unavailable', cause.message, {
        cause,
        details: retryAfterMs === undefined ? {} : { retryAfterMs },
      })
    }
  }

  /** Source: Communication Services REST reference, Email - Send, 2023-03-31. */
  async function sendMail(channel: EmailConfig, delivery: Delivery): Promise<void> {
    const from = channel.from ?? settings.mailFrom
    if (settings.communicationEndpoint === undefined || from === undefined)
      throw new CoreError(
        'channel.rejected',
        'expected a mail server: `smtp` of anyhub.yml, or Communication Services with a sender (`from` of the channel or ANYHUB_MAIL_FROM), found none',
      )
    const { subject, text } = renderMail(delivery)
    const response = await ask({
      service: 'communication',
      method: 'POST',
      path: '/emails:send?api-version=2023-03-31',
      headers: {
        'content-type': 'application/json',
        // The same for the same delivery: one that was taken is not taken again.
        'operation-id': uuidOf(delivery.key),
      },
      body: JSON.stringify({
        senderAddress: from,
        content: { subject, plainText: text },
        recipients: { to: channel.to.map((address) => ({ address })) },
        headers: { 'Auto-Submitted': 'auto-generated' },
        userEngagementTrackingDisabled: true,
      }),
    })
    // 409: this operation is known.
    if (response.status !== 202 && response.status !== 409) throw refused('communication', response)
  }

  /** Source: Communication Services REST reference, Sms - Send, 2021-03-07. */
  async function sendSms(delivery: Delivery, to: string): Promise<void> {
    if (settings.communicationEndpoint === undefined || settings.smsFrom === undefined)
      throw new CoreError(
        'channel.rejected',
        'expected Communication Services with a number (ANYHUB_SMS_FROM), found none',
      )
    const response = await ask({
      service: 'communication',
      method: 'POST',
      path: '/sms?api-version=2021-03-07',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        from: settings.smsFrom,
        smsRecipients: [
          {
            to,
            repeatabilityRequestId: uuidOf(`${delivery.key}>${to}`),
            repeatabilityFirstSent: new Date(delivery.notification.at).toUTCString(),
          },
        ],
        message: renderText(delivery),
        smsSendOptions: { enableDeliveryReport: false },
      }),
    })
    if (response.status !== 202) throw refused('communication', response)
    const { successful, status, reason } = smsResultOf(response)
    if (successful) return
    const passing = status === 429 || status >= 500
    throw new CoreError(
      passing ? 'channel.unavailable' : 'channel.rejected',
      `communication: ${to.slice(0, 4)}…: ${status} ${reason}`.trim(),
      { details: { status } },
    )
  }

  /**
   * To everybody who registered a tag, by templates of the apps: `$(message)` and the other members stand in them.
   *
   * Source: Notification Hubs REST reference, "Send a template notification".
   */
  async function sendPush(delivery: Delivery, tags: string): Promise<void> {
    if (settings.notificationHub === undefined || settings.notificationHubConnection === undefined)
      throw new CoreError(
        'channel.rejected',
        'expected a notification hub (ANYHUB_NOTIFICATION_HUB and its connection), found none',
      )
    // Tags stand in a header, which takes no others.
    if (!/^[\x20-\x7e]+$/.test(tags))
      throw new CoreError('channel.rejected', 'expected tags in ASCII, found other characters')
    const { deviceId, severity, subject, at } = delivery.notification
    const response = await ask({
      service: 'notificationhubs',
      method: 'POST',
      path: '/messages/?api-version=2015-01',
      headers: {
        'content-type': 'application/json;charset=utf-8',
        'servicebusnotification-format': 'template',
        'servicebusnotification-tags': tags,
      },
      body: JSON.stringify({
        message: renderText(delivery),
        subject,
        deviceId,
        severity,
        at: new Date(at).toISOString(),
        key: delivery.key,
      }),
    })
    if (response.status !== 200 && response.status !== 201)
      throw refused('notificationhubs', response)
  }

  return createChannels({
    config,
    clock,
    native: {
      email: sendMail,
      sms: ({ to }, delivery, sending) =>
        toEach(delivery, to, (number) => sendSms(delivery, number), sending),
      voice: notSent('voice', 'this deployment', '`telephony` of anyhub.yml'),
      push: ({ to }, delivery, sending) =>
        toEach(delivery, to, (tags) => sendPush(delivery, tags), sending),
    },
  })
}

/** An answer that is not the one for what was taken. */
function refused(service: string, response: AzureResponse): CoreError {
  const { code, message } = faultOf(response)
  const { status } = response
  const retryAfterMs = retryAfterOf(response)
  const passing = status === 408 || status === 429 || status >= 500
  return new CoreError(
    passing ? 'channel.unavailable' : 'channel.rejected',
    `${service}: ${status} ${code} ${message}`.trim(),
    { details: { status, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) } },
  )
}

/** What became of the one message of a request, which is taken as a whole whatever becomes of it. */
function smsResultOf(response: AzureResponse) {
  const parsed = parseJson(response.body)
  const members = (value: unknown): ReadonlyMap<string, unknown> =>
    new Map(typeof value === 'object' && value !== null ? Object.entries(value) : [])
  const list = members(parsed).get('value')
  const result = members(Array.isArray(list) ? list[0] : undefined)
  const reason = result.get('errorMessage')
  return {
    successful: result.get('successful') === true,
    status: Number(result.get('httpStatusCode') ?? 0),
    reason: typeof reason === 'string' ? reason.slice(0, 200) : '',
  }
}

/** An id that is always the same for one text. Source: RFC 9562, 5.8: version 8, of SHA-256. */
function uuidOf(text: string): string {
  const hex = digestOf(text)
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
