import config from 'anyhub:config'
import { checkScheduled, createAwsTick, readConfig } from '../../adapters/aws/tick.ts'

const aws = createAwsTick(readConfig(process.env), config)

/** EventBridge Scheduler, once a minute. Named in serverless.aws.yml as `tick`. */
export async function handler(event: unknown): Promise<void> {
  checkScheduled(event)
  await aws.tick()
}
