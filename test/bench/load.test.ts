import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import mqtt from 'mqtt-packet'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FULL, SMOKE } from '../../bench/lib/options.ts'
import { figureOf, quantile, ratioOf } from '../../bench/lib/statistics.ts'
import { table } from '../../bench/lib/table.ts'
import {
  connectFrame,
  createPacketCutter,
  createPublishFrame,
  subscribeFrame,
} from '../../bench/load/frames.ts'
import { FIRST_NUMBER, messageOf, textOf } from '../../bench/load/message.ts'
import {
  alertTopic,
  checkLoad,
  type LoadResult,
  type LoadSpec,
  telemetryTopic,
} from '../../bench/load/spec.ts'
import { startLoad } from '../../bench/load/start-load.ts'
import { RULE_CONFIG } from '../../bench/mqtt/round-trip.ts'
import { specOf, trickle } from '../../bench/mqtt/shapes.ts'
import { checkStored, startAnyhub } from '../../bench/rivals/anyhub.ts'

describe('figures', () => {
  it('gives the round in the middle and the ends', () => {
    expect(figureOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 })
    expect(figureOf([4, 1, 2, 3]).median).toBe(2.5)
    expect(() => figureOf([])).toThrow('expected a round')
  })

  it('divides round by round', () => {
    expect(ratioOf([10, 20, 40], [10, 10, 10])).toEqual({ median: 2, min: 1, max: 4 })
    expect(() => ratioOf([1], [])).toThrow('expected equal rounds')
  })

  it('interpolates quantiles', () => {
    expect(quantile([0, 10], 0.99)).toBeCloseTo(9.9)
    expect(quantile([], 0.5)).toBeNaN()
  })

  it('sets a table that Markdown reads', () => {
    expect(table(['a', 'msg/s'], [['longer', '1']])).toBe(
      '| a      | msg/s |\n| ------ | ----: |\n| longer |     1 |',
    )
  })
})

describe('frames', () => {
  function parse(bytes: Buffer): mqtt.Packet[] {
    const packets: mqtt.Packet[] = []
    const parser = mqtt.parser()
    parser.on('packet', (packet) => packets.push(packet))
    parser.parse(bytes)
    return packets
  }

  it('are what an MQTT library reads', () => {
    const frame = createPublishFrame(telemetryTopic(7))
    const out = Buffer.alloc(frame.length * 2)
    frame.write(out, 0, 513, FIRST_NUMBER + 123, 1_700_000_000_456)
    frame.write(out, frame.length, 514, FIRST_NUMBER + 100, 1_700_000_000_457)
    const packets = parse(Buffer.concat([connectFrame('c'), subscribeFrame(9, ['a/#', 'b']), out]))
    expect(packets).toMatchObject([
      { cmd: 'connect', clientId: 'c', clean: true, keepalive: 0 },
      { cmd: 'subscribe', messageId: 9, subscriptions: [{ topic: 'a/#', qos: 1 }, { topic: 'b' }] },
      { cmd: 'publish', messageId: 513, qos: 1, dup: false, topic: 'devices/d00007/telemetry' },
      { cmd: 'publish', messageId: 514 },
    ])
    const texts = packets.flatMap((packet) =>
      packet.cmd === 'publish' ? [packet.payload.toString()] : [],
    )
    expect(texts).toEqual([
      textOf(messageOf(FIRST_NUMBER + 123, 1_700_000_000_456)),
      textOf(messageOf(FIRST_NUMBER + 100, 1_700_000_000_457)),
    ])
    expect(texts.map((text) => text.length)).toEqual([150, 150])
  })

  it('are cut wherever the chunks end', () => {
    const frame = createPublishFrame(telemetryTopic(1))
    const bytes = Buffer.alloc(frame.length * 3)
    for (let index = 0; index < 3; index++)
      frame.write(bytes, index * frame.length, index + 1, FIRST_NUMBER + index, 1_700_000_000_000)
    for (const size of [1, 2, 3, 7, frame.length, frame.length + 1, 1_000]) {
      const bodies: string[] = []
      const cut = createPacketCutter((first, chunk, start, end) => {
        bodies.push(`${first}:${chunk.toString('hex', start, end)}`)
      })
      for (let at = 0; at < bytes.length; at += size) cut(bytes.subarray(at, at + size))
      expect(bodies).toHaveLength(3)
      expect(new Set(bodies).size).toBe(3)
    }
  })
})

