import * as z from 'zod/mini'
import type { LookupSource, Registry } from '../../core/index.ts'
import { createLookups } from '../node/lookups.ts'
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
  return createLookups({
    registry,
    lambda: async () => undefined,
    async secret(id) {
      const response = await client.send({
        service: 'secretmanager',
        method: 'GET',
        path: `/v1/projects/${project}/secrets/${encodeURIComponent(id)}/versions/latest:access`,
      })
      if (response.status === 404) return undefined
      if (response.status !== 200) throw unexpected('secretmanager', response)
      const { payload } = AccessReply.parse(JSON.parse(response.body.toString('utf8')))
      return Buffer.from(payload.data, 'base64').toString('utf8')
    },
  })
}
