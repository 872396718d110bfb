import { type ChannelSender, type Clock, type Config, CoreError } from '../../core/index.ts'
import { createMailer } from '../node/email.ts'
import { sendWebhook } from '../node/webhook.ts'

/** Sends through webhooks and one SMTP server. */
export function createChannelSender(
  config: Config,
  clock: Clock,
): ChannelSender & { close(): void } {
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
          return sendWebhook(channel, delivery, clock.now())
        case 'email':
          return mailer.send(channel, delivery)
      }
    },
    close: () => mailer.close(),
  }
}
