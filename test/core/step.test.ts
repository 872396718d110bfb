import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type ConfigInput,
  DEFAULT_PRESENCE,
  type DeviceInput,
  type DeviceRecord,
  type Json,
  newDeviceRecord,
  type Program,
  type StepContext,
  type StepResult,
  step,
  type Uplink,
} from '../../core/index.ts'
import { MAX_OUTBOX } from '../../core/steps/draft.ts'
import { deepFreeze, NOW, programOf, telemetryOf } from './harness.ts'

const CONFIG: ConfigInput = {
  channels: { ops: { type: 'email', to: ['ops@example.org'] } },
  rules: {
    relay: {
      sql: "SELECT temp, seq FROM 'devices/+/telemetry' WHERE temp > 25",
      actions: [{ republish: { topic: 'fleet/${topic(2)}' } }],
    },
    tell: {
      sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp > 28",
      actions: [{ notify: { channels: ['ops'], text: 'at ${temp}' } }],
    },
    cool: {
      sql: "SELECT 18 AS setpoint FROM 'devices/+/telemetry' WHERE temp > 29",
      actions: [{ setDesired: {} }],
    },
    neighbour: {
      sql: "SELECT 1 AS fan FROM 'devices/+/telemetry' WHERE temp > 29",
      actions: [{ setDesired: { device: 'fan-1' } }],
    },
    mean: {
      sql: "SELECT avg(temp) AS mean FROM 'devices/+/telemetry' GROUP BY TUMBLINGWINDOW(second, 7)",
      actions: [{ republish: { topic: 'mean/${topic(2)}' } }],
    },
    fails: {
      sql: "SELECT VALUE seq FROM 'devices/+/telemetry' WHERE temp > 26",
      actions: [{ setDesired: {} }, { republish: { topic: 'after/failure' } }],
    },
  },
  alarms: {
    hot: { when: 'temp > 27', clear: 'temp < 24', notify: ['ops'] },
    damp: { when: 'hum > 80', for: '10s', notify: ['ops'] },
  },
}

const PROGRAM = programOf(CONFIG)

function context(changes: Partial<StepContext> = {}): StepContext {
  let ids = 0
  return {
    program: PROGRAM,
    now: NOW,
    known: new Set(),
    report: true,
    presence: DEFAULT_PRESENCE,
    gateway: undefined,
    lookups: undefined,
    newId: () => `id-${++ids}`,
    random: () => 0.5,
    ...changes,
  }
}

function telemetry(body: Json, changes: Partial<Uplink> = {}, program = PROGRAM): DeviceInput {
  return { kind: 'telemetry', telemetry: telemetryOf(program, body, changes) }
}

function fresh(changes: Partial<DeviceRecord> = {}): DeviceRecord {
  return { ...newDeviceRecord('dev-1', NOW), version: 1, ...changes }
}

/** Runs inputs one by one, each over the record that the one before left. */
function oneByOne(record: DeviceRecord, inputs: readonly DeviceInput[], options: StepContext) {
  const steps: StepResult[] = []
  let current = record
  for (const input of inputs) {
    const result = step(current, [input], options)
    steps.push(result)
    current = result.record
  }
  return { record: current, steps }
}

const keysOf = (record: DeviceRecord): string[] => record.outbox.map(({ key }) => key)

// Anything that can happen to a device, with times and values so few that they meet.

const someTelemetry: fc.Arbitrary<DeviceInput> = fc
  .record({
    temp: fc.constantFrom(20, 24, 26, 28, 29, 30),
    hum: fc.option(fc.constantFrom(50, 85), { nil: undefined }),
    seq: fc.nat(20),
    second: fc.nat(30),
    timed: fc.boolean(),
    messageId: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
    deliveryId: fc.option(fc.constantFrom('1', '2'), { nil: undefined }),
    redelivered: fc.boolean(),
  })
  .map(({ temp, hum, seq, second, timed, messageId, deliveryId, redelivered }) =>
    telemetry(
      {
        temp,
        seq,
        ...(hum === undefined ? {} : { hum }),
        ...(timed ? { ts: NOW - 60_000 + second * 1_000 } : {}),
      },
      {
        receivedAt: NOW - 60_000 + second * 1_000,
        redelivered,
        ...(messageId === undefined ? {} : { messageId }),
        ...(deliveryId === undefined ? {} : { deliveryId }),
      },
    ),
  )

