import config from 'anyhub:config'
import { createGcpNotify, readConfig } from '../../adapters/gcp/notify.ts'

const gcp = createGcpNotify(readConfig(process.env), config)

/** Pub/Sub trigger by Eventarc, two topics by priority. Named in serverless.gcp.yml as `notify`. */
export const handler = gcp.notify

/** Push subscriptions in its place. */
export const push = gcp.push(gcp.notify)
