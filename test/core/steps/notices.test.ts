import { describe, expect, it } from 'vitest'
import {
  type ConfigInput,
  DEFAULT_PRESENCE,
  type DeviceInput,
  type DeviceRecord,
  type Json,
  newDeviceRecord,
  type StepResult,
  step,
} from '../../../core/index.ts'
import type { ShadowInput } from '../../../core/model/input.ts'
import { MOST_FOLLOWING_NOTICES } from '../../../core/steps/settle-notices.ts'
import { NOW, programOf } from '../harness.ts'

function stepper(config: ConfigInput) {
  const program = programOf(config)
  let ids = 0
  return (record: DeviceRecord, ...inputs: DeviceInput[]): StepResult =>
    step(record, inputs, {
      program,
      now: NOW,
      known: new Set(),
      report: true,
      presence: DEFAULT_PRESENCE,
      gateway: undefined,
      lookups: undefined,
      newId: () => `id-${++ids}`,
      random: () => 0,
    })
}

type Rule = NonNullable<ConfigInput['rules']>[string]

/** Tells on which topic it was reached, unless it does something else. */
function rule(sql: string, ...actions: NonNullable<Rule['actions']>): Rule {
  return {
    sql,
    actions: actions.length === 0 ? [{ republish: { topic: 'out/${topic()}' } }] : actions,
  }
}

const fresh = newDeviceRecord('d', 1)

function shadowInput(state: Json | string, changes: Partial<ShadowInput> = {}): DeviceInput {
  const body = typeof state === 'string' ? state : JSON.stringify({ state })
  return { kind: 'shadow', operation: 'update', name: '', body, at: NOW, ...changes }
}

function published({ record }: StepResult): [string, Json][] {
  return record.outbox.flatMap(({ effect }) =>
    effect.kind === 'publish' ? [[effect.topic, JSON.parse(effect.payload)]] : [],
  )
}

