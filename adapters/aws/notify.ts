import type { Config } from '../../core/index.ts'
import { systemClock } from '../node/clock.ts'
import { createChannelSender } from './channel-sender.ts'
import type { AwsSettings } from './config.ts'
import { type Aws, createAws } from './index.ts'

export { readConfig } from './config.ts'

/** Wires the core to AWS for functions that send notifications. */
export function createAwsNotify(settings: AwsSettings, config: Config): Aws {
  return createAws(settings, config, {
    channels: ({ client }) =>
      createChannelSender({ client, config, clock: systemClock, mailFrom: settings.mailFrom }),
  })
}
