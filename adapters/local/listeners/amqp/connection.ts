import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import rhea from 'rhea'
import { createFrameGuard } from './frame-guard.ts'
import type { AmqpConnection, AmqpHooks, AmqpTransport } from './hooks.ts'
import type { AmqpLimits } from './limits.ts'
import { createLinks } from './links.ts'
import { AmqpViolation } from './violation.ts'

export interface ConnectionOptions {
  readonly stream: Duplex
  readonly transport: AmqpTransport
  readonly hooks: AmqpHooks
  readonly limits: AmqpLimits
  readonly onEnd: () => void
}

export interface LiveConnection extends AmqpConnection {
  /** Ends it without a word. */
  destroy(): void
}

/** How long a connection that was told to end may take. Unit: ms. */
const GOODBYE_MS = 1_000

/**
 * One connection: the stream, the guard before the library, and the library.
 *
 * The library throws in callbacks, timers and later turns of the event loop. Each way into it and out of it goes through
 * `guarded`, so that a fault ends this connection and nothing else.
 */
export function openConnection({
  stream,
  transport,
  hooks,
  limits,
  onEnd,
}: ConnectionOptions): LiveConnection {
  const container = rhea.create_container({ id: 'anyhub' })
  const socket = new EventEmitter()
  let ended = false
  let closing = false
  let proven = false
  let goodbye: NodeJS.Timeout | undefined
  const sessions = new Set<rhea.Session>()

  const connection: LiveConnection = {
    transport,
    get isOpen() {
      return !ended && !closing
    },
    prove() {
      if (proven) return
      proven = true
      clearTimeout(proof)
      guard.prove()
    },
    close(condition, description) {
      if (ended || closing) return
      closing = true
      goodbye = setTimeout(end, GOODBYE_MS)
      try {
        // Source: wire of azure-iot-amqp-base 2.5: with a session that is open it waits 45 s for answers to its detaches.
        for (const session of sessions) session.close()
        amqp.close({ condition, description })
      } catch {
        end()
      }
    },
    destroy: end,
  }

  const proof = setTimeout(() => {
    hooks.log?.({ event: 'amqp.closed', reason: 'has not proved who it is', ...from(transport) })
    connection.close('amqp:unauthorized-access', 'expected a proof of who this is')
  }, limits.proofMs)

  function guarded<T extends readonly unknown[]>(
    run: (...args: T) => unknown,
  ): (...args: T) => void {
    return (...args) => {
      try {
        run(...args)
      } catch (error) {
        fault(error)
      }
    }
  }

  /** What the peer did wrong it is told; what went wrong here ends the connection as well. */
  function fault(error: unknown): void {
    if (ended) return
    const reason = error instanceof Error ? error.message : String(error)
    hooks.log?.({ event: 'amqp.fault', reason, ...from(transport) })
    if (!(error instanceof AmqpViolation)) {
      end()
      return
    }
    connection.close(error.condition, reason)
    // The library writes its goodbye in the next turn. What else comes of such a peer is of no interest.
    setImmediate(() => stream.end())
  }

  function end(): void {
    if (ended) return
    ended = true
    clearTimeout(proof)
    clearTimeout(goodbye)
    stream.destroy()
    try {
      // The library stops its timers, and tells the links.
      socket.emit('end')
    } catch {
      // It may be in any state: nothing of it is used after this.
    }
    links.end()
    amqp['socket_ready'] = false
    // The library may be in the middle of reading, and sets its timers when it is done.
    setImmediate(() => {
      clearTimeout(amqp['heartbeat_in'])
      clearTimeout(amqp['heartbeat_out'])
      clearTimeout(amqp['abort_idle'])
    })
    socket.removeAllListeners()
    socket.on('error', () => undefined)
    onEnd()
  }

  // What the library takes for its socket.
  Object.assign(socket, {
    encrypted: transport.secure,
    authorized: transport.peerCertificate !== undefined,
    get_id_string: () => transport.remoteAddress ?? 'amqp',
    setNoDelay: () => undefined,
    write(bytes: Buffer) {
      if (ended) return
      stream.write(bytes)
      if (stream.writableLength > limits.backlogBytes) {
        hooks.log?.({ event: 'amqp.closed', reason: 'reads too little', ...from(transport) })
        // Not from inside the library, which is in the middle of something.
        setImmediate(end)
      } else if (stream.writableLength > limits.pauseBytes) stream.pause()
    },
    end() {
      if (ended) return
      goodbye ??= setTimeout(end, GOODBYE_MS)
      closing = true
      stream.end()
    },
    destroy: end,
  })

  const guard = createFrameGuard(limits, (frame) => {
    if (!ended && !closing) socket.emit('data', frame)
  })
  const amqp = container.create_connection({
    // The type asks for a port; nothing is connected to.
    port: 0,
    container_id: 'anyhub',
    max_frame_size: limits.frameBytes,
    channel_max: limits.sessions - 1,
    idle_time_out: limits.idleMs,
    reconnect: false,
    receiver_options: { credit_window: 0, autoaccept: false },
  })
  const process: unknown = amqp['_process']
  if (typeof process === 'function') amqp['_process'] = guarded(() => process.call(amqp))

  container.sasl_server_mechanisms.enable_anonymous()
  // Source: the SDKs of Event Hubs name their claims-based security so; it is ANONYMOUS under another name.
  container.sasl_server_mechanisms['MSSBCBS'] = container.sasl_server_mechanisms['ANONYMOUS']
  // The certificate was judged by TLS; who it belongs to is asked when a link is attached.
  if (transport.peerCertificate !== undefined)
    container.sasl_server_mechanisms['EXTERNAL'] = container.sasl_server_mechanisms['ANONYMOUS']
  const { login } = hooks
  if (login !== undefined)
    container.sasl_server_mechanisms.enable_plain((username: unknown, password: unknown) =>
      login(connection, String(username), String(password)),
    )

  const links = createLinks({
    connection,
    hooks,
    limits,
    backlog: () => stream.writableLength,
    fault,
  })
  for (const event of ['error', 'protocol_error', 'connection_error', 'session_error'])
    container.on(event, (error: unknown) => {
      // Told so by the peer, or a fault of the library's own: the connection is ending.
      if (event === 'error' || event === 'protocol_error') fault(error)
    })
  for (const event of ['connection_open', 'connection_close', 'disconnected'])
    container.on(event, () => undefined)
  container.on('session_open', ({ session }: rhea.EventContext) => {
    if (session !== undefined) sessions.add(session)
  })
  container.on('session_close', ({ session }: rhea.EventContext) => {
    if (session !== undefined) sessions.delete(session)
  })
  container.on('sender_error', () => undefined)
  container.on('receiver_error', () => undefined)
  container.on('sender_open', guarded(links.senderOpened))
  container.on('receiver_open', guarded(links.receiverOpened))
  container.on('message', guarded(links.received))
  container.on('sendable', guarded(links.sendable))
  for (const event of ['accepted', 'rejected', 'released', 'modified'] as const)
    container.on(
      event,
      guarded((context) => links.settled(context, event)),
    )
  container.on(
    'settled',
    guarded((context) => links.settled(context, undefined)),
  )
  container.on('sender_close', guarded(links.senderClosed))
  container.on('receiver_close', guarded(links.receiverClosed))

  amqp['accept'](socket)
  stream.on(
    'data',
    guarded((chunk: Buffer) => {
      if (!ended && !closing) guard.push(chunk)
      else if (closing && !ended) closingData(chunk)
    }),
  )
  /** The answer to our goodbye. Whoever says anything else is not listened to any more. */
  function closingData(_chunk: Buffer): void {
    stream.end()
  }
  stream.on('drain', () => {
    stream.resume()
    links.drained()
  })
  stream.on('error', end)
  stream.on('end', end)
  stream.on('close', end)
  hooks.connected?.(connection)
  return connection
}

function from({ remoteAddress }: AmqpTransport): { remoteAddress?: string } {
  return remoteAddress === undefined ? {} : { remoteAddress }
}
