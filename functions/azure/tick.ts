import config from 'anyhub:config'
import { createAzureTick, readConfig } from '../../adapters/azure/tick.ts'

const azure = createAzureTick(readConfig(process.env), config)

/** Timer, once a minute. Named in serverless.azure.yml as `tick`. */
export const handler = azure.tick

/** Sends what was measured; Azure calls it before it ends the process. */
export const close = azure.close
