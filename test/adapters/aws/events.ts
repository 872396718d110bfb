import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { compileRule, type Json, runRule } from '../../../core/index.ts'

const require = createRequire(import.meta.url)

interface Deployed {
  readonly shadowSql: string
  readonly namedShadowSql: string
  readonly presenceSql: string
  readonly fromConfig: (serverless: {
    readonly resolveVariable: (name: string) => Promise<string>
  }) => Promise<{
    readonly Resources: Readonly<
      Record<
        string,
        { readonly Properties: { readonly TopicRulePayload: { readonly Sql: string } } }
      >
    >
  }>
}

/** One message as a device, or AWS IoT itself, publishes it. */
export interface Published {
  readonly topic: string
  readonly payload: Uint8Array
  /** '' where no client is behind it. */
  readonly clientId: string
  /** Epoch ms. */
  readonly at: number
}

/** What the topic rules that a config deploys make of messages: bodies for the queue of `ingest`. */
export type TopicRules = (published: Published) => readonly string[]

/** The rules of deploy/aws/stack.cjs, their SQL run by our own engine. */
export async function openTopicRules(configPath: string): Promise<TopicRules> {
  process.env['ANYHUB_CONFIG'] = configPath
  const path = resolve(import.meta.dirname, '../../../deploy/aws/stack.cjs')
  delete require.cache[path]
  const { shadowSql, namedShadowSql, presenceSql, fromConfig }: Deployed = require(path)
  const { Resources } = await fromConfig({ resolveVariable: async () => 'sqs' })
  const named = Object.values(Resources).map(({ Properties }) => Properties.TopicRulePayload.Sql)
  const rules = [...named, shadowSql, namedShadowSql, presenceSql].map((sql) => compileRule(sql))
  return ({ topic, payload, clientId, at }) => {
    const traceId = randomUUID()
    return rules.flatMap((rule) => {
      const result = runRule(rule, {
        body: parse(payload),
        bytes: payload,
        facts: {
          topic,
          nowMs: at,
          clientId,
          principal: 'a'.repeat(64),
          sourceIp: '192.0.2.1',
          traceId,
          newId: randomUUID,
          random: Math.random,
        },
      })
      return result.status === 'output' ? [JSON.stringify(result.value)] : []
    })
  }
}

/** An event of SQS as Lambda gets it. Source: AWS Lambda developer guide, with-sqs. */
export function sqsEvent(bodies: readonly string[], receiveCount = 1): Json {
  return {
    Records: bodies.map((body) => ({
      messageId: randomUUID(),
      receiptHandle: 'AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a',
      body,
      attributes: {
        ApproximateReceiveCount: String(receiveCount),
        SentTimestamp: String(Date.now()),
        SenderId: 'AIDAIENQZJOLO23YVJ4VO',
        ApproximateFirstReceiveTimestamp: String(Date.now()),
      },
      messageAttributes: {},
      md5OfBody: 'e4e68fb7bd0e697a0ae8f1bb342846b3',
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:eu-central-1:123456789012:uplinks',
      awsRegion: 'eu-central-1',
    })),
  }
}

/** An event of an HTTP API as Lambda gets it. Source: API Gateway developer guide, payload format version 2.0. */
export function httpEvent(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: string,
): Json {
  const [rawPath = '', rawQueryString = ''] = path.split('?')
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString,
    headers: { host: 'api.example.com', ...headers },
    requestContext: {
      accountId: '123456789012',
      apiId: 'api',
      domainName: 'api.example.com',
      http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'x' },
      requestId: 'JKJaXmPLvHcESHA=',
      routeKey: '$default',
      stage: '$default',
      time: '10/Mar/2025:05:16:23 +0000',
      timeEpoch: 1741583783000,
    },
    ...(body === undefined ? {} : { body: Buffer.from(body).toString('base64') }),
    isBase64Encoded: body !== undefined,
  }
}

function parse(payload: Uint8Array): Json | undefined {
  try {
    return JSON.parse(Buffer.from(payload).toString('utf8'))
  } catch {
    return undefined
  }
}
