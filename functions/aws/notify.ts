import config from 'anyhub:config'
import { createAwsNotify, readConfig } from '../../adapters/aws/notify.ts'

const aws = createAwsNotify(readConfig(process.env), config)

/** SQS, two queues by priority. Named in serverless.aws.yml as `notify`. */
export function handler(event: unknown): Promise<unknown> {
  return aws.notify(event)
}
