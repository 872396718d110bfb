import { type ChannelSender, type Clock, type Config, CoreError } from '../../core/index.ts'
import { createMailer } from '../node/email.ts'
import { createWebhookSender } from '../node/webhook.ts'

export interface ChannelSenderOptions {
  readonly config: Config
  readonly clock: Clock
}

/** Sends through webhooks, and mails through the configured server: Google has no service for mails. */
export function createChannelSender({
  config,
  clock,
}: ChannelSenderOptions): ChannelSender & { close(): void } {
  const webhooks = createWebhookSender({ clock })
  const mailer = config.smtp === undefined ? undefined : createMailer(config.smtp)

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
          if (mailer === undefined)
            throw new CoreError(
              'channel.rejected',
              'expected a mail server: `smtp` of anyhub.yml, found none',
            )
          return mailer.send(channel, delivery)
        case 'sms':
        case 'push':
          throw new CoreError(
            'channel.rejected',
            `expected a webhook or email, found ${channel.type}: Google Cloud sends none`,
          )
      }
    },
    close() {
      webhooks.close()
      mailer?.close()
    },
  }
}
