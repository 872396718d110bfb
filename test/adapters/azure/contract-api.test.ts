import { HttpRequest } from '@azure/functions'
import { vi } from 'vitest'
import { createAzureApi } from '../../../adapters/azure/api.ts'
import { parseConfig } from '../../../core/index.ts'
import { API_CONFIG, apiContract } from '../../contract/api.ts'
import { describeWithEmulators, startAzurite } from './azurite.ts'
import { startCosmos } from './cosmos-server.ts'
import { startHub } from './embedded-hub.ts'
import { ADMIN_TOKEN, openStack } from './stack.ts'

apiContract(
  'Azure',
  async () => {
    const [azurite, cosmos, hub] = await Promise.all([startAzurite(), startCosmos(), startHub()])
    const stack = await openStack({ azurite, cosmos, hub })
    vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    const parsed = parseConfig(API_CONFIG)
    if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
    const api = createAzureApi(stack.settings, parsed.config)
    return {
      adminToken: ADMIN_TOKEN,
      async ask({ method, path, headers, body }) {
        const reply = await api(
          new HttpRequest({
            method: method as 'GET',
            url: `https://anyhub.azurewebsites.net${path}`,
            headers: { ...headers },
            ...(body === undefined ? {} : { body: { string: body } }),
          }),
          {},
        )
        const bytes = reply.body as Uint8Array | undefined
        return {
          status: reply.status ?? 200,
          headers: Object.fromEntries(new Headers(reply.headers as Record<string, string>)),
          text: Buffer.from(bytes ?? []).toString('utf8'),
        }
      },
      async close() {
        vi.restoreAllMocks()
        await api.close()
        await stack.close()
        await Promise.all([azurite.stop(), cosmos.stop(), hub.close()])
      },
    }
  },
  describeWithEmulators,
)
