import config from 'anyhub:config'
import { createAws, readConfig } from '../../adapters/aws/index.ts'

const aws = createAws(readConfig(process.env), config)

/** SQS or Kinesis, filled by our topic rules. Named in serverless.aws.yml as `ingest`. */
export function handler(event: unknown): Promise<unknown> {
  return aws.ingest(event)
}
