import { connect, type Socket } from 'node:net'

/** Connections that are kept, each of which sends its next request when the one before was answered. */
export interface Load {
  /** Requests that were answered with 204 so far. */
  answered(): number
  /** No further request: waits for the answers that are left. Rejects if any was another than 204. */
  stop(): Promise<number>
}

/** Connects, and then sends the first request of all connections at once. */
export async function openLoad(
  port: number,
  connections: number,
  next: () => Buffer,
): Promise<Load> {
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)))
  let answered = 0
  let stopping = false
  const done = sockets.map(
    (socket) =>
      new Promise<void>((resolve, reject) => {
        let text = ''
        socket.on('error', reject)
        socket.on('close', () => reject(new Error('expected an answer, found the end')))
        socket.on('data', (chunk: Buffer) => {
          text += chunk.toString('latin1')
          if (!text.endsWith('\r\n\r\n') && text.startsWith(TAKEN)) return
          if (!text.startsWith(TAKEN)) {
            reject(new Error(`expected 204, found ${text.slice(0, 200)}`))
            socket.destroy()
            return
          }
          text = ''
          answered++
          if (!stopping) {
            socket.write(next())
            return
          }
          resolve()
          socket.destroy()
        })
      }),
  )
  const all = Promise.all(done)
  // What fails is told by stop.
  all.catch(() => undefined)
  for (const socket of sockets) socket.write(next())
  return {
    answered: () => answered,
    async stop() {
      stopping = true
      await all
      return answered
    },
  }
}

/** The whole answer is a head: 204 has no body. */
const TAKEN = 'HTTP/1.1 204'

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.off('error', reject)
      resolve(socket)
    })
    socket.setNoDelay(true)
    socket.on('error', reject)
  })
}
