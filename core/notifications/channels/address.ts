import * as z from 'zod'
import { CoreError } from '../../errors.ts'
import type { ChannelConfig } from './list.ts'
import { PhoneNumber } from './telephony.ts'

const Mail = z.email()
const AppName = z.string().min(1).max(2_048)
const Chat = z.string().regex(/^(-?\d{1,20}|@\w{4,64})$/, 'expected a chat id or @name')
const FcmToken = z.string().min(1).max(4_096)
const ApnsToken = z.string().regex(/^[0-9a-fA-F]{32,200}$/, 'expected a device token in hex')

/**
 * The channel with one address in place of those that it names.
 *
 * @throws CoreError `channel.rejected` if channels of this type have no such addresses.
 */
export function addressed(channel: ChannelConfig, to: string | undefined): ChannelConfig {
  if (to === undefined) return channel
  switch (channel.type) {
    case 'email':
      return { ...channel, to: [read(Mail, to, 'a mail address')] }
    case 'sms':
    case 'voice':
      return { ...channel, to: [read(PhoneNumber, to, 'a telephone number as E.164')] }
    case 'push':
      return { ...channel, to: [read(AppName, to, 'the name of an app')] }
    case 'telegram':
      return { ...channel, chats: [read(Chat, to, 'a chat id or @name')] }
    case 'fcm': {
      const { topic: _everyone, ...rest } = channel
      return { ...rest, tokens: [read(FcmToken, to, 'a registration token')] }
    }
    case 'apns':
      return { ...channel, tokens: [read(ApnsToken, to, 'a device token in hex')] }
    case 'web-push':
    case 'webhook':
    case 'slack':
    case 'teams':
    case 'mqtt':
    case 'queue':
      throw new CoreError(
        'channel.rejected',
        `expected no address: a channel of type ${channel.type} has one place where it goes`,
      )
  }
}

/** The address itself stays out of the sentence: it is somebody's. */
function read(schema: z.ZodType<string>, to: string, what: string): string {
  const parsed = schema.safeParse(to)
  if (parsed.success) return parsed.data
  throw new CoreError(
    'channel.rejected',
    `expected ${what}, found ${to.length} characters that are none`,
  )
}
