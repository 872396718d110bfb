import * as z from 'zod/mini'
import { CoreError } from '../../core/index.ts'
import { type AwsClient, type AwsResponse, faultOf, unexpected } from './client.ts'
import { lazily } from './lazily.ts'

/** One value of an item, of the kinds that we use. Binary is base64. */
export type Attribute = { readonly S: string } | { readonly N: string } | { readonly B: string }
export type Item = Readonly<Record<string, Attribute>>

const AttributeSchema = lazily(() =>
  z.union([z.object({ S: z.string() }), z.object({ N: z.string() }), z.object({ B: z.string() })]),
)
const ItemSchema = lazily(() => z.record(z.string(), AttributeSchema()))

const GetReply = lazily(() => z.object({ Item: z.optional(ItemSchema()) }))
const BatchReply = lazily(() =>
  z.object({
    Responses: z._default(z.record(z.string(), z.array(ItemSchema())), {}),
    UnprocessedKeys: z._default(
      z.record(z.string(), z.object({ Keys: z.array(ItemSchema()) })),
      {},
    ),
  }),
)
const PageReply = lazily(() =>
  z.object({
    Items: z._default(z.array(ItemSchema()), []),
    Count: z._default(z.number(), 0),
    LastEvaluatedKey: z.optional(ItemSchema()),
  }),
)
const UpdateReply = lazily(() => z.object({ Attributes: z.optional(ItemSchema()) }))
const FailedReply = lazily(() => z.object({ Item: z.optional(ItemSchema()) }))

/** Keys that one BatchGetItem takes. Source: Amazon DynamoDB API reference, BatchGetItem. */
const MAX_BATCH = 100

/** A condition, or a key, with the names and values that stand in it. */
export interface Expression {
  readonly text: string
  readonly names?: Readonly<Record<string, string>>
  readonly values?: Item
}

/** What became of a conditional write. */
export type Written =
  | { readonly ok: true }
  /** The condition did not hold; the item as it is stored. */
  | { readonly ok: false; readonly stored: Item | undefined }

export interface Query {
  readonly table: string
  readonly index?: string
  readonly key: Expression
  readonly limit?: number
  readonly descending?: boolean
  readonly consistent?: boolean
  readonly after?: Item
}

/** The operations of DynamoDB that the stores need. */
export interface Dynamo {
  /** The item, read consistently. */
  get(table: string, key: Item): Promise<Item | undefined>
  /** Those of the items that exist, in no order, read consistently. */
  batchGet(table: string, keys: readonly Item[]): Promise<readonly Item[]>
  put(table: string, item: Item, condition?: Expression): Promise<Written>
  /** The item after the update, or what stood in its way. */
  update(
    table: string,
    key: Item,
    change: Expression,
    condition?: string,
  ): Promise<Written & { readonly item?: Item | undefined }>
  remove(table: string, key: Item): Promise<boolean>
  /** Items, first to last; pages are fetched until `limit` is reached. */
  query(query: Query): Promise<readonly Item[]>
  /** How many items a key has. */
  count(table: string, key: Expression): Promise<number>
  scan(table: string, projection: Expression): Promise<readonly Item[]>
  /** All puts or none. `ok: false` if a condition did not hold. */
  transact(
    puts: readonly {
      readonly table: string
      readonly item: Item
      readonly condition?: Expression
    }[],
  ): Promise<boolean>
}

