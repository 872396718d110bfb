import * as z from 'zod/mini'
import { isJsonObject, type Json, type LookupSource, type Registry } from '../../core/index.ts'
import { type AwsClient, faultOf, unexpected } from './client.ts'
import { lazily } from './lazily.ts'

const SecretReply = lazily(() => z.object({ SecretString: z.optional(z.string()) }))

/** Answers what rules ask of AWS: `get_secret` of Secrets Manager, `aws_lambda`, and `get_registry_data`. */
export function createLookupSource(client: AwsClient, registry: Registry): LookupSource {
  async function secret(id: string, key: string | undefined): Promise<Json | undefined> {
    const response = await client.send({
      service: 'secretsmanager',
      method: 'POST',
      path: '/',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'secretsmanager.GetSecretValue',
      },
      body: JSON.stringify({ SecretId: id }),
    })
    if (response.status !== 200) {
      if (faultOf(response).code === 'ResourceNotFoundException') return undefined
      throw unexpected('secretsmanager', response)
    }
    const { SecretString } = SecretReply().parse(JSON.parse(response.body.toString('utf8')))
    if (key === undefined || SecretString === undefined) return SecretString
    const parsed = parse(SecretString)
    return isJsonObject(parsed) && Object.hasOwn(parsed, key) ? parsed[key] : undefined
  }

  /** Source: AWS IoT developer guide, aws_lambda(functionArn, inputJson). */
  async function lambda(name: string, input: Json): Promise<Json | undefined> {
    const response = await client.send({
      service: 'lambda',
      method: 'POST',
      path: `/2015-03-31/functions/${encodeURIComponent(name)}/invocations`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(input),
    })
    if (response.status === 404) return undefined
    if (response.status !== 200) throw unexpected('lambda', response)
    if (response.headers['x-amz-function-error'] !== undefined) return undefined
    return parse(response.body.toString('utf8'))
  }

  return {
    async answer({ function: name, args: [first, second, third, ...rest] }) {
      if (typeof first !== 'string') return undefined
      switch (name) {
        case 'get_secret':
          // get_secret(id, type[, key], roleArn)
          return secret(first, rest.length > 0 && typeof third === 'string' ? third : undefined)
        case 'aws_lambda':
          return lambda(first, second ?? null)
        case 'get_registry_data': {
          // get_registry_data('DescribeThing', thing, roleArn)
          if (first.toLowerCase() !== 'describething' || typeof second !== 'string')
            return undefined
          const device = await registry.get(second)
          if (device === undefined) return undefined
          const { deviceId, type, tags, version } = device
          return {
            thingName: deviceId,
            attributes: { ...tags },
            version,
            ...(type === undefined ? {} : { thingTypeName: type }),
          }
        }
        default:
          return undefined
      }
    },
  }
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
