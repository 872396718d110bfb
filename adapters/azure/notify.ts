import type { Config } from '../../core/index.ts'
import { createChannelSender } from './channel-sender.ts'
import type { AzureSettings } from './config.ts'
import { type Azure, createAzure } from './create-azure.ts'

export { readConfig } from './config.ts'

/** Wires the core to Azure for functions that send notifications. */
export function createAzureNotify(settings: AzureSettings, config: Config): Azure {
  return createAzure(settings, config, { channels: createChannelSender })
}
