import { connect, createServer, type Socket } from 'node:net'

/** A way to a port that can be cut. */
export interface Way {
  readonly port: number
  /** How many there were so far. */
  connections(): number
  /** Ends those that there are. */
  cut(): void
  close(): void
}

export async function openWay(port: number): Promise<Way> {
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer((incoming) => {
    connections++
    const outgoing = connect(port, '127.0.0.1')
    for (const [one, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(one)
      one.pipe(other)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('expected a port')
  return {
    port: address.port,
    connections: () => connections,
    cut() {
      for (const socket of sockets) socket.destroy()
    },
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
