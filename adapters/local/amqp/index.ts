import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls'
import { createAmqpListener } from '../listeners/amqp/index.ts'
import { peerCertificate } from '../listeners/tls.ts'
import { createAmqpFront } from './front.ts'
import type { AmqpServices } from './services.ts'

export type { AmqpLogEvent } from '../listeners/amqp/index.ts'
export { type EventLog, openEventLog } from './event-log.ts'
export { tapIngest } from './tap-ingest.ts'

/** AMQP over TLS, ready to listen. */
export interface AmqpServer {
  readonly server: Server
  readonly connections: number
  /** A device may be served no longer, or not by what it has shown. */
  cutOff(deviceId: string): void
  close(): Promise<void>
}

/** Puts the server together. */
export function createAmqpServer(services: AmqpServices, tls: TlsOptions): AmqpServer {
  const front = createAmqpFront(services)
  const listener = createAmqpListener({ hooks: front })
  const server = createServer({ ...tls, noDelay: true }, (socket: TLSSocket) =>
    listener.attach(socket, {
      secure: true,
      remoteAddress: socket.remoteAddress,
      peerCertificate: peerCertificate(socket),
    }),
  )
  // Who does not even come to TLS is none of ours.
  server.on('tlsClientError', () => undefined)

  return {
    server,
    get connections() {
      return listener.connections
    },
    cutOff: front.cutOff,
    async close() {
      server.close()
      front.close()
      await listener.close()
    },
  }
}
