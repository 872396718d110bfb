import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TlsOptions } from 'node:tls'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono } from 'hono'
import { createWebSocketStream, WebSocketServer } from 'ws'
import {
  allowedMethods,
  createCors,
  notServed,
  problem,
  problemOf,
  type RequestFacts,
} from '../../../core/api/index.ts'
import type { Caller, Json, Scope } from '../../../core/index.ts'
import { type AwsHttp, awsError, isAwsPath } from '../dialects/aws-http.ts'
import type { HttpDialect } from '../dialects/http-dialect.ts'
import type { HttpAccess } from '../http-access.ts'
import type { LiveFeed } from '../live-feed.ts'
import { EVENT_STREAM_HEADERS, streamEvents } from './event-stream.ts'
import { createLiveSockets, LIVE_PATH, type LiveSockets } from './live-socket.ts'
import { refuseForeign } from './own-machine.ts'
import { listPageFiles } from './page-files.ts'
import { peerCertificate } from './tls.ts'

export interface HttpListenerOptions {
  readonly api: { fetch(request: Request): Response | Promise<Response> }
  /** Pages of these origins may use it. */
  readonly origins?: readonly string[]
  /** The data plane of AWS IoT Core, on the paths that are its own. */
  readonly aws?: AwsHttp
  /** Interfaces of other vendors, each on paths of its own. */
  readonly dialects?: readonly HttpDialect[]
  readonly feed: LiveFeed
  /** What a page shows when it opens. */
  readonly snapshot: () => Promise<Json>
  /** In the text format of Prometheus. */
  readonly metrics: () => Promise<string>
  /** The same counters as JSON. */
  readonly stats: () => Json
  /** A WebSocket that speaks MQTT was opened over this socket. */
  readonly onMqtt: (stream: Duplex, socket: Socket) => void
  /** Who may be served; without it everybody on this machine. */
  readonly access?: HttpAccess
  /** Which person or program shows what a request does. */
  readonly people?: (request: Request, facts: RequestFacts) => Promise<Caller | undefined>
  /** Takes down what is known of a request, for the API. */
  readonly note?: (request: Request, facts: RequestFacts) => void
  /** Whether only pages and programs of this machine are served. */
  readonly ownMachineOnly?: boolean
  /** Whom the page asks besides this server: the issuers that people sign in with. */
  readonly connectTo?: readonly string[]
  /** With it the listener speaks TLS. */
  readonly tls?: TlsOptions
  readonly limits?: Partial<HttpLimits>
}

/** How long a client may take. Unit: ms. */
export interface HttpLimits {
  /** For the head of a request, or for sending nothing at all. */
  readonly headersMs: number
  /** For a whole request: 128 KiB at 10 kbit/s, as over a bad radio link. */
  readonly requestMs: number
  /** Between two requests of one connection. */
  readonly idleMs: number
  /** How often these are looked at. */
  readonly checkMs: number
}

const DEFAULT_LIMITS: HttpLimits = {
  headersMs: 15_000,
  requestMs: 120_000,
  idleMs: 15_000,
  checkMs: 1_000,
}

const MAX_HEADERS = 100
const MAX_HEADER_BYTES = 16_384

const IDLE_CHECK_MS = 20

/** A WebSocket message; an MQTT packet over it is refused by the broker. */
const MAX_FRAME_BYTES = 2_097_152

/** Ours, and that of Azure IoT Hub. Source: Azure/azure-iot-sdk-node `mqtt_ws.ts`. */
const WEBSOCKET_PATHS: ReadonlySet<string> = new Set(['/mqtt', '/$iothub/websocket'])

/** MQTT 3.1 had a name of its own. Source: MQTT 3.1.1, 6 and the IANA registry of subprotocol names. */
const SUBPROTOCOLS = ['mqtt', 'mqttv3.1'] as const

/** What the listener serves itself, and what that shows of all devices. */
const LISTENER_PATHS: ReadonlyMap<string, Scope> = new Map([
  ['/metrics', 'system:read'],
  ['/stats', 'system:read'],
  ['/events', 'devices:read'],
])

function mayAll({ scopes, groups, device }: Caller, needed: Scope): boolean {
  return scopes.has(needed) && groups === undefined && device === undefined
}

/** The server, and how to end it. */
export interface HttpListener {
  readonly server: Server
  /** Takes no more requests and waits for those under way, but no longer than `graceMs`. */
  close(graceMs: number): Promise<void>
}

/** Builds the HTTP server: API, page, live stream, metrics, and MQTT over WebSocket at /mqtt. */
export function createHttpListener(options: HttpListenerOptions): HttpListener {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const app = createApp(options)
  const serve = getRequestListener(app.fetch)
  const settings = {
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.idleMs,
    connectionsCheckingInterval: limits.checkMs,
    maxHeaderSize: MAX_HEADER_BYTES,
    // Some clients offer HTTP/2 with every request; they are served as if they had not.
    shouldUpgradeCallback: isWebSocket,
  }
  const handle: RequestListener = (request, response) => {
    response.setHeader('x-content-type-options', 'nosniff')
    void serve(request, response)
  }
  const server =
    options.tls === undefined
      ? createServer(settings, handle)
      : createTlsServer({ ...settings, ...options.tls }, handle)
  server.maxHeadersCount = MAX_HEADERS
  const live = createLiveSockets({
    serve: async (request, incoming) => app.fetch(request, { incoming }),
    secure: options.tls !== undefined,
  })
  const sockets = serveWebSockets(server, options, live)
  return {
    server,
    close: (graceMs) =>
      new Promise((resolve) => {
        const end = (): void => {
          server.closeAllConnections()
          live.close()
          for (const socket of sockets.clients) socket.terminate()
        }
        const grace = setTimeout(end, graceMs)
        // Connections are kept after the answer that was under way, and Node ends only those that are idle now.
        const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS)
        server.close(() => {
          clearTimeout(grace)
          clearInterval(idle)
          resolve()
        })
      }),
  }
}