const someShadow: fc.Arbitrary<DeviceInput> = fc
  .record({
    operation: fc.constantFrom('get' as const, 'update' as const, 'delete' as const),
    name: fc.constantFrom('', 'config', 'bad name', '__proto__'),
    body: fc.constantFrom(
      '',
      '{',
      '{"state":{"desired":{"setpoint":18,"fan":null}}}',
      '{"state":{"desired":{"setpoint":21},"reported":{"temp":99}}}',
      '{"state":null}',
      '{"state":{"desired":{"a":{"b":[1,{"c":null}]}}}}',
      '{"state":{"reported":{"mode":"eco"}},"version":1}',
    ),
  })
  .map((one): DeviceInput => ({ kind: 'shadow', at: NOW, ...one }))

const someOther: fc.Arbitrary<DeviceInput> = fc.constantFrom<DeviceInput>(
  { kind: 'presence', connected: true, at: NOW - 5_000 },
  { kind: 'presence', connected: false, at: NOW },
  { kind: 'desire', name: '', desired: { setpoint: 18 }, at: NOW },
  { kind: 'desire', name: 'config', desired: { setpoint: null }, at: NOW },
  { kind: 'desire', name: '', desired: [1], at: NOW },
  { kind: 'alarm', change: { do: 'acknowledge' }, alarmId: 'hot', by: 'me', at: NOW },
  { kind: 'alarm', change: { do: 'acknowledge' }, alarmId: 'constructor', by: 'me', at: NOW },
  { kind: 'timer', at: NOW },
  { kind: 'timer', at: NOW + 3_600_000 },
)

const anyInput = fc.oneof(
  { weight: 6, arbitrary: someTelemetry },
  { weight: 2, arbitrary: someShadow },
  { weight: 2, arbitrary: someOther },
)

const anyInputs = fc.array(anyInput, { maxLength: 30 })

describe('step is pure', () => {
  it('gives the same for the same, and changes nothing that goes in', () => {
    fc.assert(
      fc.property(anyInputs, anyInputs, fc.boolean(), (before, inputs, report) => {
        const record = deepFreeze(step(fresh(), before, context({ report })).record)
        deepFreeze(inputs)
        const first = step(record, inputs, context({ report }))
        const second = step(record, inputs, context({ report }))
        expect(second).toEqual(first)
        expect(first.results).toHaveLength(inputs.length)
      }),
      { numRuns: 300 },
    )
  })

  it('shares no state with the record that it was given, however long the chain', () => {
    fc.assert(
      fc.property(fc.array(anyInputs, { maxLength: 5 }), (batches) => {
        let record = deepFreeze(fresh())
        for (const batch of batches) record = deepFreeze(step(record, batch, context()).record)
        expect(JSON.parse(JSON.stringify(record))).toEqual(record)
      }),
      { numRuns: 100 },
    )
  })

  it('gives back the very same record where nothing happened', () => {
    const record = step(fresh(), [telemetry({ temp: 20, ts: NOW })], context()).record
    for (const nothing of [
      [],
      [telemetry({ temp: 20, ts: NOW })],
      [{ kind: 'shadow', operation: 'get', name: '', body: '', at: NOW }],
      [{ kind: 'shadow', operation: 'get', name: 'none', body: '', at: NOW }],
      [{ kind: 'shadow', operation: 'update', name: '', body: '{', at: NOW }],
      [{ kind: 'shadow', operation: 'delete', name: 'none', body: '', at: NOW }],
      [{ kind: 'alarm', change: { do: 'acknowledge' }, alarmId: 'hot', by: 'me', at: NOW }],
      [{ kind: 'timer', at: NOW }],
      [{ kind: 'desire', name: '', desired: [], at: NOW }],
    ] satisfies DeviceInput[][]) {
      expect(step(record, nothing, context()).record).toBe(record)
    }
  })
})

