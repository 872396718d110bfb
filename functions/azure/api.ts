import config from 'anyhub:config'
import { createAzureApi, readConfig } from '../../adapters/azure/api.ts'

/** HTTP, every path. Named in serverless.azure.yml as `api`. */
export const handler = createAzureApi(readConfig(process.env), config)

/** Sends what was measured; Azure calls it before it ends the process. */
export const { close } = handler
