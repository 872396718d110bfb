import { vi } from 'vitest'
import { createAwsApi } from '../../../adapters/aws/api.ts'
import type { HttpReply } from '../../../adapters/aws/http.ts'
import { parseConfig } from '../../../core/index.ts'
import { API_CONFIG, apiContract } from '../../contract/api.ts'
import { httpEvent } from './events.ts'
import { describeWithMoto, startMoto } from './moto.ts'
import { ADMIN_TOKEN, openStack } from './stack.ts'

apiContract(
  'AWS',
  async () => {
    const moto = await startMoto()
    const stack = await openStack(moto.endpoint)
    vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    const parsed = parseConfig(API_CONFIG)
    if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
    const serve = createAwsApi(stack.settings, parsed.config)
    return {
      adminToken: ADMIN_TOKEN,
      async ask({ method, path, headers, body }) {
        const reply = (await serve(httpEvent(method, path, { ...headers }, body))) as HttpReply
        return { status: reply.statusCode, headers: reply.headers, text: reply.body }
      },
      async close() {
        vi.restoreAllMocks()
        await stack.close()
        await moto.stop()
      },
    }
  },
  describeWithMoto,
)