function createApp({
  api,
  aws,
  dialects = [],
  feed,
  snapshot,
  metrics,
  stats,
  access,
  people,
  note,
  tls,
  ownMachineOnly = true,
  origins = [],
  connectTo = [],
}: HttpListenerOptions): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>()
  const known = new Set(origins)
  app.use((context, next) => {
    const { method } = context.req
    const reason = refuseForeign({
      host: context.req.header('host'),
      origin: context.req.header('origin'),
      readOnly: method === 'GET' || method === 'HEAD',
      origins: known,
    })
    if (!ownMachineOnly || reason === undefined) return next()
    return Promise.resolve(problem(context, 403, 'request.foreign', reason))
  })
  // Asked before anybody says who he is.
  if (origins.length > 0) app.use(createCors(origins))
  app.use(async (context, next) => {
    const { method, path } = context.req
    const request = context.req.raw
    const isAws = aws !== undefined && isAwsPath(path)
    const query = (name: string): string | undefined => context.req.query(name)
    const dialect = dialects.find((one) => one.owns(method, path, query))
    const { rawHeaders, socket } = context.env.incoming
    const { remoteAddress } = socket
    const remote = { remote: remoteAddress }
    const admission = await access?.(
      {
        method,
        path,
        authorization: context.req.header('authorization'),
        secure: tls !== undefined,
        certificate: tls === undefined ? undefined : peerCertificate(socket),
        forPeople: dialect === undefined && !isAws,
      },
      async () => people?.(request, remote),
    )
    if (admission?.admitted === false) {
      if ('error' in admission) return problemOf(context, admission.error)
      const { status, reason } = admission
      if (dialect !== undefined) return dialect.refuse(status, reason)
      if (isAws) return awsError(status, reason)
      const answer = problem(context, status, status === 401 ? 'unauthorized' : 'forbidden', reason)
      if (status === 401) answer.headers.set('www-authenticate', 'Bearer')
      return answer
    }
    const identity = admission?.identity
    if (dialect !== undefined)
      return dialect.serve(request, { identity, remoteAddress, rawHeaders })
    if (isAws) return aws(request, identity)
    const needed = LISTENER_PATHS.get(path)
    const caller = admission?.caller
    if (needed !== undefined && caller !== undefined && !mayAll(caller, needed))
      return problem(context, 403, 'access.forbidden', `expected a caller with ${needed}`)
    note?.(request, { ...remote, caller, anonymous: admission?.anonymous })
    return next()
  })
  for (const { path, read } of listPageFiles({ connectTo }))
    app.get(path, async (context) => {
      const { body, headers } = await read(context.req.header('accept-encoding') ?? '')
      return context.body(body, 200, headers)
    })
  app.get('/metrics', async (context) =>
    context.body(await metrics(), 200, {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
    }),
  )
  app.get('/stats', (context) => context.json(stats()))
  app.get('/events', (context) => {
    const { incoming, outgoing } = context.env
    if (incoming.method === 'HEAD') return context.body(null, 200, EVENT_STREAM_HEADERS)
    streamEvents(outgoing, feed, snapshot)
    return RESPONSE_ALREADY_SENT
  })
  app.get('/mqtt', (context) => {
    const answer = problem(context, 426, 'request.upgrade', 'expected a WebSocket that speaks MQTT')
    answer.headers.set('upgrade', 'websocket')
    return answer
  })
  app.all('*', (context) => {
    const allowed = allowedMethods(app, context.req.path)
    return allowed.length > 0 ? notServed(context, allowed) : api.fetch(context.req.raw)
  })
  return app
}

function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket'
}

function serveWebSockets(
  server: Server,
  { onMqtt, ownMachineOnly = true }: HttpListenerOptions,
  live: LiveSockets,
): WebSocketServer {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    handleProtocols: (offered) => SUBPROTOCOLS.find((name) => offered.has(name)) ?? false,
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const { host, origin } = request.headers
    const [path] = (request.url ?? '').split('?', 1)
    const foreign = ownMachineOnly && refuseForeign({ host, origin, readOnly: false }) !== undefined
    if (!foreign && path === LIVE_PATH) {
      live.upgrade(request, socket, head)
      return
    }
    if (foreign || !WEBSOCKET_PATHS.has(path ?? '')) {
      // The server has let go of the socket: whose other side is gone must not take the process along.
      socket.on('error', () => socket.destroy())
      socket.end(
        `HTTP/1.1 ${foreign ? '403 Forbidden' : '404 Not Found'}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
      )
      return
    }
    sockets.handleUpgrade(request, socket, head, (websocket) => {
      // Source: MQTT-6.0.0-1, a data frame that is not binary ends the connection.
      websocket.on('message', (_data, isBinary) => {
        if (!isBinary) websocket.terminate()
      })
      const stream = createWebSocketStream(websocket)
      // Once all is read nothing more can come, but the stream would wait for us to end our half, which is gone already.
      stream.on('end', () => stream.destroy())
      onMqtt(stream, request.socket)
    })
  })
  return sockets
}
