import { describe, expect, it } from 'vitest'
import {
  compileProgram,
  DEFAULT_PRESENCE,
  type DeviceRecord,
  newDeviceRecord,
  parseConfig,
  type StepResult,
  step,
  type Telemetry,
} from '../../../core/index.ts'

const compiled = compileProgram(configOf())
if (!('program' in compiled)) throw new Error(JSON.stringify(compiled.faults))
const { program } = compiled

function configOf() {
  const parsed = parseConfig({})
  if (!('config' in parsed)) throw new Error(JSON.stringify(parsed.faults))
  return parsed.config
}

function message(
  messageId: string,
  at: number,
  metrics: Telemetry['metrics'],
  change: Partial<Telemetry> = {},
): Telemetry {
  return {
    messageId,
    topic: 'devices/d/telemetry',
    at,
    timed: true,
    identity: 'content',
    body: metrics,
    metrics: Object.freeze(metrics),
    receivedAt: 10_000,
    redelivered: false,
    bytes: new Uint8Array(0),
    ...change,
  }
}

function take(record: DeviceRecord, ...messages: Telemetry[]): StepResult {
  const inputs = messages.map((telemetry) => ({ kind: 'telemetry' as const, telemetry }))
  return step(record, inputs, {
    program,
    now: 10_000,
    known: new Set(),
    report: true,
    presence: DEFAULT_PRESENCE,
    gateway: undefined,
    lookups: undefined,
    newId: () => 'id',
    random: () => 0,
  })
}

const fresh = newDeviceRecord('d', 1)
const statuses = ({ results }: StepResult): string[] => results.map(({ status }) => status)
const reported = ({ record }: StepResult): unknown => record.shadows['']?.reported

describe('values of a step', () => {
  it('takes the values of one message over', () => {
    const result = take(fresh, message('a', 5, { temp: 1, door: 'open' }))
    expect(result.record.last).toEqual({
      temp: { value: 1, at: 5 },
      door: { value: 'open', at: 5 },
    })
    expect(reported(result)).toEqual({ temp: 1, door: 'open' })
  })

  it('merges the values of several messages, and changes none of them', () => {
    const first = message('a', 5, { temp: 1, door: 'open' })
    const second = message('b', 6, { temp: 2, lamp: true })
    const third = message('c', 7, { temp: 3 })
    const result = take(fresh, first, second, third)
    expect(reported(result)).toEqual({ temp: 3, door: 'open', lamp: true })
    expect(first.metrics).toEqual({ temp: 1, door: 'open' })
    expect(result.rows.map(({ metrics }) => metrics)).toEqual([
      { temp: 1, door: 'open' },
      { temp: 2, lamp: true },
      { temp: 3 },
    ])
  })

  it('lets late values pass only where nothing newer is known', () => {
    const result = take(
      fresh,
      message('a', 7, { temp: 7 }),
      message('b', 5, { temp: 5, door: 'open' }),
      message('c', 6, { temp: 6, door: 'shut', lamp: true }),
    )
    expect(statuses(result)).toEqual(['accepted', 'accepted', 'accepted'])
    expect(reported(result)).toEqual({ temp: 7, door: 'shut', lamp: true })
    expect(result.record.last).toEqual({
      temp: { value: 7, at: 7 },
      door: { value: 'shut', at: 6 },
      lamp: { value: true, at: 6 },
    })
    const later = take(result.record, message('d', 4, { temp: 4, fan: 1 }))
    expect(reported(later)).toEqual({ temp: 7, door: 'shut', lamp: true, fan: 1 })
  })

  it('knows no value by a name that objects inherit', () => {
    const result = take(fresh, message('a', 5, { constructor: 1, toString: 2, valueOf: 3 }))
    expect(reported(result)).toEqual({ constructor: 1, toString: 2, valueOf: 3 })
    expect(result.record.last).toEqual({
      constructor: { value: 1, at: 5 },
      toString: { value: 2, at: 5 },
      valueOf: { value: 3, at: 5 },
    })
  })
})

describe('duplicates within and between steps', () => {
  it('drops what comes twice in one step', () => {
    const one = message('a', 5, { temp: 1 })
    const other = message('b', 6, { temp: 2 })
    expect(statuses(take(fresh, one, one, other, one, other))).toEqual([
      'accepted',
      'duplicate',
      'accepted',
      'duplicate',
      'duplicate',
    ])
  })

  it('drops what an earlier step took, also if it is not the newest', () => {
    const one = message('a', 5, { temp: 1 })
    const other = message('b', 6, { temp: 2 })
    const { record } = take(fresh, one, other)
    expect(statuses(take(record, one))).toEqual(['duplicate'])
    expect(statuses(take(record, message('c', 7, { temp: 3 }), other, one))).toEqual([
      'accepted',
      'duplicate',
      'duplicate',
    ])
  })

  it('tells messages of one time apart by their ids', () => {
    const { record } = take(fresh, message('a', 5, { temp: 1 }))
    expect(statuses(take(record, message('b', 5, { temp: 1 })))).toEqual(['accepted'])
  })

  it('believes the id of the sender whatever the time', () => {
    const { record } = take(fresh, message('a', 5, { temp: 1 }, { identity: 'sender' }))
    expect(statuses(take(record, message('a', 9, { temp: 1 }, { identity: 'sender' })))).toEqual([
      'duplicate',
    ])
  })

  it('takes what the transport delivers again for the same message, and nothing else', () => {
    const delivery = { identity: 'delivery', timed: false } as const
    const { record } = take(fresh, message('a', 5, { temp: 1 }, delivery))
    const again = message('a', 6, { temp: 1 }, { ...delivery, redelivered: true })
    expect(statuses(take(record, again))).toEqual(['duplicate'])
    expect(statuses(take(record, message('a', 6, { temp: 1 }, delivery)))).toEqual(['accepted'])
    const none = { identity: 'none', timed: false, redelivered: true } as const
    expect(statuses(take(record, message('a', 6, { temp: 1 }, none)))).toEqual(['accepted'])
  })

  it('remembers the newest 48 ids, oldest first', () => {
    const ids = Array.from({ length: 60 }, (_, index) => `id-${index}`)
    let record = fresh
    for (const [index, id] of ids.entries())
      ({ record } = take(record, message(id, 5 + index, { temp: index })))
    expect(record.recentIds).toEqual(ids.slice(-48))
    expect(
      take(fresh, ...ids.map((id, index) => message(id, 5 + index, {}))).record.recentIds,
    ).toEqual(ids.slice(-48))
    const few = ids.slice(0, 3).map((id, index) => message(`x-${id}`, 100 + index, {}))
    expect(take(record, ...few).record.recentIds).toEqual([
      ...ids.slice(-45),
      'x-id-0',
      'x-id-1',
      'x-id-2',
    ])
  })
})
