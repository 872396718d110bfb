import { type AwsClient, createAwsClient } from '../../../adapters/aws/client.ts'
import { createDynamo, type Dynamo } from '../../../adapters/aws/dynamo.ts'

// Tables, buckets and streams of a test of its own, as serverless.aws.yml makes them.

export const REGION = 'eu-central-1'
const LOCATION = `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>${REGION}</LocationConstraint></CreateBucketConfiguration>`
const CREDENTIALS = { accessKeyId: 'testing', secretAccessKey: 'testing' }

let counter = 0

/** A name that no other test of this process has. */
export function freshName(): string {
  counter++
  return `t${process.pid}-${counter}`
}

export interface Account {
  readonly client: AwsClient
  readonly dynamo: Dynamo
  /** Creates what a JSON service makes, and fails with its words. */
  create(service: string, target: string, input: object): Promise<void>
  createBucket(name: string): Promise<void>
  /** Creates a queue of SQS, and gives its URL. */
  createQueue(name: string, attributes: Readonly<Record<string, string>>): Promise<string>
  /** Calls fail from now on, as if the network were cut. */
  takeAway(): Promise<void>
  close(): Promise<void>
}

/** A client whose way to the service can be cut. */
export async function openAccount(endpoint: string): Promise<Account> {
  let away = false
  const reach = createAwsClient({
    region: REGION,
    endpoint,
    credentials: () => CREDENTIALS,
    random: () => 0,
  })
  const unreachable = createAwsClient({
    region: REGION,
    endpoint: 'http://127.0.0.1:1',
    credentials: () => CREDENTIALS,
    random: () => 0,
  })
  const client: AwsClient = {
    send: (request) => (away ? unreachable : reach).send(request),
    presign: (request, seconds) => reach.presign(request, seconds),
    close: () => reach.close(),
  }
  return {
    client,
    dynamo: createDynamo(client),
    async create(service, target, input) {
      const response = await client.send({
        service,
        method: 'POST',
        path: '/',
        headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': target },
        body: JSON.stringify(input),
      })
      if (response.status !== 200) throw new Error(response.body.toString('utf8'))
    },
    async createQueue(name, attributes) {
      const made = await client.send(
        sqsRequest('CreateQueue', { QueueName: name, Attributes: attributes }),
      )
      if (made.status !== 200) throw new Error(made.body.toString('utf8'))
      return String(JSON.parse(made.body.toString('utf8')).QueueUrl)
    },
    async createBucket(name) {
      const response = await client.send({
        service: 's3',
        method: 'PUT',
        path: `/${name}`,
        headers: { 'content-type': 'application/xml' },
        body: LOCATION,
      })
      if (response.status !== 200) throw new Error(response.body.toString('utf8'))
    },
    async takeAway() {
      away = true
    },
    async close() {
      client.close()
      unreachable.close()
    },
  }
}

/** The table of records, with its two indexes. */
export function devicesTable(name: string): object {
  return {
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [
      { AttributeName: 'deviceId', AttributeType: 'S' },
      { AttributeName: 'shelf', AttributeType: 'S' },
      { AttributeName: 'dueShard', AttributeType: 'S' },
      { AttributeName: 'due', AttributeType: 'N' },
    ],
    KeySchema: [{ AttributeName: 'deviceId', KeyType: 'HASH' }],
    GlobalSecondaryIndexes: [
      {
        IndexName: 'byId',
        KeySchema: [
          { AttributeName: 'shelf', KeyType: 'HASH' },
          { AttributeName: 'deviceId', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
      {
        IndexName: 'due',
        KeySchema: [
          { AttributeName: 'dueShard', KeyType: 'HASH' },
          { AttributeName: 'due', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
    ],
  }
}

/** A table of two keys. */
export function pairTable(name: string, hash: string, range: string): object {
  return {
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [hash, range].map((AttributeName) => ({
      AttributeName,
      AttributeType: 'S',
    })),
    KeySchema: [
      { AttributeName: hash, KeyType: 'HASH' },
      { AttributeName: range, KeyType: 'RANGE' },
    ],
  }
}

/** The table of deliveries, with its index. */
export function notificationsTable(name: string): object {
  return {
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [
      { AttributeName: 'key', AttributeType: 'S' },
      { AttributeName: 'waiting', AttributeType: 'S' },
      { AttributeName: 'due', AttributeType: 'N' },
    ],
    KeySchema: [{ AttributeName: 'key', KeyType: 'HASH' }],
    GlobalSecondaryIndexes: [
      {
        IndexName: 'waiting',
        KeySchema: [
          { AttributeName: 'waiting', KeyType: 'HASH' },
          { AttributeName: 'due', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
    ],
  }
}

/** Takes all that waits in a queue, as its bodies. */
export async function receiveAll({ client }: Account, url: string): Promise<readonly string[]> {
  const bodies: string[] = []
  for (;;) {
    const input = { QueueUrl: url, MaxNumberOfMessages: 10 }
    const reply = await client.send(sqsRequest('ReceiveMessage', input))
    const found: { Body: string; ReceiptHandle: string }[] =
      JSON.parse(reply.body.toString('utf8')).Messages ?? []
    if (found.length === 0) return bodies
    for (const { Body, ReceiptHandle } of found) {
      bodies.push(Body)
      await client.send(sqsRequest('DeleteMessage', { QueueUrl: url, ReceiptHandle }))
    }
  }
}

function sqsRequest(operation: string, input: object) {
  return {
    service: 'sqs',
    method: 'POST',
    path: '/',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `AmazonSQS.${operation}`,
    },
    body: JSON.stringify(input),
  } as const
}
