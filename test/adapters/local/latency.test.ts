import { describe, expect, it } from 'vitest'
import { createLatency } from '../../../adapters/local/latency.ts'
import { createRecentMessages } from '../../../adapters/local/recent-messages.ts'
import { uplink } from '../../core/harness.ts'

describe('createLatency', () => {
  it('knows nothing before the first message', () => {
    expect(createLatency(() => 0).read()).toBeUndefined()
  })

  it('gives shares to within a tenth, from above', () => {
    const latency = createLatency(() => 0)
    for (let ms = 1; ms <= 1_000; ms++) latency.add(ms, 0)
    const { p50, p95, p99, messages } = latency.read()!
    expect(messages).toBe(1_000)
    for (const [found, exact] of [
      [p50, 500],
      [p95, 950],
      [p99, 990],
    ] as const) {
      expect(found).toBeGreaterThanOrEqual(exact * 0.99)
      expect(found).toBeLessThan(exact * 1.1)
    }
  })

  it.each([0, -1, Number.NaN, 0.001, 1e9, Number.POSITIVE_INFINITY])('takes %d, too', (ms) => {
    const latency = createLatency(() => 0)
    latency.add(ms, 0)
    const { p50 } = latency.read()!
    expect(p50).toBeGreaterThan(0)
    expect(p50).toBeLessThan(1_000_000)
  })

  it('forgets what is older than a minute', () => {
    let now = 0
    const latency = createLatency(() => now)
    latency.add(100, now)
    now = 30_000
    latency.add(1, now)
    expect(latency.read()).toMatchObject({ messages: 2 })
    now = 61_000
    expect(latency.read()).toMatchObject({ messages: 1 })
    now = 3_600_000
    expect(latency.read()).toBeUndefined()
    latency.add(5, now)
    expect(latency.read()).toMatchObject({ messages: 1 })
  })
})

describe('createRecentMessages', () => {
  it('keeps the last 20 of a device, oldest first', () => {
    const recent = createRecentMessages()
    for (let index = 0; index < 25; index++) recent.keep('a', uplink({ index }))
    recent.keep('b', uplink({ other: 1 }))
    const texts = recent.of('a').map(({ payload }) => new TextDecoder().decode(payload))
    expect(texts).toEqual(Array.from({ length: 20 }, (_, index) => `{"index":${index + 5}}`))
    expect(recent.of('nobody')).toEqual([])
  })

  it('copies payloads, and leaves out what is long or was decoded by its network', () => {
    const recent = createRecentMessages()
    const payload = new Uint8Array([1, 2, 3])
    recent.keep('a', uplink(payload))
    payload[0] = 9
    recent.keep('a', uplink(new Uint8Array(4_097)))
    recent.keep('a', uplink({ a: 1 }, { decoded: { a: 1 } }))
    expect(recent.of('a').map((one) => [...one.payload])).toEqual([[1, 2, 3]])
  })

  it('forgets the devices that came first once all weighs too much', () => {
    const recent = createRecentMessages(10_000)
    for (const device of ['a', 'b', 'c'])
      for (let index = 0; index < 10; index++) recent.keep(device, uplink(new Uint8Array(300)))
    expect(['a', 'b', 'c'].map((device) => recent.of(device).length)).toEqual([0, 10, 10])
  })
})
