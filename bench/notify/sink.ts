import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

// A process of its own: takes what webhooks send, and prints its port.

const server = createServer((request, response) => {
  request.resume()
  request.once('end', () => response.writeHead(204).end())
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  console.log(port)
})
process.once('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
})
