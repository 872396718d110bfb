import { createServer, type Server } from 'node:http'
import { type ChannelSender, type Config, parseConfig } from '../../core/index.ts'
import type { Arrived, ChannelSubject } from '../contract/channel-sender.ts'

/** A sender with webhooks whose other sides are here: one that answers, one that is gone, one that is not allowed. */
export async function openWebhooks(
  createSender: (config: Config) => ChannelSender & { close(): void },
): Promise<ChannelSubject> {
  const arrived: Arrived[] = []
  const subject = {
    answer: { status: 200, headers: {} as Readonly<Record<string, string>> },
  }
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      arrived.push({ headers: request.headers as Arrived['headers'], body })
      response.writeHead(subject.answer.status, subject.answer.headers)
      response.end()
    })
  })
  const port = await listen(server)
  const unused = await unusedPort()
  const parsed = parseConfig({
    channels: {
      ops: { type: 'webhook', url: `http://127.0.0.1:${port}/hook`, allowPrivate: true },
      dead: { type: 'webhook', url: `http://127.0.0.1:${unused}/`, allowPrivate: true },
      inside: { type: 'webhook', url: `http://127.0.0.1:${port}/hook` },
    },
  })
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
  const channels = createSender(parsed.config)
  return Object.assign(subject, {
    channels,
    webhookId: 'ops',
    deadWebhookId: 'dead',
    forbiddenId: 'inside',
    arrived: () => arrived,
    async close() {
      channels.close()
      await closeServer(server)
    },
  })
}

/** A port on which nobody listens any more. */
async function unusedPort(): Promise<number> {
  const server = createServer()
  const port = await listen(server)
  await closeServer(server)
  return port
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (typeof address === 'object' && address !== null) resolve(address.port)
      else reject(new Error('no port'))
    })
  })
}
