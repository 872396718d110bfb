import {
  type ChannelSender,
  type Clock,
  type Config,
  CoreError,
  renderMail,
} from '../../core/index.ts'
import { createMailer } from '../node/email.ts'
import { createWebhookSender } from '../node/webhook.ts'
import { type AwsClient, faultOf } from './client.ts'
import { createTextSender } from './sns.ts'

export interface ChannelSenderOptions {
  readonly client: AwsClient
  readonly config: Config
  readonly clock: Clock
  /** The address that SES sends from, where the config names no mail server. */
  readonly mailFrom: string | undefined
}

type EmailConfig = Extract<Config['channels'][string], { type: 'email' }>

/** Sends through webhooks, and mails through the configured server or, without one, through SES. */
export function createChannelSender({
  client,
  config,
  clock,
  mailFrom,
}: ChannelSenderOptions): ChannelSender & { close(): void } {
  const webhooks = createWebhookSender({ clock })
  const sendText = createTextSender(client)
  const mailer = config.smtp === undefined ? undefined : createMailer(config.smtp)

  /** Source: Amazon SES API v2, SendEmail. */
  async function sendBySes(channel: EmailConfig, mail: ReturnType<typeof renderMail>) {
    const from = channel.from ?? mailFrom
    if (from === undefined)
      throw new CoreError(
        'channel.rejected',
        'expected a sender: `from` of the channel or the parameter mailFrom, found none',
      )
    const response = await client
      .send({
        service: 'ses',
        method: 'POST',
        path: '/v2/email/outbound-emails',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          FromEmailAddress: from,
          Destination: { ToAddresses: channel.to },
          Content: {
            Simple: {
              Subject: { Data: mail.subject, Charset: 'UTF-8' },
              Body: { Text: { Data: mail.text, Charset: 'UTF-8' } },
              Headers: [{ Name: 'Auto-Submitted', Value: 'auto-generated' }],
            },
          },
        }),
      })
      .catch((cause: unknown) => {
        throw new CoreError('channel.unavailable', 'ses: no answer', { cause })
      })
    if (response.status === 200) return
    const { code, message } = faultOf(response)
    throw new CoreError('channel.rejected', `ses: ${response.status} ${code} ${message}`)
  }

  return {
    async send(delivery) {
      const channel = Object.hasOwn(config.channels, delivery.channelId)
        ? config.channels[delivery.channelId]
        : undefined
      if (channel === undefined) {
        throw new CoreError(
          'channel.rejected',
          `expected a channel of the config, found ${JSON.stringify(delivery.channelId)}`,
        )
      }
      switch (channel.type) {
        case 'webhook':
          return webhooks.send(channel, delivery)
        case 'email':
          return mailer === undefined
            ? sendBySes(channel, renderMail(delivery))
            : mailer.send(channel, delivery)
        case 'sms':
        case 'push':
          return sendText(channel.type, channel.to, delivery)
      }
    },
    close() {
      webhooks.close()
      mailer?.close()
    },
  }
}
