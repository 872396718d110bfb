import config from 'anyhub:config'
import { checkScheduled, createAwsNotify, readConfig } from '../../adapters/aws/notify.ts'

const aws = createAwsNotify(readConfig(process.env), config)

/** EventBridge Scheduler, once a minute. Named in serverless.aws.yml as `tick`. */
export async function handler(event: unknown): Promise<void> {
  checkScheduled(event)
  await aws.tick()
}
