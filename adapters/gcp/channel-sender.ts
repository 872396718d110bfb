import type { ChannelSender, Clock, Config } from '../../core/index.ts'
import { createChannels, notSent } from '../node/channels.ts'

export interface ChannelSenderOptions {
  readonly config: Config
  readonly clock: Clock
}

/** Sends through APIs of others, and mails through the configured server: Google has no service for mails. */
export function createChannelSender({
  config,
  clock,
}: ChannelSenderOptions): ChannelSender & { close(): void } {
  return createChannels({
    config,
    clock,
    native: {
      email: notSent('email', 'Google Cloud', 'a mail server: `smtp` of anyhub.yml'),
      sms: notSent('sms', 'Google Cloud', '`telephony` of anyhub.yml'),
      voice: notSent('voice', 'Google Cloud', '`telephony` of anyhub.yml'),
      push: notSent('push', 'Google Cloud', 'fcm'),
    },
  })
}
