import config from 'anyhub:config'
import { createAwsNotify, readConfig } from '../../adapters/aws/notify.ts'

const aws = createAwsNotify(readConfig(process.env), config)

/** EventBridge Scheduler, once a minute. Named in serverless.aws.yml as `tick`. */
export function handler(): Promise<void> {
  return aws.tick()
}
