import { Agent, createServer, request as requestHttp } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { freePort } from './moto.ts'

/** One call to a service, as it went over the wire, with its answer. */
export interface RecordedCall {
  /** The name that its signature is for. */
  readonly service: string
  /** Whose credentials signed it. */
  readonly accessKey: string
  /** What a JSON service is asked for, such as `PutItem`; '' for others. */
  readonly operation: string
  readonly method: string
  readonly path: string
  readonly body: Buffer
  readonly status: number
  readonly answer: Buffer
}

export type Call = Omit<RecordedCall, 'status' | 'answer'>

/** What is answered in the cloud's place. */
export interface Answer {
  readonly status: number
  readonly body: string
}

/** Stands between a client and a test cloud, and writes down every call. */
export interface RecordingProxy {
  readonly endpoint: string
  /** Calls in the order of their answers. */
  readonly calls: readonly RecordedCall[]
  clear(): void
  close(): Promise<void>
}

/** `answer` may speak in place of the cloud behind; `undefined` lets the call through. */
export async function openProxy(
  behind: string | undefined | (() => string),
  answer: (call: Call) => Answer | undefined = () => undefined,
): Promise<RecordingProxy> {
  const calls: RecordedCall[] = []
  const agent = new Agent({ keepAlive: true })
  const port = await freePort()
  const server = createServer(async (request, response) => {
    const body = await buffer(request)
    const target = typeof behind === 'function' ? behind() : behind
    const call: Call = {
      accessKey: /Credential=([^/]+)\//.exec(request.headers.authorization ?? '')?.[1] ?? '',
      service:
        /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\//.exec(request.headers.authorization ?? '')?.[1] ??
        '',
      operation: String(request.headers['x-amz-target'] ?? '').replace(/^.*\./, ''),
      method: request.method ?? '',
      path: request.url ?? '',
      body,
    }
    const own = answer(call)
    if (own !== undefined) {
      calls.push({ ...call, status: own.status, answer: Buffer.from(own.body) })
      response.writeHead(own.status, { 'content-type': 'application/x-amz-json-1.0' }).end(own.body)
      return
    }
    const { host: _, ...headers } = request.headers
    const passed = requestHttp(
      new URL(call.path, target),
      { method: call.method, headers: { ...headers, host: new URL(target ?? '').host }, agent },
      async (found) => {
        const bytes = await buffer(found)
        calls.push({ ...call, status: found.statusCode ?? 0, answer: bytes })
        const { 'transfer-encoding': __, connection: ___, ...passedBack } = found.headers
        response.writeHead(found.statusCode ?? 500, {
          ...passedBack,
          'content-length': bytes.length,
        })
        response.end(bytes)
      },
    )
    passed.on('error', () => response.destroy())
    passed.end(body)
  })
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done))
  return {
    endpoint: `http://127.0.0.1:${port}`,
    calls,
    clear: () => void calls.splice(0),
    async close() {
      agent.destroy()
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}
