import { connect, type Socket } from 'node:net'

/** Connections that are kept open, each with one request under way. */
const CONNECTIONS = 16

const HEAD_END = Buffer.from('\r\n\r\n')

/** Requests per second that a server answers with 200. */
export async function requestsPerSecond(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>>,
  warmUpMs: number,
  measureMs: number,
): Promise<number> {
  const lines = Object.entries({ host: `127.0.0.1:${port}`, ...headers })
  const request = Buffer.from(
    `GET ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
  )
  let answered = 0
  const sockets = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => open(port, request, () => answered++)),
  )
  for (const socket of sockets) socket.write(request)
  await sleep(warmUpMs)
  const [before, at] = [answered, performance.now()]
  await sleep(measureMs)
  const rate = (answered - before) / ((performance.now() - at) / 1_000)
  for (const socket of sockets) socket.destroy()
  return rate
}

function open(port: number, request: Buffer, onAnswer: () => void): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket))
    let rest: Buffer = Buffer.alloc(0)
    socket.once('error', reject)
    socket.on('data', (chunk) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      const head = rest.indexOf(HEAD_END)
      if (head < 0) return
      const text = rest.toString('latin1', 0, head)
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? Number.NaN)
      if (!text.startsWith('HTTP/1.1 200 ') || Number.isNaN(length)) {
        socket.destroy(new Error(`expected 200 and a length, found ${text.slice(0, 60)}`))
        throw new Error(`expected 200 and a length, found ${text.slice(0, 200)}`)
      }
      if (rest.length < head + HEAD_END.length + length) return
      rest = Buffer.alloc(0)
      onAnswer()
      socket.write(request)
    })
  })
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
