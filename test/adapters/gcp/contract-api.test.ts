import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { vi } from 'vitest'
import { createGcpApi } from '../../../adapters/gcp/api.ts'
import { parseConfig } from '../../../core/index.ts'
import { API_CONFIG, apiContract } from '../../contract/api.ts'
import { describeWithEmulators, startFirestore, startPubSub } from './emulators.ts'
import { ADMIN_TOKEN, openStack } from './stack.ts'

apiContract(
  'Google',
  async () => {
    const [firestore, pubsub] = await Promise.all([startFirestore(), startPubSub()])
    const stack = await openStack({ firestore, pubsub })
    vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    const parsed = parseConfig(API_CONFIG)
    if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
    const serve = createGcpApi(stack.settings, parsed.config)
    // The runtime of Google reads the body before it calls.
    const server = createServer((incoming, outgoing) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () => {
        const rawBody = Buffer.concat(chunks)
        void serve(Object.assign(incoming, rawBody.length === 0 ? {} : { rawBody }), outgoing)
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    return {
      adminToken: ADMIN_TOKEN,
      async ask({ method, path, headers, body }) {
        const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
          method,
          headers,
          ...(body === undefined ? {} : { body }),
        })
        return {
          status: answer.status,
          headers: Object.fromEntries(answer.headers),
          text: await answer.text(),
        }
      },
      async close() {
        vi.restoreAllMocks()
        server.closeAllConnections()
        server.close()
        await stack.close()
        await Promise.all([firestore.stop(), pubsub.stop()])
      },
    }
  },
  describeWithEmulators,
)
