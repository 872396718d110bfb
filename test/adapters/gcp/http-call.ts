import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { HttpFunction } from '../../../adapters/gcp/http.ts'

export interface HttpCall {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export interface HttpAnswer {
  readonly status: number
  readonly body: string
}

/** Calls an HTTP function as the runtime of Google does, without a connection. */
export async function callHttp(
  serve: HttpFunction,
  { method, path, headers, body }: HttpCall,
): Promise<HttpAnswer> {
  const incoming = new IncomingMessage(new Socket())
  incoming.method = method
  incoming.url = path
  incoming.headers = { host: 'function.example', ...headers }
  const outgoing = new ServerResponse(incoming)
  let text = ''
  outgoing.end = (chunk?: unknown) => {
    if (chunk instanceof Uint8Array || typeof chunk === 'string')
      text = Buffer.from(chunk).toString()
    return outgoing
  }
  await serve(
    Object.assign(incoming, body === undefined ? {} : { rawBody: Buffer.from(body) }),
    outgoing,
  )
  return { status: outgoing.statusCode, body: text }
}
