import { createServer, type Server } from 'node:http'

/** A receiver of webhooks on this machine. */
export interface Webhook {
  readonly url: string
  /** How often each notification came, by its idempotency key. */
  readonly received: ReadonlyMap<string, number>
  clear(): void
  close(): Promise<void>
}

export async function openWebhook(): Promise<Webhook> {
  const received = new Map<string, number>()
  const server: Server = createServer((request, response) => {
    const key = String(request.headers['idempotency-key'])
    request.resume().on('end', () => {
      received.set(key, (received.get(key) ?? 0) + 1)
      response.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('expected a port')
  return {
    url: `http://127.0.0.1:${address.port}/hook`,
    received,
    clear: () => received.clear(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
