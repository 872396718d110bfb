import config from 'anyhub:config'
import { createGcp, readConfig } from '../../adapters/gcp/index.ts'

const gcp = createGcp(readConfig(process.env), config)

/** Pub/Sub trigger by Eventarc. Named in serverless.gcp.yml as `ingest`. */
export const handler = gcp.ingest

/** Pub/Sub push subscription, which costs less and keeps ordering keys. */
export const push = gcp.push(gcp.ingest)
