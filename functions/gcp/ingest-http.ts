import config from 'anyhub:config'
import { createGcpIngestHttp, readConfig } from '../../adapters/gcp/ingest-http.ts'

/** HTTP, public: devices show tokens of their own. Named in serverless.gcp.yml as `ingest-http`. */
export const handler = createGcpIngestHttp(readConfig(process.env), config)
