import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startLocalCloud } from '../../../adapters/local/index.ts'
import { API_CONFIG, apiContract } from '../../contract/api.ts'
import { programOf } from './cloud.ts'

apiContract('the embedded cloud', async () => {
  const data = mkdtempSync(join(tmpdir(), 'anyhub-'))
  const cloud = await startLocalCloud({
    program: programOf(API_CONFIG),
    settings: {
      host: '127.0.0.1',
      httpPort: 0,
      httpsPort: undefined,
      mqttPort: undefined,
      mqttsPort: undefined,
      amqpsPort: undefined,
      keepEvents: false,
      data,
      durability: 'normal',
      requireAuth: true,
    },
    log: () => undefined,
  })
  return {
    adminToken: cloud.adminToken,
    async ask({ method, path, headers, body }) {
      const answer = await fetch(`http://127.0.0.1:${cloud.httpPort}${path}`, {
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
      await cloud.close()
      rmSync(data, { recursive: true, force: true })
    },
  }
})
