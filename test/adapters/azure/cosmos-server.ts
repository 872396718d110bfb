import { createHttpServer } from '@vercel/cosmosdb-server'
import { COSMOS_CONTAINERS } from '../../../adapters/azure/config.ts'

export interface CosmosCall {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly bytesIn: number
  readonly bytesOut: number
}

/** A Cosmos server in this process, with the containers that serverless.azure.yml makes. */
export interface CosmosServer {
  readonly endpoint: string
  readonly key: string
  /** What was asked so far. */
  readonly asked: readonly CosmosCall[]
  /** Makes a database with its containers. */
  createDatabase(name: string): Promise<void>
  stop(): Promise<void>
}

export async function startCosmos(): Promise<CosmosServer> {
  const server = createHttpServer({ keepAlive: true })
  // Asked for an item that it does not have, it fails (500), unless it is told to look everywhere.
  const asked: CosmosCall[] = []
  server.prependListener('request', ({ method = '', url: path = '', headers }, response) => {
    if (method === 'GET') headers['x-ms-documentdb-query-enablecrosspartition'] = 'true'
    const bytesIn = Number(headers['content-length'] ?? 0)
    let bytesOut = 0
    const end = response.end.bind(response)
    Object.assign(response, {
      end(body = '') {
        bytesOut = Buffer.byteLength(body)
        return end(body)
      },
    })
    response.on('finish', () => {
      asked.push({ method, path, status: response.statusCode, bytesIn, bytesOut })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no address')
  const endpoint = `http://127.0.0.1:${address.port}`

  async function post(path: string, body: object): Promise<void> {
    const response = await fetch(`${endpoint}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  }

  return {
    endpoint,
    asked,
    // It takes any signature; that ours are right is shown by vectors.
    key: Buffer.from('not checked').toString('base64'),
    async createDatabase(name) {
      await post('/dbs', { id: name })
      for (const [id, { partitionKey }] of Object.entries(COSMOS_CONTAINERS))
        await post(`/dbs/${name}/colls`, {
          id,
          partitionKey: { paths: [partitionKey], kind: 'Hash' },
        })
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
