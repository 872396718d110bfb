import * as z from 'zod/mini'
import { isJsonObject, type Json, type LookupSource, type Registry } from '../../core/index.ts'
import { type GcpClient, unexpected } from './client.ts'

const AccessReply = z.object({ payload: z.object({ data: z._default(z.string(), '') }) })

export interface LookupSourceOptions {
  readonly client: GcpClient
  readonly project: string
  readonly registry: Registry
}

/**
 * Answers what rules ask of Google: `get_secret` of Secret Manager (its latest version), and `get_registry_data`.
 * `aws_lambda` is of AWS alone: here it is Undefined, as a function that is not there.
 */
export function createLookupSource({
  client,
  project,
  registry,
}: LookupSourceOptions): LookupSource {
  async function secret(id: string, key: string | undefined): Promise<Json | undefined> {
    const response = await client.send({
      service: 'secretmanager',
      method: 'GET',
      path: `/v1/projects/${project}/secrets/${encodeURIComponent(id)}/versions/latest:access`,
    })
    if (response.status === 404) return undefined
    if (response.status !== 200) throw unexpected('secretmanager', response)
    const { payload } = AccessReply.parse(JSON.parse(response.body.toString('utf8')))
    const text = Buffer.from(payload.data, 'base64').toString('utf8')
    if (key === undefined) return text
    const parsed = parse(text)
    return isJsonObject(parsed) && Object.hasOwn(parsed, key) ? parsed[key] : undefined
  }

  return {
    async answer({ function: name, args: [first, second, third, ...rest] }) {
      if (typeof first !== 'string') return undefined
      switch (name) {
        case 'get_secret':
          // get_secret(id, type[, key], roleArn)
          return secret(first, rest.length > 0 && typeof third === 'string' ? third : undefined)
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
