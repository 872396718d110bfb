import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** Addresses that are not on the public internet, cloud metadata services among them. Source: IANA special-purpose registries. */
const special = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  special.addSubnet(network, prefix, 'ipv4')
}
for (const [network, prefix] of [
  ['::', 128],
  ['::1', 128],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  special.addSubnet(network, prefix, 'ipv6')
}

/** Whether an IP address is one that a webhook may be sent to. What is no IP address is not. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !special.check(address, 'ipv4')
  if (!isIPv6(address)) return false
  const mapped = /^(?:::ffff:|64:ff9b::)(.+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return isPublicAddress(isIPv4(mapped) ? mapped : fromHexWords(mapped))
  return !special.check(address, 'ipv6')
}

/** `7f00:1` → `127.0.0.1`: an IPv4 address written as the last two words of an IPv6 one. */
function fromHexWords(words: string): string {
  const [high, low] = words.split(':').map((word) => Number.parseInt(word, 16))
  if (high === undefined || low === undefined || Number.isNaN(high) || Number.isNaN(low))
    return '0.0.0.0'
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}
