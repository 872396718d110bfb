import { createHash } from 'node:crypto'
import type { AwsSettings } from '../../../adapters/aws/config.ts'
import { createSqs } from '../../../adapters/aws/sqs.ts'
import {
  type Account,
  devicesTable,
  freshName,
  notificationsTable,
  openAccount,
  pairTable,
  REGION,
  receiveAll,
} from './fresh-account.ts'

export const ADMIN_TOKEN = 'a-token-for-tests-only-0123456789'

/** All that serverless.aws.yml makes for the functions, made on a test cloud without CloudFormation. */
export interface Stack {
  readonly account: Account
  /** What the environment of a function says, with the endpoint that the functions shall use. */
  readonly settings: AwsSettings
  /** Takes what waits for notify, the high queue first, as bodies. */
  takeNotifications(): Promise<readonly string[]>
  /** Takes what a queue that rules or commands fill holds. */
  takeQueue(name: string): Promise<readonly string[]>
  close(): Promise<void>
}

/** `endpoint`: the test cloud; `through`: where the functions ask, if something stands between. */
export async function openStack(endpoint: string, through = endpoint): Promise<Stack> {
  // Functions have them from their role.
  process.env['AWS_ACCESS_KEY_ID'] = 'testing'
  process.env['AWS_SECRET_ACCESS_KEY'] = 'testing'
  const account = await openAccount(endpoint)
  const name = freshName()
  const tables = [
    devicesTable(`${name}-devices`),
    pairTable(`${name}-telemetry`, 'deviceId', 'sk'),
    pairTable(`${name}-items`, 'tbl', 'key'),
    notificationsTable(`${name}-notifications`),
  ]
  for (const table of tables)
    await account.create('dynamodb', 'DynamoDB_20120810.CreateTable', table)
  await account.createBucket(`${name}-bucket`)
  const high = await account.createQueue(`${name}-high`, {})
  const normal = await account.createQueue(`${name}-normal`, {})
  const prefix = `${name}-`
  await account.createQueue(`${prefix}own-feedback.fifo`, { FifoQueue: 'true' })
  return {
    account,
    settings: {
      region: REGION,
      endpoint: through,
      functionName: 'test',
      devicesTable: `${name}-devices`,
      telemetryTable: `${name}-telemetry`,
      itemsTable: `${name}-items`,
      notificationsTable: `${name}-notifications`,
      highQueueUrl: high,
      normalQueueUrl: normal,
      queuePrefix: prefix,
      coldStream: `${name}-cold`,
      bucket: `${name}-bucket`,
      devicePolicy: `${name}-device`,
      mailFrom: undefined,
      adminTokenDigest: createHash('sha256').update(ADMIN_TOKEN).digest('hex'),
    },
    takeNotifications: async () => [
      ...(await receiveAll(account, high)),
      ...(await receiveAll(account, normal)),
    ],
    takeQueue: async (queue) =>
      receiveAll(account, await createSqs(account.client).urlOf(`${prefix}${queue}`)),
    close: account.close,
  }
}
