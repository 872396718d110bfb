import type { Config } from '../../core/index.ts'
import { systemClock } from '../node/clock.ts'
import { createChannelSender } from './channel-sender.ts'
import type { AwsSettings } from './config.ts'
import { type Aws, createAws } from './create-aws.ts'

export { readConfig } from './config.ts'

/** Wires the core to AWS for functions that send notifications. */
export function createAwsNotify(settings: AwsSettings, config: Config): Aws {
  return createAws(settings, config, {
    channels: ({ client, config: filled }) =>
      createChannelSender({
        client,
        config: filled,
        clock: systemClock,
        mailFrom: settings.mailFrom,
      }),
  })
}
