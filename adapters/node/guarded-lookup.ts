import { lookup } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'
import { CoreError } from '../../core/index.ts'

/** The addresses of a name. */
export type Resolve = (
  hostname: string,
) => Promise<readonly { readonly address: string; readonly family: number }[]>

/** Asks the system, hosts file included. */
export const resolveBySystem: Resolve = (hostname) => lookup(hostname, { all: true })

/**
 * Asks once for all who want the same name at the same time. The system's look-ups share few threads with all that goes
 * to the disk: a name that does not resolve must not take them all.
 */
export function shareLookups(resolve: Resolve): Resolve {
  const underWay = new Map<string, ReturnType<Resolve>>()
  return (hostname) => {
    const asked = underWay.get(hostname)
    if (asked !== undefined) return asked
    const answer = resolve(hostname).finally(() => underWay.delete(hostname))
    underWay.set(hostname, answer)
    return answer
  }
}

/**
 * A look-up for connections that gives only the addresses that are allowed.
 *
 * Its errors reach the request: `channel.forbidden_address` if the name has addresses, but none that is allowed.
 */
export function createLookup(
  resolve: Resolve,
  allowed: (address: string) => boolean,
): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const usable = addresses.filter(({ address }) => allowed(address))
        const first = usable[0]
        if (first === undefined) callback(forbiddenAddress(hostname), '', 0)
        else if (options.all) callback(null, [...usable])
        else callback(null, first.address, first.family)
      },
      (error: NodeJS.ErrnoException) => callback(error, '', 0),
    )
  }
}

/** The error for an address, or a name with only such addresses, that a channel may not send to. */
export function forbiddenAddress(host: string): CoreError {
  return new CoreError(
    'channel.forbidden_address',
    `${host}: expected a public address; allowPrivate: true allows others`,
  )
}
