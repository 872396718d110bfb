import config from 'anyhub:config'
import { createGcpNotify, readConfig } from '../../adapters/gcp/notify.ts'

const gcp = createGcpNotify(readConfig(process.env), config)

/** Cloud Scheduler over HTTP, once a minute. Named in serverless.gcp.yml as `tick`. */
export const handler = gcp.push(gcp.tick)
