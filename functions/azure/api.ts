import config from 'anyhub:config'
import { createAzureApi, readConfig } from '../../adapters/azure/api.ts'

/** HTTP, every path. Named in serverless.azure.yml as `api`. */
export const handler = createAzureApi(readConfig(process.env), config)