describe('rules on what becomes of a shadow', () => {
  it('hear the request, the answer, the delta and the documents, of every shadow', () => {
    const run = stepper({
      rules: { r: rule("SELECT topic() AS topic, state FROM '$aws/things/+/shadow/#'") },
    })
    const result = run(fresh, shadowInput({ desired: { led: 'on' }, reported: { led: 'off' } }))
    expect(published(result).map(([topic]) => topic)).toEqual([
      'out/$aws/things/d/shadow/update',
      'out/$aws/things/d/shadow/update/delta',
      'out/$aws/things/d/shadow/update/documents',
      'out/$aws/things/d/shadow/update/accepted',
    ])
    expect(published(result)[1]?.[1]).toMatchObject({ state: { led: 'on' } })
    const named = run(fresh, shadowInput({ reported: { a: 1 } }, { name: 'net' }))
    expect(published(named).map(([topic]) => topic)).toEqual([
      'out/$aws/things/d/shadow/name/net/update',
      'out/$aws/things/d/shadow/name/net/update/documents',
      'out/$aws/things/d/shadow/name/net/update/accepted',
    ])
  })

  it('hear what was refused, read and deleted', () => {
    const run = stepper({
      rules: {
        r: rule("SELECT topic(5) AS what, topic(6) AS how, code FROM '$aws/things/d/shadow/#'"),
      },
    })
    const refused = run(fresh, shadowInput('no JSON'))
    expect(published(refused).map(([, body]) => body)).toEqual([
      { what: 'update' },
      { what: 'update', how: 'rejected', code: 400 },
    ])
    const { record } = run(fresh, shadowInput({ reported: { a: 1 } }))
    const before = { ...record, outbox: [] }
    const read = run(before, shadowInput('', { operation: 'get' }))
    expect(published(read).map(([, body]) => body)).toEqual([
      { what: 'get' },
      { what: 'get', how: 'accepted' },
    ])
    const deleted = run(before, shadowInput('', { operation: 'delete' }))
    expect(published(deleted).map(([, body]) => body)).toEqual([
      { what: 'delete' },
      { what: 'delete', how: 'accepted' },
    ])
  })

  it('select from the documents as on AWS', () => {
    const run = stepper({
      rules: {
        r: rule(
          "SELECT current.state.reported.temp AS now, previous.state.reported.temp AS before FROM '$aws/things/+/shadow/update/documents' WHERE current.state.reported.temp > 30",
          { republish: { topic: 'hot/${topic(3)}' } },
        ),
      },
    })
    const cold = run(fresh, shadowInput({ reported: { temp: 20 } }))
    expect(published(cold)).toEqual([])
    const hot = run({ ...cold.record, outbox: [] }, shadowInput({ reported: { temp: 31 } }))
    expect(published(hot)).toEqual([['hot/d', { now: 31, before: 20 }]])
    expect(hot.events.matched).toEqual(new Map([['r', 1]]))
  })

  it('hear what another rule wants, in the same step', () => {
    const run = stepper({
      rules: {
        fan: rule("SELECT * FROM 'devices/+/telemetry' WHERE temp > 30", {
          setDesired: { state: { fan: 'on' } },
        }),
        heard: rule("SELECT state.fan AS fan FROM '$aws/things/+/shadow/update/delta'"),
      },
    })
    const telemetry = {
      messageId: 'm',
      topic: 'devices/d/telemetry',
      at: NOW,
      timed: true,
      identity: 'content',
      body: { temp: 31 },
      metrics: { temp: 31 },
      receivedAt: NOW,
      redelivered: false,
      bytes: new Uint8Array(),
    } as const
    const result = run(fresh, { kind: 'telemetry', telemetry })
    expect(published(result)).toEqual([['out/$aws/things/d/shadow/update/delta', { fan: 'on' }]])
  })

  it('come to rest where a rule wants what is there already', () => {
    const run = stepper({
      rules: {
        r: rule("SELECT * FROM '$aws/things/+/shadow/update/documents'", {
          setDesired: { state: { mode: 'eco' } },
        }),
      },
    })
    const result = run(fresh, shadowInput({ reported: { a: 1 } }))
    expect(result.record.shadows['']?.desired).toEqual({ mode: 'eco' })
    expect(result.events).toMatchObject({ failed: [], matched: new Map([['r', 2]]) })
  })

  it('are cut off where they would go on for ever, and only they', () => {
    const run = stepper({
      rules: {
        loop: rule("SELECT * FROM '$aws/things/+/shadow/update/documents'", {
          setDesired: { state: { n: '${get_or_default(current.state.desired.n, 0) + 1}' } },
        }),
        other: rule("SELECT 1 AS x FROM '$aws/things/+/shadow/update'"),
      },
    })
    const result = run(
      fresh,
      shadowInput({ desired: { n: 0 } }),
      shadowInput({ reported: { a: 1 } }),
    )
    expect(result.results.map(({ status }) => status)).toEqual(['answered', 'answered'])
    expect(result.events.failed.map(({ error }) => error.code)).toEqual([
      'rule.limit',
      'rule.limit',
    ])
    expect(result.events.matched.get('other')).toBe(2)
    const times = result.events.matched.get('loop') ?? 0
    expect(times).toBeGreaterThan(2)
    expect(times).toBeLessThanOrEqual(2 * MOST_FOLLOWING_NOTICES)
  })

  it('cost nothing where no rule listens', () => {
    const run = stepper({
      rules: { r: rule("SELECT * FROM '#'"), s: rule("SELECT * FROM '+/things/#'") },
    })
    const result = run(fresh, shadowInput({ desired: { a: 1 } }))
    expect(result.events.matched.size).toBe(0)
  })

  it('raise alarms', () => {
    const run = stepper({
      alarms: {
        bad: {
          from: '$aws/things/+/shadow/update/documents',
          when: 'current.state.reported.ok = false',
        },
      },
    })
    const result = run(fresh, shadowInput({ reported: { ok: false } }))
    expect(result.record.alarms['bad']).toMatchObject({ status: 'active' })
  })
})

describe('rules on connections', () => {
  it('hear that a device connects and that it does not any more', () => {
    const run = stepper({
      rules: {
        r: rule("SELECT *, topic(4) AS what FROM '$aws/events/presence/+/#'", {
          republish: { topic: 'seen' },
        }),
      },
    })
    const up = run(fresh, { kind: 'presence', connected: true, at: NOW - 5 })
    expect(published(up)).toEqual([
      ['seen', { clientId: 'd', timestamp: NOW - 5, eventType: 'connected', what: 'connected' }],
    ])
    const down = run({ ...up.record, outbox: [] }, { kind: 'presence', connected: false, at: NOW })
    expect(published(down)).toEqual([
      ['seen', { clientId: 'd', timestamp: NOW, eventType: 'disconnected', what: 'disconnected' }],
    ])
  })
})
