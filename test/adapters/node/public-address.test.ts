import { describe, expect, it } from 'vitest'
import { isPublicAddress } from '../../../adapters/node/public-address.ts'

// The first and the last address of each range, and the public neighbours on both sides.
// Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries, IANA IPv6 address space.

const SPECIAL_V4 = [
  ['0.0.0.0', '0.255.255.255'],
  ['10.0.0.0', '10.255.255.255'],
  ['100.64.0.0', '100.127.255.255'],
  ['127.0.0.0', '127.255.255.255'],
  ['168.63.129.16', '168.63.129.16'],
  ['169.254.0.0', '169.254.255.255'],
  ['172.16.0.0', '172.31.255.255'],
  ['192.0.0.0', '192.0.0.255'],
  ['192.0.2.0', '192.0.2.255'],
  ['192.31.196.0', '192.31.196.255'],
  ['192.52.193.0', '192.52.193.255'],
  ['192.88.99.0', '192.88.99.255'],
  ['192.168.0.0', '192.168.255.255'],
  ['192.175.48.0', '192.175.48.255'],
  ['198.18.0.0', '198.19.255.255'],
  ['198.51.100.0', '198.51.100.255'],
  ['203.0.113.0', '203.0.113.255'],
  ['224.0.0.0', '255.255.255.255'],
] as const

const PUBLIC_V4 = [
  '1.0.0.0',
  '1.1.1.1',
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.0',
  '168.63.129.15',
  '168.63.129.17',
  '169.253.255.255',
  '169.255.0.0',
  '172.15.255.255',
  '172.32.0.0',
  '192.0.1.0',
  '192.0.3.0',
  '192.167.255.255',
  '192.169.0.0',
  '198.17.255.255',
  '198.20.0.0',
  '223.255.255.255',
]

const SPECIAL_V6 = [
  '::',
  '::1',
  '0:0:0:0:0:0:0:1',
  // IPv4-compatible, and the translated form of RFC 2765: neither is routed.
  '::8.8.8.8',
  '::ffff:0:8.8.8.8',
  // Local-use NAT64.
  '64:ff9b:1::1',
  '64:ff9b:1:ffff::8.8.8.8',
  // Discard-only, dummy.
  '100::1',
  '100:0:0:1::1',
  // IETF protocol assignments: Teredo, benchmarking, ORCHID.
  '2001::1',
  '2001:0:808:808::1',
  '2001:2::1',
  '2001:10::1',
  '2001:20::1',
  '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff',
  // Documentation, 6to4, AS112, segment routing.
  '2001:db8::1',
  '2001:DB8:ffff::1',
  '2002:7f00:1::1',
  '2002:808:808::1',
  '2620:4f:8000::1',
  '3fff::1',
  '3fff:fff:ffff::1',
  '5f00::1',
  // Unique local with the metadata service of AWS, link-local, the old site-local, multicast.
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fe80::1%eth0',
  'febf::1',
  'fec0::1',
  'ff02::1',
  // Unassigned.
  '1fff:ffff::1',
  '4000::1',
]

const PUBLIC_V6 = [
  '2000::1',
  '2001:200::1',
  '2001:4860:4860::8888',
  '2001:db7:ffff::1',
  '2001:db9::1',
  '2003::1',
  '2606:4700:4700::1111',
  '2a00:1450:4001:81b::200e',
  '2620:4e:ffff::1',
  '2620:4f:8001::1',
  '3ffe:ffff::1',
]

describe('isPublicAddress', () => {
  it.each(SPECIAL_V4)('refuses %s to %s', (first, last) => {
    for (const address of [first, last]) {
      expect(isPublicAddress(address)).toBe(false)
      expect(isPublicAddress(`::ffff:${address}`)).toBe(false)
      expect(isPublicAddress(`64:ff9b::${address}`)).toBe(false)
      expect(isPublicAddress(`::FFFF:${hexWords(address)}`)).toBe(false)
      expect(isPublicAddress(`0:0:0:0:0:ffff:${hexWords(address)}`)).toBe(false)
      expect(isPublicAddress(`64:ff9b:0:0:0:0:${hexWords(address)}`)).toBe(false)
    }
  })

  it.each(PUBLIC_V4)('allows %s, also inside an IPv6 address that leads to it', (address) => {
    expect(isPublicAddress(address)).toBe(true)
    expect(isPublicAddress(`::ffff:${address}`)).toBe(true)
    expect(isPublicAddress(`64:ff9b::${address}`)).toBe(true)
    expect(isPublicAddress(`::ffff:${hexWords(address)}`)).toBe(true)
  })

  it.each(SPECIAL_V6)('refuses %s', (address) => expect(isPublicAddress(address)).toBe(false))

  it.each(PUBLIC_V6)('allows %s', (address) => expect(isPublicAddress(address)).toBe(true))

  it.each([
    '',
    'localhost',
    '8.8.8',
    '8.8.8.8.',
    '0x8.8.8.8',
    '08.8.8.8',
    '134744072',
    ' 8.8.8.8',
    '[2000::1]',
    '2000::1%1',
    '::ffff:8.8.8.256',
  ])('refuses %j, which is no plain address', (text) => expect(isPublicAddress(text)).toBe(false))
})

/** `127.0.0.1` → `7f00:1`. */
function hexWords(address: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
}
