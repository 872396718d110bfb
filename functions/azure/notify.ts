import config from 'anyhub:config'
import { createAzureNotify, readConfig } from '../../adapters/azure/notify.ts'

const azure = createAzureNotify(readConfig(process.env), config)

/** Storage queues, two by priority. Named in serverless.azure.yml as `notify`. */
export const handler = azure.notify

/** Sends what was measured; Azure calls it before it ends the process. */
export const close = azure.close
