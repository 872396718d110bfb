import { CoreError } from './errors.ts'
import type { createNetworkDownlinks as CreateDownlinks } from './network-downlinks.ts'
import type { createNetworks as CreateNetworks } from './networks.ts'

// What a package holds in place of networks.ts and network-downlinks.ts where its config names no network.

async function refuse(): Promise<never> {
  throw new CoreError('input.not_found', 'expected a network, found a config without any')
}

/** No network: topics and dead letters are nobody's. */
export const createNetworks: typeof CreateNetworks = (_ports, _program, _gate, ingest) => ({
  take: refuse,
  refuseLarge: refuse,
  ingest,
  again: async () => undefined,
})

/** No network: no device is behind one. */
export const createNetworkDownlinks: typeof CreateDownlinks = () => ({
  serves: () => false,
  deliver: async () => undefined,
})
