import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { messageFingerprint } from '../../../core/codecs/message-id.ts'

const TOPIC = 'devices/dev-1/telemetry'
const encoder = new TextEncoder()

/** Counts how many of many messages share a fingerprint with one before. */
function collisions(count: number, make: (index: number) => Uint8Array): number {
  const seen = new Set<string>()
  for (let index = 0; index < count; index++) seen.add(messageFingerprint(TOPIC, make(index)))
  return count - seen.size
}

/** A payload of bytes with one bit of a number in each. */
function spread(index: number, length: number, at: (bit: number) => number, mask: number) {
  const bytes = new Uint8Array(length)
  for (let bit = 0; bit < 20; bit++) if ((index >> bit) & 1) bytes[at(bit)] = mask
  return bytes
}

describe('messageFingerprint', () => {
  it('tells a million messages of one device at one time apart', () => {
    const found = collisions(1_000_000, (index) =>
      encoder.encode(
        `{"ts":1750000000,"temp":${(index % 1_000) / 10},"hum":${Math.floor(index / 1_000) / 10}}`,
      ),
    )
    expect(found).toBe(0)
  })

  it.each([
    ['a counter in 3 bytes', (index: number) => Uint8Array.of(index, index >> 8, index >> 16)],
    ['a counter in 4 bytes', (index: number) => Uint8Array.of(index, index >> 8, index >> 16, 0)],
    ['one bit a byte, the lowest', (index: number) => spread(index, 20, (bit) => bit, 0x01)],
    ['one bit a byte, the highest', (index: number) => spread(index, 20, (bit) => bit, 0x80)],
    [
      'the highest bit of each word',
      (index: number) => spread(index, 80, (bit) => bit * 4 + 3, 0x80),
    ],
    ['the lowest bit of each word', (index: number) => spread(index, 80, (bit) => bit * 4, 0x01)],
  ])('tells 200,000 payloads apart: %s', (_, make) => {
    expect(collisions(200_000, make)).toBe(0)
  })

  it('changes with any bit of any byte', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (bytes) => {
        const seen = new Set([messageFingerprint(TOPIC, bytes)])
        for (let bit = 0; bit < bytes.length * 8; bit++) {
          const changed = Uint8Array.from(bytes)
          changed[bit >> 3]! ^= 1 << (bit & 7)
          seen.add(messageFingerprint(TOPIC, changed))
        }
        expect(seen.size).toBe(bytes.length * 8 + 1)
      }),
    )
  })

  it('changes with the length, also of zeros', () => {
    expect(
      new Set(Array.from({ length: 300 }, (_, n) => messageFingerprint(TOPIC, new Uint8Array(n))))
        .size,
    ).toBe(300)
  })

  it('changes with the topic', () => {
    const bytes = encoder.encode('{"temp":1}')
    const topics = ['a', 'b', 'a/', '/a', 'ab', 'ba', 'a/b', 'A', 'ä', '\u{1F600}', '']
    expect(new Set(topics.map((topic) => messageFingerprint(topic, bytes))).size).toBe(
      topics.length,
    )
  })

  it('is the same for the same bytes, wherever they lie', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.nat(7), (bytes, offset) => {
        const larger = new Uint8Array(bytes.length + offset + 3).fill(0xee)
        larger.set(bytes, offset)
        const part = larger.subarray(offset, offset + bytes.length)
        expect(messageFingerprint(TOPIC, part)).toBe(messageFingerprint(TOPIC, bytes))
        expect(messageFingerprint(TOPIC, bytes)).toMatch(/^[0-9a-z]{14}$/)
      }),
    )
  })
})

it('is written with 14 digits in base 36, small words too', () => {
  const shapes = new Set<string>()
  for (let index = 0; index < 5_000; index++) {
    const id = messageFingerprint(TOPIC, encoder.encode(String(index)))
    expect(id).toMatch(/^[0-9a-z]{14}$/)
    expect(Number.parseInt(id.slice(0, 7), 36)).toBeLessThan(2 ** 32)
    expect(Number.parseInt(id.slice(7), 36)).toBeLessThan(2 ** 32)
    shapes.add(id.slice(0, 1))
  }
  expect([...shapes].sort()).toEqual(['0', '1'])
})
