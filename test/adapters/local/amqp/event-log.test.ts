import fc from 'fast-check'
import rhea from 'rhea'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readAddress } from '../../../../adapters/local/amqp/addresses.ts'
import { readPosition } from '../../../../adapters/local/amqp/event-hub.ts'
import { type EventLog, openEventLog } from '../../../../adapters/local/amqp/event-log.ts'
import type { Uplink } from '../../../../core/index.ts'
import { openFresh } from '../fresh-database.ts'

const HOUR = 3_600_000

async function open(more: { partitions?: number; maxEvents?: number } = {}) {
  const { database, close } = await openFresh()
  onTestFinished(close)
  const clock = { time: 1_000_000_000, now: () => clock.time }
  const reopen = (): Promise<EventLog> =>
    openEventLog({
      database,
      clock,
      partitions: 1,
      maxEvents: 1_000,
      retentionMs: HOUR,
      keeps: true,
      ...more,
    })
  return { clock, reopen, log: await reopen() }
}

function uplink(n: number, deviceId = 'a'): Uplink {
  return {
    deviceId,
    topic: `devices/${deviceId}/telemetry`,
    payload: Buffer.from(JSON.stringify({ n })),
    contentType: 'application/json',
    receivedAt: 0,
    source: 'test',
  }
}

async function numbers(log: EventLog, from = 0, partition = 0): Promise<number[]> {
  const events = await log.read(partition, from, 10_000)
  return events.map(({ bytes }) => JSON.parse(String(rhea.message.decode(bytes)['body'].content)).n)
}

describe('the log of events', () => {
  it('drops what is older than it is told', async () => {
    const { log, clock } = await open()
    for (let n = 0; n < 100; n++) await log.append(uplink(n))
    clock.time += HOUR + 1
    for (let n = 100; n < 200; n++) await log.append(uplink(n))
    const kept = await numbers(log)
    expect(kept).toEqual(Array.from({ length: 100 }, (_, index) => index + 100))
    expect(log.facts(0)).toMatchObject({ first: 100, last: 199 })
  })

  it('goes on where it was after a restart, and its times never go back', async () => {
    const { log, clock, reopen } = await open()
    await log.append(uplink(0))
    clock.time -= 5_000
    const again = await reopen()
    await again.append(uplink(1))
    const events = await again.read(0, 0, 10)
    expect(events.map(({ sequence, at }) => [sequence, at])).toEqual([
      [0, 1_000_000_000],
      [1, 1_000_000_000],
    ])
  })

  it('keeps the events of one device in their order, in one partition', async () => {
    const { log } = await open({ partitions: 4 })
    await Promise.all(Array.from({ length: 200 }, (_, n) => log.append(uplink(n, `dev-${n % 7}`))))
    let all = 0
    for (let partition = 0; partition < 4; partition++) {
      const found = await numbers(log, 0, partition)
      all += found.length
      for (let device = 0; device < 7; device++) {
        const own = found.filter((n) => n % 7 === device)
        expect([0, Math.ceil((200 - device) / 7)]).toContain(own.length)
        expect(own).toEqual(own.toSorted((a, b) => a - b))
      }
    }
    expect(all).toBe(200)
  })

  it('finds the first event at any position', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(20), { minLength: 1, maxLength: 40 }),
        fc.nat(1_000),
        fc.boolean(),
        async (gaps, offset, inclusive) => {
          const { log, clock } = await open()
          const times: number[] = []
          for (const [n, gap] of gaps.entries()) {
            clock.time += gap
            times.push(clock.time)
            await log.append(uplink(n))
          }
          const at = 1_000_000_000 + offset
          const expected = times.findIndex((time) => (inclusive ? time >= at : time > at))
          expect(await log.find(0, { after: 'time', at, inclusive })).toBe(
            expected < 0 ? times.length : expected,
          )
          expect(await log.find(0, { after: 'latest' })).toBe(times.length)
          expect(await log.find(0, { after: 'sequence', sequence: 3, inclusive })).toBe(
            inclusive ? 3 : 4,
          )
        },
      ),
      { numRuns: 15 },
    )
  })
})

describe('positions', () => {
  const filter = (text: string) => ({ 'apache.org:selector-filter:string': text })

  it.each([
    ["amqp.annotation.x-opt-offset > '@latest'", { after: 'latest' }],
    ["amqp.annotation.x-opt-offset > '-1'", { after: 'sequence', sequence: -1, inclusive: false }],
    ["amqp.annotation.x-opt-offset >= '7'", { after: 'sequence', sequence: 7, inclusive: true }],
    [
      "amqp.annotation.x-opt-sequence-number > '12'",
      { after: 'sequence', sequence: 12, inclusive: false },
    ],
    ["amqp.annotation.x-opt-enqueued-time > '99'", { after: 'time', at: 99, inclusive: false }],
    ["amqp.annotation.x-opt-offset > 'x'", undefined],
    ["amqp.annotation.x-opt-other > '1'", undefined],
    ['1 = 1', undefined],
    ['', undefined],
  ])('%s', (text, position) => expect(readPosition(filter(text))).toEqual(position))

  it('without a filter is the beginning', () =>
    expect(readPosition({})).toEqual({ after: 'sequence', sequence: 0, inclusive: true }))
})

describe('addresses', () => {
  it.each([
    ['$cbs', { kind: 'cbs' }],
    ['/devices/a%3Ab/messages/events', { kind: 'device', deviceId: 'a:b', part: 'events' }],
    ['/devices/a/messages/deviceBound', { kind: 'device', deviceId: 'a', part: 'devicebound' }],
    ['amqps://hub.example/devices/a/twin', { kind: 'device', deviceId: 'a', part: 'twin' }],
    ['/devices/%zz/twin', { kind: 'unknown' }],
    ['/devices/a/__proto__', { kind: 'unknown' }],
    ['/devices/a/modules/m/twin', { kind: 'module' }],
    ['/messages/serviceBound/feedback', { kind: 'service', part: 'feedback' }],
    ['$management', { kind: 'management', hub: '' }],
    [
      'anyhub/ConsumerGroups/$Default/Partitions/3',
      { kind: 'partition', hub: 'anyhub', group: '$Default', partition: '3' },
    ],
    ['anyhub/Partitions/1', { kind: 'hub', hub: 'anyhub' }],
    ['anyhub', { kind: 'hub', hub: 'anyhub' }],
    ['', { kind: 'unknown' }],
  ])('%j', (address, meaning) => expect(readAddress(address)).toEqual(meaning))
})
