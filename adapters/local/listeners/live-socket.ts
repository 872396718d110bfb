import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'

/** The path of the live stream, by server-sent events and by WebSocket. */
export const LIVE_PATH = '/live'

/** What is chosen of the subprotocols that a client offers. */
const PROTOCOL = 'anyhub.live'

/**
 * How a browser without a cookie shows its token, for it cannot set a header: as another subprotocol, which no log writes
 * down as it does addresses. The token stands in base64url.
 */
const BEARER = /^anyhub\.bearer\.([\w-]+)$/

/** Clients say nothing here. Unit: bytes. */
const MAX_FRAME_BYTES = 1_024

/** Who does not answer a ping until the next one is gone. Unit: ms. */
const PING_MS = 30_000

/** Serves the live stream over WebSockets. */
export interface LiveSockets {
  /** Takes over a connection that asks for it. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Ends all of them. */
  close(): void
}

export interface LiveSocketOptions {
  /** Answers as the stream of server-sent events: who may have that may have this. */
  readonly serve: (request: Request, incoming: IncomingMessage) => Promise<Response>
  readonly secure: boolean
}

/** Builds the server. What it sends are the events of the stream, as `{"event": …, "data": …}`. */
export function createLiveSockets({ serve, secure }: LiveSocketOptions): LiveSockets {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
  })

  async function open(incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const gone = (): void => void socket.destroy()
    socket.on('error', gone)
    if (isForeign(incoming)) {
      refuse(socket, 403)
      return
    }
    const answer = await serve(toRequest(incoming, secure), incoming)
    const { body } = answer
    if (answer.status !== 200 || body === null) {
      await body?.cancel()
      refuse(socket, answer.status === 200 ? 500 : answer.status)
      return
    }
    if (socket.destroyed) {
      await body.cancel()
      return
    }
    const reader = body.getReader()
    // A handshake that fails closes the socket, and nobody reads.
    socket.once('close', () => void reader.cancel().catch(() => undefined))
    server.handleUpgrade(incoming, socket, head, (websocket) => {
      socket.off('error', gone)
      void pump(reader, websocket)
    })
  }

  return {
    upgrade(request, socket, head) {
      open(request, socket, head).catch(() => refuse(socket, 500))
    },
    close() {
      for (const client of server.clients) client.terminate()
    },
  }
}

/** Hands on what is read. Who is slow is not read for: what waits for him is gathered before it comes here. */
async function pump(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  websocket: WebSocket,
): Promise<void> {
  let isAlive = true
  const ping = setInterval(() => {
    if (!isAlive) websocket.terminate()
    isAlive = false
    websocket.ping()
  }, PING_MS)
  websocket.on('pong', () => {
    isAlive = true
  })
  websocket.on('error', () => websocket.terminate())
  websocket.on('close', () => {
    clearInterval(ping)
    void reader.cancel().catch(() => undefined)
  })
  const utf8 = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      const { value, done } = await reader.read()
      if (done) break
      const blocks = (rest + utf8.decode(value, { stream: true })).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const frame = toFrame(block)
        if (frame !== undefined) await sent(websocket, frame)
      }
    }
    websocket.close(1001)
  } catch {
    websocket.terminate()
  }
}

function sent(websocket: WebSocket, frame: string): Promise<void> {
  return new Promise((resolve, reject) => {
    websocket.send(frame, (error) => (error ? reject(error) : resolve()))
  })
}

/** One event of the stream as JSON; `undefined` for what is none, such as `retry`. */
function toFrame(block: string): string | undefined {
  const event = /^event: (\w+)$/m.exec(block)?.[1]
  const data = /^data: (.*)$/m.exec(block)?.[1]
  return event === undefined || data === undefined
    ? undefined
    : `{"event":${JSON.stringify(event)},"data":${data}}`
}

/**
 * Whether a page of another site asks: a browser sends cookies along with it, and no preflight holds it back.
 * Source: RFC 6455, 10.2.
 */
function isForeign({ headers: { origin, host } }: IncomingMessage): boolean {
  if (origin === undefined) return false
  return !URL.canParse(origin) || new URL(origin).host !== host?.toLowerCase()
}

/** The same question as a plain request. */
function toRequest({ headers, url = LIVE_PATH }: IncomingMessage, secure: boolean): Request {
  const given = new Headers({ accept: 'text/event-stream' })
  const bearer = bearerOf(headers['sec-websocket-protocol'])
  const authorization = headers.authorization ?? bearer
  if (authorization !== undefined) given.set('authorization', authorization)
  for (const name of ['cookie', 'origin', 'host'] as const) {
    const value = headers[name]
    if (value !== undefined) given.set(name, value)
  }
  const address = `${secure ? 'https' : 'http'}://${headers.host ?? 'localhost'}${url}`
  return new Request(address, { headers: given })
}

function bearerOf(offered: string | undefined): string | undefined {
  for (const one of offered?.split(',') ?? []) {
    const token = BEARER.exec(one.trim())?.[1]
    const text = token && Buffer.from(token, 'base64url').toString('latin1')
    if (text && /^[\x21-\x7e]+$/.test(text)) return `Bearer ${text}`
  }
  return undefined
}

function refuse(socket: Duplex, status: number): void {
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
  )
}