/** DynamoDB over its JSON interface. */
export function createDynamo(client: AwsClient): Dynamo {
  async function call(operation: string, input: object): Promise<AwsResponse> {
    return client.send({
      service: 'dynamodb',
      method: 'POST',
      path: '/',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `DynamoDB_20120810.${operation}`,
      },
      body: JSON.stringify(input),
    })
  }

  async function ask<T>(operation: string, input: object, schema: z.ZodMiniType<T>): Promise<T> {
    const response = await call(operation, input)
    if (response.status !== 200) throw unexpected('dynamodb', response)
    return schema.parse(JSON.parse(response.body.toString('utf8')))
  }

  async function write(operation: string, input: object): Promise<Written & { body?: string }> {
    const response = await call(operation, {
      ...input,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    })
    const body = response.body.toString('utf8')
    if (response.status === 200) return { ok: true, body }
    const { code, message } = faultOf(response)
    if (code === 'ConditionalCheckFailedException')
      return { ok: false, stored: FailedReply().parse(JSON.parse(body)).Item }
    if (isTooLarge(code, message)) throw tooLarge(message)
    throw unexpected('dynamodb', response)
  }

  return {
    async get(table, key) {
      const input = { TableName: table, Key: key, ConsistentRead: true }
      return (await ask('GetItem', input, GetReply())).Item
    },

    async batchGet(table, keys) {
      const found: Item[] = []
      let waiting = [...keys]
      while (waiting.length > 0) {
        const Keys = waiting.slice(0, MAX_BATCH)
        const reply = await ask(
          'BatchGetItem',
          { RequestItems: { [table]: { Keys, ConsistentRead: true } } },
          BatchReply(),
        )
        found.push(...(reply.Responses[table] ?? []))
        const left = reply.UnprocessedKeys[table]?.Keys ?? []
        if (left.length === Keys.length)
          throw new CoreError('store.unavailable', 'dynamodb: no key of a batch was processed')
        waiting = [...left, ...waiting.slice(MAX_BATCH)]
      }
      return found
    },

    async put(table, item, condition) {
      return write('PutItem', { TableName: table, Item: item, ...conditionOf(condition) })
    },

    async update(table, key, change, condition) {
      const { body, ...written } = await write('UpdateItem', {
        TableName: table,
        Key: key,
        UpdateExpression: change.text,
        ReturnValues: 'ALL_NEW',
        ...(condition === undefined ? {} : { ConditionExpression: condition }),
        ...namesOf(change),
      })
      if (!written.ok || body === undefined) return written
      return { ...written, item: UpdateReply().parse(JSON.parse(body)).Attributes }
    },

    async remove(table, key) {
      const input = { TableName: table, Key: key, ReturnValues: 'ALL_OLD' }
      return (await ask('DeleteItem', input, UpdateReply())).Attributes !== undefined
    },

    async query({ table, index, key, limit, descending = false, consistent = false, after }) {
      const found: Item[] = []
      let start = after
      while (limit === undefined || found.length < limit) {
        const reply: z.output<ReturnType<typeof PageReply>> = await ask(
          'Query',
          {
            TableName: table,
            KeyConditionExpression: key.text,
            ScanIndexForward: !descending,
            ConsistentRead: consistent,
            ...namesOf(key),
            ...(index === undefined ? {} : { IndexName: index }),
            ...(limit === undefined ? {} : { Limit: limit - found.length }),
            ...(start === undefined ? {} : { ExclusiveStartKey: start }),
          },
          PageReply(),
        )
        found.push(...reply.Items)
        start = reply.LastEvaluatedKey
        if (start === undefined) break
      }
      return found
    },

    async count(table, key) {
      let found = 0
      let start: Item | undefined
      do {
        const reply: z.output<ReturnType<typeof PageReply>> = await ask(
          'Query',
          {
            TableName: table,
            Select: 'COUNT',
            ConsistentRead: true,
            KeyConditionExpression: key.text,
            ...namesOf(key),
            ...(start === undefined ? {} : { ExclusiveStartKey: start }),
          },
          PageReply(),
        )
        found += reply.Count
        start = reply.LastEvaluatedKey
      } while (start !== undefined)
      return found
    },

    async scan(table, projection) {
      const found: Item[] = []
      let start: Item | undefined
      do {
        const reply: z.output<ReturnType<typeof PageReply>> = await ask(
          'Scan',
          {
            TableName: table,
            ProjectionExpression: projection.text,
            ...namesOf(projection),
            ...(start === undefined ? {} : { ExclusiveStartKey: start }),
          },
          PageReply(),
        )
        found.push(...reply.Items)
        start = reply.LastEvaluatedKey
      } while (start !== undefined)
      return found
    },

    async transact(puts) {
      const TransactItems = puts.map(({ table, item, condition }) => ({
        Put: { TableName: table, Item: item, ...conditionOf(condition) },
      }))
      const response = await call('TransactWriteItems', { TransactItems })
      if (response.status === 200) return true
      const { code, message } = faultOf(response)
      if (code === 'TransactionCanceledException' && /ConditionalCheckFailed/.test(message))
        return false
      if (isTooLarge(code, message)) throw tooLarge(message)
      throw unexpected('dynamodb', response)
    },
  }
}

export function text(item: Item, name: string): string | undefined {
  const value = item[name]
  return value !== undefined && 'S' in value ? value.S : undefined
}

export function number(item: Item, name: string): number | undefined {
  const value = item[name]
  return value !== undefined && 'N' in value ? Number(value.N) : undefined
}

export function bytes(item: Item, name: string): Buffer | undefined {
  const value = item[name]
  return value !== undefined && 'B' in value ? Buffer.from(value.B, 'base64') : undefined
}

function conditionOf(condition: Expression | undefined): object {
  return condition === undefined
    ? {}
    : { ConditionExpression: condition.text, ...namesOf(condition) }
}

function namesOf({ names, values }: Expression): object {
  return {
    ...(names === undefined ? {} : { ExpressionAttributeNames: names }),
    ...(values === undefined ? {} : { ExpressionAttributeValues: values }),
  }
}

/** Source: Amazon DynamoDB developer guide: an item is 400 KB at most. */
function isTooLarge(code: string, message: string): boolean {
  return code === 'ValidationException' && /size/i.test(message)
}

function tooLarge(message: string): CoreError {
  return new CoreError(
    'device.record_too_large',
    `expected an item of at most 400 KB, and DynamoDB says: ${message}`,
  )
}
