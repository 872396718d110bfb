import * as z from 'zod/mini'
import { CoreError } from '../../core/index.ts'
import { type AwsClient, faultOf, unexpected } from './client.ts'
import { lazily } from './lazily.ts'

/** One message for a queue. */
export interface SqsMessage {
  readonly body: string
  /** For queues that keep an order: who is told apart, and the key of which one is taken. */
  readonly group?: string
  readonly deduplicationId?: string
}

/** The operations of SQS that the adapters need. */
export interface Sqs {
  /** @throws CoreError `input.not_found` if there is no queue of that name. */
  urlOf(name: string): Promise<string>
  send(url: string, messages: readonly SqsMessage[]): Promise<void>
  /** Takes up to `limit` messages and hides them for so long. Unit: s. */
  receive(url: string, limit: number, seconds: number): Promise<readonly ReceivedMessage[]>
  /** Gives false if the handle is none, or none any more. */
  remove(url: string, handle: string): Promise<boolean>
  /** Shows a message to others again, at once. */
  release(url: string, handle: string): Promise<void>
}

export interface ReceivedMessage {
  readonly handle: string
  /** Epoch ms. */
  readonly sentAt: number
  readonly body: string
}

/** What SendMessageBatch takes at most: messages, and bytes of all of them. Source: Amazon SQS API reference. */
const MAX_BATCH = 10
const MAX_BATCH_BYTES = 262_144

const UrlReply = lazily(() => z.object({ QueueUrl: z.string() }))
const SendReply = lazily(() =>
  z.object({
    Failed: z._default(
      z.array(z.object({ Id: z.string(), Message: z._default(z.string(), '') })),
      [],
    ),
  }),
)

const ReceiveReply = lazily(() =>
  z.object({
    Messages: z._default(
      z.array(
        z.object({
          Body: z.string(),
          ReceiptHandle: z.string(),
          Attributes: z.object({ SentTimestamp: z.coerce.number() }),
        }),
      ),
      [],
    ),
  }),
)

/** Messages in their order, so many in each batch as one call takes. */
function batchesOf(messages: readonly SqsMessage[]): readonly (readonly SqsMessage[])[] {
  const batches: SqsMessage[][] = []
  let bytes = 0
  for (const message of messages) {
    const size = Buffer.byteLength(message.body)
    const last = batches.at(-1)
    if (last === undefined || last.length === MAX_BATCH || bytes + size > MAX_BATCH_BYTES) {
      batches.push([message])
      bytes = size
    } else {
      last.push(message)
      bytes += size
    }
  }
  return batches
}

/** SQS over its JSON interface. */
export function createSqs(client: AwsClient): Sqs {
  async function call(operation: string, input: object) {
    return client.send({
      service: 'sqs',
      method: 'POST',
      path: '/',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `AmazonSQS.${operation}`,
      },
      body: JSON.stringify(input),
    })
  }

  return {
    async urlOf(name) {
      const response = await call('GetQueueUrl', { QueueName: name })
      if (response.status === 200)
        return UrlReply().parse(JSON.parse(response.body.toString('utf8'))).QueueUrl
      if (/NonExistentQueue|QueueDoesNotExist/.test(faultOf(response).code))
        throw new CoreError('input.not_found', `expected a queue, found none of the name ${name}`)
      throw unexpected('sqs', response)
    },

    async send(url, messages) {
      for (const batch of batchesOf(messages)) {
        const response = await call('SendMessageBatch', {
          QueueUrl: url,
          Entries: batch.map(({ body, group, deduplicationId }, index) => ({
            Id: String(index),
            MessageBody: body,
            ...(group === undefined ? {} : { MessageGroupId: group }),
            ...(deduplicationId === undefined ? {} : { MessageDeduplicationId: deduplicationId }),
          })),
        })
        if (response.status !== 200) throw unexpected('sqs', response)
        const [failed] = SendReply().parse(JSON.parse(response.body.toString('utf8'))).Failed
        if (failed !== undefined)
          throw new CoreError('store.unavailable', `sqs: message not taken: ${failed.Message}`)
      }
    },

    async receive(url, limit, seconds) {
      const found: ReceivedMessage[] = []
      while (found.length < limit) {
        const response = await call('ReceiveMessage', {
          QueueUrl: url,
          MaxNumberOfMessages: Math.min(MAX_BATCH, limit - found.length),
          VisibilityTimeout: seconds,
          MessageSystemAttributeNames: ['SentTimestamp'],
        })
        if (response.status !== 200) throw unexpected('sqs', response)
        const { Messages } = ReceiveReply().parse(JSON.parse(response.body.toString('utf8')))
        if (Messages.length === 0) break
        for (const { Body, ReceiptHandle, Attributes } of Messages)
          found.push({ handle: ReceiptHandle, sentAt: Attributes.SentTimestamp, body: Body })
      }
      return found
    },

    async remove(url, handle) {
      const response = await call('DeleteMessage', { QueueUrl: url, ReceiptHandle: handle })
      if (response.status === 200) return true
      if (/ReceiptHandleIsInvalid|InvalidParameterValue/.test(faultOf(response).code)) return false
      throw unexpected('sqs', response)
    },

    async release(url, handle) {
      const response = await call('ChangeMessageVisibility', {
        QueueUrl: url,
        ReceiptHandle: handle,
        VisibilityTimeout: 0,
      })
      const gone = /ReceiptHandleIsInvalid|MessageNotInflight|InvalidParameterValue/
      if (response.status !== 200 && !gone.test(faultOf(response).code))
        throw unexpected('sqs', response)
    },
  }
}