describe('what a load is held to', () => {
  const spec = specOf(trickle(200, SMOKE), { mqttPort: 1, pids: [] }, true, SMOKE)
  const good: LoadResult = {
    sent: 10,
    acked: 10,
    received: 10,
    repeated: 0,
    wrong: 0,
    measured: 8,
    seconds: 1,
    cpu: 0.1,
    overrun: false,
    p50: 1,
    p99: 2,
    max: 3,
  }

  it('passes where all came back', () => {
    expect(() => checkLoad('x', spec, good)).not.toThrow()
    expect(() => checkLoad('x', { ...spec, echo: false }, { ...good, received: 0 })).not.toThrow()
  })

  it.each([
    [{ sent: 0, acked: 0, received: 0 }, 'nothing was sent'],
    [{ acked: 9 }, '9 of 10 messages were acknowledged'],
    [{ received: 9 }, '9 of 10 messages came back'],
    [{ repeated: 1 }, '1 messages came back more than once'],
    [{ wrong: 2 }, '2 messages came back with another content'],
  ])('fails with %j', (change, reason) => {
    expect(() => checkLoad('x', spec, { ...good, ...change })).toThrow(reason)
  })
})

describe('what the disk is held to', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'anyhub-bench-test-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  function store(numbers: readonly number[]): string {
    const file = join(folder, 'anyhub.db')
    const database = new DatabaseSync(file)
    database.exec('CREATE TABLE telemetry (rows TEXT); CREATE TABLE telemetry_hot (rows TEXT)')
    const rows = numbers.map((number) => [1, `id-${number}`, { n: FIRST_NUMBER + number }])
    const [hot, ...sealed] = rows
    database.prepare('INSERT INTO telemetry_hot (rows) VALUES (?)').run(JSON.stringify(hot))
    database.prepare('INSERT INTO telemetry (rows) VALUES (?)').run(JSON.stringify(sealed))
    database.close()
    return file
  }

  it('passes where each message stands once', () => {
    expect(() => checkStored(store([2, 0, 1]), 3)).not.toThrow()
  })

  it.each([
    ['lost', [0, 1]],
    ['doubled', [0, 1, 1]],
    ['unknown', [0, 1, 7]],
    ['too many', [0, 1, 2, 2]],
  ])('fails where a message is %s', (_, numbers) => {
    expect(() => checkStored(store(numbers), 3)).toThrow('expected 3 messages on the disk')
  })
})

describe('a tiny load on the embedded cloud', () => {
  async function serve(change: Partial<LoadSpec>, config?: string): Promise<LoadResult> {
    const system = await startAnyhub({ durability: 'normal', ...(config ? { config } : {}) })
    let sent: number | undefined
    try {
      const shape = { name: 'tiny', connections: 2, devices: 4, window: 5, rate: 0 }
      const spec = { ...specOf(shape, system, false, SMOKE), ...change }
      const result = await startLoad(spec)
      checkLoad('tiny', spec, result)
      sent = result.sent
      return result
    } finally {
      await system.stop(sent)
    }
  }

  it('has every message acknowledged and on the disk', async () => {
    const result = await serve({})
    expect(result.measured).toBeGreaterThan(0)
    expect(result.p99).toBeGreaterThanOrEqual(result.p50)
  })

  it('brings every message back through the rule, at a fixed rate too', async () => {
    const result = await serve({ echo: true, rate: 200, window: 1_000 }, RULE_CONFIG)
    expect(result.received).toBe(result.sent)
    expect(alertTopic(3)).toBe('alerts/d00003/telemetry')
  })
})

it('spends its time on measuring unless it is only to be seen running', () => {
  expect(FULL.measureMs).toBeGreaterThan(10 * SMOKE.measureMs)
})
