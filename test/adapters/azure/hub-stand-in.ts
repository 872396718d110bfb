import { createServer, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import { type AzureClient, createAzureClient } from '../../../adapters/azure/client.ts'
import { createHub, type Hub } from '../../../adapters/azure/hub.ts'

/** What a hub is asked. */
export interface Asked {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** A hub that says what a test wants: faults that the embedded cloud does not have. */
export interface StandIn {
  readonly hub: Hub
  readonly client: AzureClient
  readonly asked: Asked[]
  /** How long was waited between tries. Unit: ms. */
  readonly pauses: number[]
}

export async function openStandIn(
  answer: (asked: Asked, count: number) => Answer | Promise<Answer>,
  endpoint?: string,
): Promise<StandIn> {
  const asked: Asked[] = []
  const pauses: number[] = []
  const server = createServer(async (request, response) => {
    const { method = '', url: path = '', headers } = request
    const one = { method, path, headers, body: await text(request) }
    asked.push(one)
    const { status, headers: said = {}, body } = await answer(one, asked.length)
    response.writeHead(status, said).end(body === undefined ? '' : JSON.stringify(body))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('expected a port')
  const client = createAzureClient({
    services: {
      iothub: {
        endpoint: endpoint ?? `http://127.0.0.1:${address.port}`,
        authorize: async () => ({ authorization: 'Bearer token' }),
      },
    },
    random: () => 0,
    pause: async (ms) => void pauses.push(ms),
  })
  onTestFinished(() => {
    client.close()
    server.closeAllConnections()
    server.close()
  })
  return { hub: createHub(client), client, asked, pauses }
}

/** A fault as most interfaces of the hub say it. */
export function fault(status: number, code: string): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: { Message: `ErrorCode:${code};what went wrong`, ExceptionMessage: 'Tracking ID:1' },
  }
}

/** A fault as the newer interfaces say it: JSON in a text. */
export function coded(status: number, errorCode: number): Answer {
  const inner = { errorCode, trackingId: '1', message: 'what went wrong', timestampUtc: '2026' }
  return { status, body: { Message: JSON.stringify(inner), ExceptionMessage: '' } }
}
