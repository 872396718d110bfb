import { createServer, request as sendRequest } from 'node:http'

/** Stands between functions and a service, and can refuse. */
export interface Gate {
  readonly endpoint: string
  /** Paths that were asked, with their methods. */
  readonly asked: string[]
  /** Answers 503 for what this says of method and path. */
  refuse(which: (asked: string) => boolean): void
  close(): void
}

export async function openGate(endpoint: string): Promise<Gate> {
  const target = new URL(endpoint)
  const asked: string[] = []
  let refuses: (asked: string) => boolean = () => false
  const server = createServer((incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming
    const one = `${method} ${url}`
    asked.push(one)
    if (refuses(one)) {
      incoming.resume()
      outgoing.writeHead(503, { 'content-type': 'application/json' }).end('{"code":"Busy"}')
      return
    }
    const sent = sendRequest(
      { host: target.hostname, port: target.port, method, path: url, headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(outgoing)
      },
    )
    sent.on('error', () => outgoing.destroy())
    incoming.pipe(sent)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('expected a port')
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    asked,
    refuse(which) {
      refuses = which
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
