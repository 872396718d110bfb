import type { JsonObject } from './json.ts'

/** Where a device is behind a network: what a downlink needs to reach it. */
export interface NetworkSeat {
  /** The network's name in the config. */
  readonly network: string
  /** How the network is told which device is meant. */
  readonly address: JsonObject
}

/** Whether a device is where it was. Addresses are flat. */
export function isSameSeat(left: NetworkSeat | undefined, right: NetworkSeat): boolean {
  if (left === right) return true
  if (left === undefined || left.network !== right.network) return false
  const names = Object.keys(right.address)
  return (
    names.length === Object.keys(left.address).length &&
    names.every((name) => left.address[name] === right.address[name])
  )
}