describe('a batch is as good as its messages one by one', () => {
  it('gives the same rows, values, alarms, shadows, ids and effects', () => {
    fc.assert(
      fc.property(anyInputs, anyInputs, (before, inputs) => {
        const options = context({ report: false })
        const record = step(fresh(), before, options).record
        const batch = step(record, inputs, options)
        const single = oneByOne(record, inputs, options)
        expect(batch.results).toEqual(single.steps.flatMap(({ results }) => results))
        expect(batch.rows).toEqual(single.steps.flatMap(({ rows }) => rows))
        expect(batch.record).toEqual(single.record)
        expect(batch.events.failed).toEqual(single.steps.flatMap(({ events }) => events.failed))
        expect(batch.events.raised).toBe(
          single.steps.reduce((n, { events }) => n + events.raised, 0),
        )
      }),
      { numRuns: 300 },
    )
  })

  it('reports the same values to the shadow, in fewer versions', () => {
    fc.assert(
      fc.property(anyInputs, anyInputs, (before, inputs) => {
        const options = context()
        const record = step(fresh(), before, options).record
        const batch = step(record, inputs, options).record
        const single = oneByOne(record, inputs, options).record
        const values = ({ shadows }: DeviceRecord) =>
          Object.entries(shadows).map(([name, { desired, reported, deletedAt }]) => {
            return { name, desired, reported, deletedAt }
          })
        // A version may be asked for by number, so that it may decide what an update does.
        fc.pre(
          !inputs.some(
            (input) => input.kind === 'shadow' && String(input.body).includes('version'),
          ),
        )
        expect(values(batch)).toEqual(values(single))
        expect(batch.last).toEqual(single.last)
        expect(batch.alarms).toEqual(single.alarms)
        expect(keysOf(batch).filter((key) => !key.startsWith('shadow/'))).toEqual(
          keysOf(single).filter((key) => !key.startsWith('shadow/')),
        )
        for (const [name, { version }] of Object.entries(batch.shadows)) {
          expect(version).toBeLessThanOrEqual(single.shadows[name]?.version ?? 0)
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('late data', () => {
  it('never overwrites a newer last value nor a newer reported one', () => {
    const messages = fc.array(
      fc.record({
        at: fc.nat(20).map((second) => NOW - 60_000 + second * 1_000),
        values: fc.dictionary(fc.constantFrom('temp', 'hum', 'constructor'), fc.nat(5)),
      }),
      { maxLength: 25 },
    )
    fc.assert(
      fc.property(messages, fc.nat(25), (list, cut) => {
        const inputs = list.map(({ at, values }, index) =>
          telemetry({ ...values, ts: at }, { messageId: `m${index}` }),
        )
        let record = step(fresh(), inputs.slice(0, cut), context()).record
        record = step(record, inputs.slice(cut), context()).record
        const expected: Record<string, { value: number; at: number }> = {}
        for (const { at, values } of list) {
          for (const [metric, value] of Object.entries(values)) {
            const before = Object.hasOwn(expected, metric) ? expected[metric] : undefined
            if (before === undefined || at >= before.at) expected[metric] = { value, at }
          }
        }
        expect(record.last).toEqual(expected)
        const reported = Object.entries(expected).map(([metric, { value }]) => [metric, value])
        expect(record.shadows['']?.reported ?? {}).toEqual(Object.fromEntries(reported))
        expect(record.newestAt).toBe(Math.max(0, ...list.map(({ at }) => at)))
      }),
      { numRuns: 300 },
    )
  })

  it('is stored, counted, given to rules, but touches no shadow where it is all old', () => {
    const record = step(fresh(), [telemetry({ temp: 20, ts: NOW })], context()).record
    const late = step(record, [telemetry({ temp: 26, ts: NOW - 5_000 })], context())
    expect(late.rows).toHaveLength(1)
    expect(late.events.matched.get('relay')).toBe(1)
    expect(late.record.accepted).toBe(2)
    expect(late.record.shadows).toEqual(record.shadows)
    expect(late.record.newestAt).toBe(NOW)
  })

  it.each([
    { title: 'on a device without that alarm', before: [20] },
    { title: 'after it was cleared', before: [30, 20] },
    { title: 'after it was cleared and judged since', before: [30, 20, 22] },
  ])('never raises: $title', ({ before }) => {
    const record = before.reduce(
      (current, temp, index) =>
        step(current, [telemetry({ temp, ts: NOW + index * 1_000 })], context()).record,
      fresh(),
    )
    const lateAt = NOW + (before.length - 1) * 1_000 - 500
    const late = step(record, [telemetry({ temp: 30, ts: lateAt })], context())
    expect(late.events.raised).toBe(0)
    expect(late.record.alarms['hot']).toEqual(record.alarms['hot'])
  })

  it('never clears', () => {
    const inputs = [30, 31].map((temp, index) => telemetry({ temp, ts: NOW + index * 1_000 }))
    const record = step(fresh(), inputs, context()).record
    const late = step(record, [telemetry({ temp: 10, ts: NOW + 500 })], context())
    expect(late.events.cleared).toBe(0)
    expect(late.record.alarms['hot']?.status).toBe('active')
  })
})

describe('duplicates', () => {
  const timed = { temp: 20, ts: NOW - 5 }
  const untimed = { temp: 20 }
  const cases: readonly {
    title: string
    first: [Json, Partial<Uplink>?]
    second: [Json, Partial<Uplink>?]
    duplicate: boolean
  }[] = [
    { title: 'same bytes and time', first: [timed], second: [timed], duplicate: true },
    {
      title: 'same bytes and time, received later, delivered anew',
      first: [timed, { deliveryId: '1' }],
      second: [timed, { deliveryId: '2', receivedAt: NOW + 9 }],
      duplicate: true,
    },
    {
      title: 'another value at the same time',
      first: [timed],
      second: [{ ...timed, temp: 21 }],
      duplicate: false,
    },
    { title: 'another time', first: [timed], second: [{ ...timed, ts: NOW }], duplicate: false },
    {
      title: 'same bytes on another topic',
      first: [timed],
      second: [timed, { topic: 'devices/dev-1/telemetry/other' }],
      duplicate: false,
    },
    {
      title: 'same id of the sender, other bytes',
      first: [timed, { messageId: 'm' }],
      second: [{ temp: 1 }, { messageId: 'm' }],
      duplicate: true,
    },
    {
      title: 'another id of the sender, same bytes',
      first: [timed, { messageId: 'm' }],
      second: [timed, { messageId: 'n' }],
      duplicate: false,
    },
    {
      title: 'two equal readings without a time',
      first: [untimed],
      second: [untimed],
      duplicate: false,
    },
    {
      title: 'the same delivery again, and the transport says so',
      first: [untimed, { deliveryId: '1' }],
      second: [untimed, { deliveryId: '1', redelivered: true }],
      duplicate: true,
    },
    {
      title: 'the same name of a delivery for a new message',
      first: [untimed, { deliveryId: '1' }],
      second: [untimed, { deliveryId: '1' }],
      duplicate: false,
    },
    {
      title: 'another delivery, said to be one again: the first never came',
      first: [untimed, { deliveryId: '1' }],
      second: [untimed, { deliveryId: '2', redelivered: true }],
      duplicate: false,
    },
    {
      title: 'the same name of a delivery, said to be one again, with other bytes',
      first: [untimed, { deliveryId: '1' }],
      second: [{ temp: 21 }, { deliveryId: '1', redelivered: true }],
      duplicate: false,
    },
    {
      title: 'times of the transport that differ, equal bytes',
      first: [untimed, { sentAt: NOW - 2 }],
      second: [untimed, { sentAt: NOW - 1 }],
      duplicate: false,
    },
    {
      title: 'times of the transport that are equal, equal bytes',
      first: [untimed, { sentAt: NOW - 2 }],
      second: [untimed, { sentAt: NOW - 2 }],
      duplicate: true,
    },
  ]

  it.each(cases)('$title', ({ first, second, duplicate }) => {
    const inputs = [telemetry(...first), telemetry(...second)]
    const expected = ['accepted', duplicate ? 'duplicate' : 'accepted']
    const batch = step(fresh(), inputs, context())
    const single = oneByOne(fresh(), inputs, context())
    expect(batch.results.map(({ status }) => status)).toEqual(expected)
    expect(single.steps.map(({ results }) => results[0]?.status)).toEqual(expected)
    expect(batch.rows).toHaveLength(duplicate ? 1 : 2)
    expect(batch.record.accepted).toBe(duplicate ? 1 : 2)
  })

  it('remembers the last 48 by itself, older ones by what the store knows', () => {
    const inputs = Array.from({ length: 60 }, (_, seq) => telemetry({ seq, ts: NOW - 100 + seq }))
    const { record } = step(fresh(), inputs, context())
    expect(record.recentIds).toHaveLength(48)
    const again = step(record, inputs, context())
    expect(again.results.filter(({ status }) => status === 'duplicate')).toHaveLength(48)
    const known = new Set(
      inputs.slice(0, 12).map((one) => (one.kind === 'telemetry' ? one.telemetry.messageId : '')),
    )
    const all = step(record, inputs, context({ known }))
    expect(all.results.every(({ status }) => status === 'duplicate')).toBe(true)
    expect(all.record).toBe(record)
  })

  it('drops 100 copies in one batch', () => {
    const inputs = Array.from({ length: 101 }, () => telemetry(timed))
    const { record, rows } = step(fresh(), inputs, context())
    expect(rows).toHaveLength(1)
    expect(record.accepted).toBe(1)
  })

  it('does nothing else with one: no rule, no alarm, no value, no sign of life', () => {
    const record = step(fresh(), [telemetry({ temp: 30, ts: NOW })], context()).record
    const cleared = { ...record, outbox: [], alarms: {}, last: {} }
    const again = step(
      cleared,
      [telemetry({ temp: 30, ts: NOW }, { receivedAt: NOW + 9_000 })],
      context(),
    )
    expect(again.record).toBe(cleared)
    expect(again.events.matched.size).toBe(0)
  })
})

describe('rules', () => {
  it('that fail leave other rules, the alarms and their own other actions alone', () => {
    const { record, events, rows } = step(
      fresh(),
      [telemetry({ temp: 30, seq: 1, ts: NOW })],
      context(),
    )
    expect(events.failed.map(({ ruleId }) => ruleId)).toEqual(['fails'])
    expect(events.failed[0]?.error.code).toBe('rule.failed')
    expect(Object.fromEntries(events.matched)).toEqual({
      relay: 1,
      tell: 1,
      cool: 1,
      neighbour: 1,
      fails: 1,
    })
    expect(events.raised).toBe(1)
    expect(rows).toHaveLength(1)
    const topics = record.outbox.flatMap(({ effect }) =>
      effect.kind === 'publish' ? effect.topic : [],
    )
    expect(topics).toEqual(['fleet/dev-1', 'after/failure'])
  })

  it.each([
    { device: '${nothing}', found: '""' },
    { device: 'a/${temp}', found: '"a/30"' },
    { device: '#', found: '"#"' },
    { device: `${'x'.repeat(129)}`, found: '"xxxx' },
  ])('fail where they name a device that cannot be: $device', ({ device, found }) => {
    const program = programOf({
      rules: {
        r: {
          sql: "SELECT 1 AS fan FROM 'devices/+/telemetry'",
          actions: [{ setDesired: { device } }, { sendCommand: { name: 'go', device } }],
        },
      },
    })
    const { record, events } = step(fresh(), [telemetry({ temp: 30 })], context({ program }))
    expect(events.failed).toHaveLength(2)
    expect(events.failed[0]?.error.message).toContain(found)
    expect(record.outbox).toEqual([])
  })

  it.each(['${nothing}', 'a/+/b', 'a/#', '${name}'])(
    'fail where they publish on what is no topic: %s',
    (topic) => {
      const program = programOf({
        rules: { r: { sql: "SELECT * FROM 'devices/#'", actions: [{ republish: { topic } }] } },
      })
      const name = 'x'.repeat(70_000)
      const { record, events } = step(fresh(), [telemetry({ name })], context({ program }))
      expect(events.failed).toHaveLength(1)
      expect(record.outbox).toEqual([])
    },
  )
})

describe('effects', () => {
  it('have keys of their own, each the same when the step runs again', () => {
    fc.assert(
      fc.property(fc.array(anyInputs, { maxLength: 4 }), (batches) => {
        const seen = new Set<string>()
        let record = fresh()
        for (const inputs of batches) {
          const { record: next } = step(record, inputs, context())
          expect(keysOf(step(record, inputs, context()).record)).toEqual(keysOf(next))
          for (const key of keysOf(next)) {
            expect(seen).not.toContain(key)
            seen.add(key)
          }
          // As if all had been performed.
          record = { ...next, outbox: [] }
        }
      }),
      { numRuns: 200 },
    )
  })

  it('tell of each transition of an alarm that flaps within one second', () => {
    const inputs = [30, 20, 31, 19, 32].map((temp, seq) => telemetry({ temp, seq, ts: NOW }))
    const { record, events } = step(fresh(), inputs, context())
    const notifications = record.outbox.flatMap(({ effect }) =>
      effect.kind === 'notify' && effect.notification.subject.startsWith('hot')
        ? [effect.notification]
        : [],
    )
    expect(events).toMatchObject({ raised: 3, cleared: 2 })
    expect(notifications.map(({ subject }) => subject.split(' ')[1])).toEqual([
      'raised',
      'cleared',
      'raised',
      'cleared',
      'raised',
    ])
    expect(new Set(notifications.map(({ key }) => key)).size).toBe(5)
  })

  const relayAll = programOf({
    rules: { r: { sql: "SELECT * FROM 'devices/#'", actions: [{ republish: { topic: 'a' } }] } },
  })

  it('wait in a bounded number, and what finds no room is told', () => {
    const sent = MAX_OUTBOX + 5
    const inputs = Array.from({ length: sent }, (_, seq) => telemetry({ seq }, {}, relayAll))
    const { record, events, rows } = step(fresh(), inputs, context({ program: relayAll }))
    expect(record.outbox.length).toBeLessThanOrEqual(MAX_OUTBOX)
    expect(record.outbox.length).toBeGreaterThan(500)
    expect(rows).toHaveLength(sent)
    expect(record.outbox.length + events.failed.length).toBe(sent)
    expect(new Set(events.failed.map(({ error }) => error.code))).toEqual(
      new Set(['device.outbox_full']),
    )
    expect(events.crowded).toBe(true)
  })

  it('wait in a size that leaves room for the rest of the record', () => {
    const large = 'x'.repeat(10_000)
    const inputs = Array.from({ length: 40 }, (_, seq) => telemetry({ seq, large }, {}, relayAll))
    const { record, events } = step(fresh(), inputs, context({ program: relayAll }))
    expect(events.failed.length).toBeGreaterThan(0)
    expect(record.outbox.length + events.failed.length).toBe(40)
    expect(JSON.stringify(record.outbox).length).toBeLessThan(200_000)
    expect(record.outbox.length).toBeGreaterThan(5)
  })

  it('that wait set the time at which the tick has to look, sooner for a pending alarm', () => {
    const { mean: _windowed, ...rules } = CONFIG.rules ?? {}
    const program = programOf({ ...CONFIG, rules })
    const dueAfter = (body: Json) =>
      step(fresh(), [telemetry(body)], context({ program })).record.dueAt
    expect(dueAfter({ temp: 26, ts: NOW })).toBe(NOW + 15_000)
    expect(dueAfter({ temp: 20, hum: 90, ts: NOW })).toBe(NOW + 10_000)
    expect(dueAfter({ temp: 26, hum: 90, ts: NOW })).toBe(NOW + 10_000)
    expect(dueAfter({ temp: 20, ts: NOW })).toBe(0)
  })
})

describe('setDesired', () => {
  function desiring(state: object): Program {
    return programOf({
      rules: {
        r: {
          sql: "SELECT * FROM 'devices/#'",
          actions: [{ setDesired: { state: JSON.parse(JSON.stringify(state)) } }],
        },
      },
    })
  }

  const wishes: readonly { state: object }[] = [
    { state: { setpoint: 18 } },
    { state: { list: [1, { a: 2 }] } },
    { state: { deep: { a: 1, b: { c: true } } } },
    { state: { gone: null } },
    { state: { deep: { gone: null }, kept: 1 } },
    { state: {} },
    { state: { constructor: 'x' } },
  ]

  it.each(wishes)('wishes once, and not again what is desired already: $state', ({ state }) => {
    const program = desiring(state)
    const first = step(fresh(), [telemetry({ seq: 1 })], context({ program, report: false }))
    const shadow = first.record.shadows['']
    const again = step(
      { ...first.record, outbox: [] },
      [telemetry({ seq: 2 }), telemetry({ seq: 3 })],
      context({ program, report: false }),
    )
    expect(first.events.failed).toEqual([])
    expect(again.record.outbox).toEqual([])
    expect(again.record.shadows['']).toEqual(shadow)
  })

  it('wishes again what somebody has changed since', () => {
    const program = desiring({ setpoint: 18 })
    const inputs: DeviceInput[] = [
      telemetry({ seq: 1 }),
      {
        kind: 'shadow',
        operation: 'update',
        name: '',
        body: '{"state":{"desired":{"setpoint":5}}}',
        at: NOW,
      },
      telemetry({ seq: 2 }),
    ]
    const { record } = step(fresh(), inputs, context({ program, report: false }))
    expect(record.shadows['']).toMatchObject({ desired: { setpoint: 18 }, version: 3 })
    expect(keysOf(record)).toEqual([
      ...['delta', 'documents', 'accepted'].map((event) => `shadow//1/${event}`),
      ...['delta', 'documents', 'accepted'].map((event) => `shadow//2/${event}`),
      ...['delta', 'documents', 'accepted'].map((event) => `shadow//3/${event}`),
    ])
  })

  it('sees what this very message has reported', () => {
    const program = desiring({ temp: 20 })
    const { record } = step(fresh(), [telemetry({ temp: 20 })], context({ program }))
    expect(record.shadows['']).toMatchObject({ desired: { temp: 20 }, reported: { temp: 20 } })
    expect(keysOf(record)).toEqual(['shadow//2/documents', 'shadow//2/accepted'])
  })

  it.each([
    { title: 'too deep', state: { a: { b: { c: { d: { e: { f: { g: 1 } } } } } } } },
    { title: 'too large', state: { text: 'x'.repeat(9_000) } },
    { title: 'a null in a list', state: { list: [null] } },
  ])('tells of a wish that no shadow takes: $title', ({ state }) => {
    const { record, events } = step(
      fresh(),
      [telemetry({ a: 1 })],
      context({ program: desiring(state), report: false }),
    )
    expect(events.failed.map(({ ruleId }) => ruleId)).toEqual(['r'])
    expect(record.shadows).toEqual({})
    expect(record.outbox).toEqual([])
  })

  it('for another device is an effect, and changes nothing here', () => {
    const { record } = step(fresh(), [telemetry({ temp: 30, ts: NOW })], context({ report: false }))
    const wishes = record.outbox.flatMap(({ effect }) => (effect.kind === 'desire' ? [effect] : []))
    expect(wishes).toEqual([
      {
        kind: 'desire',
        deviceId: 'fan-1',
        name: '',
        desired: { fan: 1 },
        by: 'rule neighbour',
      },
    ])
    expect(record.shadows['']?.desired).toEqual({ setpoint: 18 })
  })
})

describe('names that objects inherit', () => {
  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'are names of shadows: %s',
    (name) => {
      const update = '{"state":{"desired":{"led":"on"}}}'
      const { record, results } = step(
        fresh(),
        [
          { kind: 'shadow', operation: 'get', name, body: '', at: NOW },
          { kind: 'shadow', operation: 'update', name, body: update, at: NOW },
          { kind: 'shadow', operation: 'get', name, body: '', at: NOW },
        ],
        context(),
      )
      expect(results.map((one) => one.status === 'answered' && one.accepted)).toEqual([
        false,
        true,
        true,
      ])
      const kept: DeviceRecord = JSON.parse(JSON.stringify(record))
      expect(
        step(kept, [{ kind: 'shadow', operation: 'get', name, body: '', at: NOW }], context())
          .results,
      ).toEqual([results[2]])
    },
  )

  it.each(['constructor', 'toString', 'hasOwnProperty'])('are names of alarms: %s', (name) => {
    const program = programOf({ alarms: { [name]: { when: 'temp > 27', clear: 'temp < 24' } } })
    const inputs = [20, 30, 31, 20].map((temp, seq) => telemetry({ temp, ts: NOW + seq }))
    const single = oneByOne(fresh(), inputs, context({ program }))
    expect(single.steps.map(({ events }) => [events.raised, events.cleared])).toEqual([
      [0, 0],
      [1, 0],
      [0, 0],
      [0, 1],
    ])
  })

  it('are names of metrics', () => {
    const { record } = step(fresh(), [telemetry({ constructor: 1, toString: 2 })], context())
    expect(record.last).toEqual({
      constructor: { value: 1, at: NOW },
      toString: { value: 2, at: NOW },
    })
    expect(record.shadows['']?.reported).toEqual({ constructor: 1, toString: 2 })
  })
})
