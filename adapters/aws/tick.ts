import type { Config } from '../../core/index.ts'
import { systemClock } from '../node/clock.ts'
import { createChannelSender } from './channel-sender.ts'
import type { AwsSettings } from './config.ts'
import { type Aws, createAws } from './create-aws.ts'
import { createThings } from './things.ts'

export { readConfig } from './config.ts'
export { checkScheduled } from './trigger.ts'

/** Wires the core to AWS for the function that time calls: it sends what was put off, and ends what has an end. */
export function createAwsTick(settings: AwsSettings, packaged: Config): Aws {
  const { region, endpoint, devicePolicy: policy, mailFrom } = settings
  return createAws(settings, packaged, {
    channels: ({ client, config }) =>
      createChannelSender({ client, config, clock: systemClock, mailFrom }),
    things: () => createThings({ region, endpoint, policy, clock: systemClock }),
  })
}
