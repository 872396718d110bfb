import type { ChannelSender, Clock, Config } from '../../core/index.ts'
import { createChannels, type NativeChannels, notSent } from '../node/channels.ts'
import { createMailer } from '../node/email.ts'

/**
 * Sends through APIs of others and one SMTP server. After `close` nothing is sent, and what is under way fails.
 *
 * `catchMail` takes mails where there is no server; without it they are refused.
 */
export function createChannelSender(
  config: Config,
  clock: Clock,
  catchMail: NativeChannels['email'] = createMailer(undefined).send,
): ChannelSender & { close(): void } {
  return createChannels({
    config,
    clock,
    native: {
      email: catchMail,
      sms: notSent('sms', 'this machine', '`telephony` of anyhub.yml'),
      voice: notSent('voice', 'this machine', '`telephony` of anyhub.yml'),
      push: notSent('push', 'this machine', 'fcm, apns or web-push'),
    },
  })
}
