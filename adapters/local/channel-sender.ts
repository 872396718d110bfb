import { type ChannelSender, type Clock, type Config, CoreError } from '../../core/index.ts'
import { createMailer } from '../node/email.ts'
import { createWebhookSender } from '../node/webhook.ts'

/** Sends through webhooks and one SMTP server. After `close` nothing is sent, and what is under way fails. */
export function createChannelSender(
  config: Config,
  clock: Clock,
): ChannelSender & { close(): void } {
  const webhooks = createWebhookSender({ clock })
  const mailer = createMailer(config.smtp)
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
          return mailer.send(channel, delivery)
        case 'sms':
        case 'push':
          throw new CoreError(
            'channel.rejected',
            `expected a webhook or email on this machine, found ${channel.type}: a cloud sends it`,
          )
      }
    },
    close() {
      webhooks.close()
      mailer.close()
    },
  }
}
