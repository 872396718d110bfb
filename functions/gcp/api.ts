import config from 'anyhub:config'
import { createGcpApi, readConfig } from '../../adapters/gcp/api.ts'

/** HTTP, every path. Named in serverless.gcp.yml as `api`. */
export const handler = createGcpApi(readConfig(process.env), config)
