import type { CallNetwork, Clock } from '../../core/index.ts'

/** As the caller of network-caller.ts, which is loaded with the first call: a cold start that sends nothing does without. */
export function createLazyNetworkCall(clock: Clock): CallNetwork {
  let loading: Promise<CallNetwork> | undefined
  return async (call, options) => {
    loading ??= import('./network-caller.ts').then(
      ({ createNetworkCaller }) => createNetworkCaller(clock).call,
    )
    await (await loading)(call, options)
  }
}
