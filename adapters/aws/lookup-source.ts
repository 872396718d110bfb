import * as z from 'zod/mini'
import type { Json, LookupSource, Registry } from '../../core/index.ts'
import { createLookups, parseText } from '../node/lookups.ts'
import { type AwsClient, faultOf, unexpected } from './client.ts'
import { lazily } from './lazily.ts'

const SecretReply = lazily(() => z.object({ SecretString: z.optional(z.string()) }))

/** Answers what rules ask of AWS: `get_secret` of Secrets Manager, `aws_lambda`, and `get_registry_data`. */
export function createLookupSource(client: AwsClient, registry: Registry): LookupSource {
  async function secret(id: string): Promise<string | undefined> {
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
    return SecretReply().parse(JSON.parse(response.body.toString('utf8'))).SecretString
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
    return parseText(response.body.toString('utf8'))
  }

  return createLookups({ secret, lambda, registry })
}
