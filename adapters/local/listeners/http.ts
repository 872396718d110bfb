import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { extname, join } from 'node:path'
import type { Duplex } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { createWebSocketStream, WebSocketServer } from 'ws'
import type { Json } from '../../../core/index.ts'
import type { LiveFeed } from '../live-feed.ts'

export interface HttpListenerOptions {
  readonly api: Hono
  readonly feed: LiveFeed
  /** What a page shows when it opens. */
  readonly snapshot: () => Promise<Json>
  readonly metrics: () => string
  /** The same counters as JSON. */
  readonly stats: () => Json
  /** A WebSocket that speaks MQTT was opened. */
  readonly onMqtt: (stream: Duplex, remoteAddress: string | undefined) => void
}

/** The files of the page, in the repository and in the package. */
const PAGE_FOLDER = join(
  import.meta.dirname,
  import.meta.url.endsWith('.ts') ? '../../../dashboard' : '../../../../dashboard',
)

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Strict: the page brings all that it needs along. */
const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
}

const PING_MS = 15_000

/** The HTTP server: API, page, live stream, metrics, and MQTT over WebSocket at /mqtt. */
export function createHttpListener({
  api,
  feed,
  snapshot,
  metrics,
  stats,
  onMqtt,
}: HttpListenerOptions): Server {
  const app = new Hono()
  app.use(async (context, next) => {
    const refusal = refuse(
      context.req.header('host'),
      context.req.header('origin'),
      context.req.method,
    )
    return refusal === undefined ? next() : context.text(`${refusal}\n`, 403)
  })
  for (const [path, file] of [
    ['/', 'index.html'],
    ['/page.js', 'page.js'],
    ['/page.css', 'page.css'],
  ] as const) {
    app.get(path, async (context) =>
      context.body(await readFile(join(PAGE_FOLDER, file)), 200, {
        ...PAGE_HEADERS,
        'content-type': TYPES[extname(file)] ?? 'text/plain',
      }),
    )
  }
  app.get('/metrics', (context) => context.text(metrics()))
  app.get('/stats', (context) => context.json(stats()))
  app.get('/events', async () => {
    const first = await snapshot()
    let close = (): void => undefined
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        const encoder = new TextEncoder()
        const send = (event: string): void => {
          // A page that does not read is let go; its browser opens a new stream and gets a fresh snapshot.
          if ((controller.desiredSize ?? 0) < -64) {
            close()
            controller.close()
            return
          }
          controller.enqueue(encoder.encode(event))
        }
        send(`retry: 2000\nevent: snapshot\ndata: ${JSON.stringify(first)}\n\n`)
        const unsubscribe = feed.subscribe(send)
        const ping = setInterval(() => send(': ping\n\n'), PING_MS)
        close = () => {
          unsubscribe()
          clearInterval(ping)
        }
      },
      cancel: () => close(),
    })
    return new Response(stream, {
      headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' },
    })
  })
  app.route('/', api)

  const server = createServer(getRequestListener(app.fetch))
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: 2_097_152,
    handleProtocols: (offered) => (offered.has('mqtt') ? 'mqtt' : false),
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    if (
      path !== '/mqtt' ||
      refuse(request.headers.host, request.headers.origin, 'GET', true) !== undefined
    ) {
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      return
    }
    sockets.handleUpgrade(request, socket, head, (websocket) => {
      onMqtt(createWebSocketStream(websocket), request.socket.remoteAddress)
    })
  })
  server.on('close', () => sockets.close())
  return server
}

/**
 * Why a request is not served: a page of another site must not speak for the person in front of this machine.
 * The name in Host has to be this machine's (against DNS rebinding), and whoever changes something must be a page of
 * ours or no page at all.
 */
function refuse(
  host: string | undefined,
  origin: string | undefined,
  method: string,
  strict = false,
): string | undefined {
  const name = (host ?? '').replace(/:\d+$/, '')
  if (!/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(name))
    return `expected Host to name this machine, found ${JSON.stringify(name)}`
  if (origin === undefined || (!strict && (method === 'GET' || method === 'HEAD'))) return undefined
  return URL.canParse(origin) && new URL(origin).host === host
    ? undefined
    : 'expected a request from a page of this server'
}
