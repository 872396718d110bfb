import { BlockList, isIPv4, isIPv6 } from 'node:net'

/**
 * IPv4 addresses that are not on the public internet, and those that serve a host alone.
 * Source: IANA IPv4 Special-Purpose Address Registry; 168.63.129.16 is Azure's platform address (learn.microsoft.com).
 */
const SPECIAL_V4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const

/**
 * What is not public inside the global unicast space.
 * Source: IANA IPv6 Special-Purpose Address Registry.
 */
const SPECIAL_V6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
] as const

/** Prefixes whose last 32 bits are an IPv4 address that a packet reaches: mapped (RFC 4291), NAT64 (RFC 6052). */
const EMBEDDING_V6 = ['::ffff:', '64:ff9b::'] as const

const specialV4 = new BlockList()
const specialV6 = new BlockList()
/** Everything else in IPv6 is unassigned, local, or multicast. Source: IANA IPv6 address space, 2000::/3. */
const reachableV6 = new BlockList()

for (const [network, prefix] of SPECIAL_V4) {
  specialV4.addSubnet(network, prefix, 'ipv4')
  for (const embedding of EMBEDDING_V6) {
    specialV6.addSubnet(embedding + network, 96 + prefix, 'ipv6')
  }
}
for (const [network, prefix] of SPECIAL_V6) specialV6.addSubnet(network, prefix, 'ipv6')
reachableV6.addSubnet('2000::', 3, 'ipv6')
for (const embedding of EMBEDDING_V6) reachableV6.addSubnet(`${embedding}0.0.0.0`, 96, 'ipv6')

/** Whether an IP address is one that a webhook may be sent to. What is no IP address, or has a zone, is not. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !specialV4.check(address, 'ipv4')
  if (!isIPv6(address) || address.includes('%')) return false
  return reachableV6.check(address, 'ipv6') && !specialV6.check(address, 'ipv6')
}
