import { type LiveConnection, openConnection } from './connection.ts'
import type { AmqpHooks, AmqpListener } from './hooks.ts'
import { AMQP_LIMITS, type AmqpLimits } from './limits.ts'

export interface AmqpListenerOptions {
  readonly hooks: AmqpHooks
  readonly limits?: Partial<AmqpLimits>
}

/** How long connections may take to say goodbye. Unit: ms. */
const CLOSE_MS = 500

/** AMQP 1.0 over streams that somebody else accepts. */
export function createAmqpListener({ hooks, limits = {} }: AmqpListenerOptions): AmqpListener {
  const all: AmqpLimits = { ...AMQP_LIMITS, ...limits }
  const live = new Set<LiveConnection>()
  let closed = false

  return {
    attach(stream, transport) {
      if (closed || live.size >= all.connections) {
        stream.on('error', () => undefined)
        stream.destroy()
        return
      }
      const connection: LiveConnection = openConnection({
        stream,
        transport,
        hooks,
        limits: all,
        onEnd() {
          live.delete(connection)
          hooks.disconnected?.(connection)
        },
      })
      live.add(connection)
    },

    get connections() {
      return live.size
    },

    async close() {
      closed = true
      for (const connection of [...live])
        connection.close('amqp:connection:forced', 'the hub is closing')
      const deadline = Date.now() + CLOSE_MS
      while (live.size > 0 && Date.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 10))
      for (const connection of [...live]) connection.destroy()
    },
  }
}
