import { type CallNetwork, type Clock, CoreError } from '../../core/index.ts'
import type { Resolve } from './guarded-lookup.ts'
import { createGuardedSender } from './guarded-sender.ts'

/** How long the API of a network may take. Unit: ms. */
const TIMEOUT_MS = 10_000

/** Sends downlinks to the APIs of networks. */
export interface NetworkCaller {
  readonly call: CallNetwork
  /** Ends every connection; what is under way fails as `channel.unavailable`. */
  close(): void
}

/** Builds a caller. Where it may go is judged as with webhooks: an address may come from an uplink. */
export function createNetworkCaller(clock: Clock, resolve?: Resolve): NetworkCaller {
  const sender = createGuardedSender(resolve)
  return {
    async call({ method, url, headers, body }, { allowPrivate }) {
      if (!URL.canParse(url))
        throw new CoreError('channel.rejected', 'expected the URL of a network, found none')
      await sender.send({
        method,
        url: new URL(url),
        headers: { 'user-agent': 'anyhub', ...headers },
        body,
        timeoutMs: TIMEOUT_MS,
        allowPrivate,
        now: clock.now(),
      })
    },
    close: sender.close,
  }
}
