import config from 'anyhub:config'
import { createAwsApi, readConfig } from '../../adapters/aws/api.ts'

const serve = createAwsApi(readConfig(process.env), config)

/** HTTP API, every path. Named in serverless.aws.yml as `api`. */
export function handler(event: unknown): Promise<unknown> {
  return serve(event)
}
