import {
  type ChannelSender,
  type Clock,
  type Config,
  CoreError,
  renderMail,
} from '../../core/index.ts'
import { createChannels, notSent } from '../node/channels.ts'
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

/** Sends through APIs of others; mails without a configured server through SES, text messages and pushes through SNS. */
export function createChannelSender({
  client,
  config,
  clock,
  mailFrom,
}: ChannelSenderOptions): ChannelSender & { close(): void } {
  const sendText = createTextSender(client)

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

  return createChannels({
    config,
    clock,
    native: {
      email: (channel, delivery) => sendBySes(channel, renderMail(delivery)),
      sms: ({ to }, delivery, sending) => sendText('sms', to, delivery, sending),
      voice: notSent('voice', 'this deployment', '`telephony` of anyhub.yml'),
      push: ({ to }, delivery, sending) => sendText('push', to, delivery, sending),
    },
  })
}
