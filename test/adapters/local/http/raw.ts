import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A TCP connection as a client that speaks HTTP as it likes. */
export interface RawClient {
  readonly socket: Socket
  /** Everything that came so far. */
  text(): string
  /** Resolves when the other side has ended the connection. */
  readonly closed: Promise<void>
}

export async function dial(port: number, firstBytes = ''): Promise<RawClient> {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk
  })
  socket.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()))
  socket.write(firstBytes)
  return { socket, text: () => text, closed }
}

/** Sends one request and gives the whole answer. */
export async function ask(
  port: number,
  requestLine: string,
  headers: Readonly<Record<string, string>>,
  body = '',
): Promise<{ status: number; head: string; body: string }> {
  const lines = Object.entries({ connection: 'close', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  const client = await dial(port, `${requestLine} HTTP/1.1\r\n${lines.join('')}\r\n${body}`)
  await client.closed
  const [head = '', ...rest] = client.text().split('\r\n\r\n')
  return { status: Number(head.split(' ')[1]), head, body: rest.join('\r\n\r\n') }
}
