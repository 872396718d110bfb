import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Json } from '../../core/index.ts'

/** Where notifications go. */
export async function openHook() {
  const received: Json[] = []
  const server = createServer(async (request, response) => {
    received.push(JSON.parse(await text(request)))
    response.writeHead(204).end()
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('expected a port')
  return {
    url: `http://127.0.0.1:${address.port}/hook`,
    received,
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}
