import * as z from 'zod/mini'
import type { LookupSource, Registry } from '../../core/index.ts'
import { createLookups } from '../node/lookups.ts'
import { parseJson } from '../node/web-sender.ts'
import { type AzureClient, unexpected } from './client.ts'
import { lazily } from './lazily.ts'

const SecretReply = lazily(() => z.object({ value: z.string() }))

export interface LookupSourceOptions {
  readonly client: AzureClient
  /** Whether there is a Key Vault: without one there are no secrets. */
  readonly vault: boolean
  readonly registry: Pick<Registry, 'get'>
}

/**
 * Answers what rules ask of Azure: `get_secret` of Key Vault (its latest version), and `get_registry_data`. `aws_lambda` is
 * of AWS alone: here it is Undefined, as a function that is not there.
 */
export function createLookupSource({ client, vault, registry }: LookupSourceOptions): LookupSource {
  return createLookups({
    registry,
    lambda: async () => undefined,
    /** Source: Key Vault REST reference, Get Secret. */
    async secret(id) {
      // Names have letters, digits and hyphens: another is none, and is not asked for.
      if (!vault || !/^[0-9A-Za-z-]{1,127}$/.test(id)) return undefined
      const path = `/secrets/${id}?api-version=7.4`
      const response = await client.send({ service: 'keyvault', method: 'GET', path })
      if (response.status === 404) return undefined
      if (response.status !== 200) throw unexpected('keyvault', response)
      return SecretReply().parse(parseJson(response.body)).value
    },
  })
}
