import config from 'anyhub:config'
import { createAzure, readConfig } from '../../adapters/azure/index.ts'

const azure = createAzure(readConfig(process.env), config)

/** Event Hubs endpoint of the hub, many at a time. Named in serverless.azure.yml as `ingest`. */
export const handler = azure.ingest

/** Sends what was measured; Azure calls it before it ends the process. */
export const close = azure.close
