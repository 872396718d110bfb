import type { Config } from '../../core/index.ts'
import { createChannelSender } from './channel-sender.ts'
import type { GcpSettings } from './config.ts'
import { createGcp, type Gcp } from './create-gcp.ts'

export { readConfig } from './config.ts'

/** Wires the core to Google for functions that send notifications. */
export function createGcpNotify(settings: GcpSettings, config: Config): Gcp {
  return createGcp(settings, config, { channels: createChannelSender })
}
