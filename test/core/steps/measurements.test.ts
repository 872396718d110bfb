import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  DEFAULT_PRESENCE,
  type DeviceInput,
  type DeviceRecord,
  newDeviceRecord,
  replayMeasured,
  type StepResult,
  step,
  type TelemetryRow,
} from '../../../core/index.ts'
import { NOW, programOf, telemetryOf } from '../harness.ts'

const PLAIN = programOf({})
const ACTING = programOf({
  rules: {
    relay: {
      sql: "SELECT a FROM 'devices/+/telemetry' WHERE a > 90",
      actions: [{ republish: { topic: 'out' } }],
    },
  },
})

const someValue = fc.oneof(
  fc.nat(100),
  fc.boolean(),
  fc.constantFrom('on', 'off'),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
)
const someMessage = fc.record({
  values: fc.dictionary(
    fc.constantFrom(
      'a',
      'b',
      'c',
      '__proto__',
      'constructor',
      'x.y',
      '_flags.a',
      '_flags.x.y',
      '_flags',
    ),
    someValue,
    { minKeys: 1 },
  ),
  second: fc.option(fc.nat(20), { nil: undefined }),
})
const someSteps = fc.array(fc.array(someMessage, { minLength: 1, maxLength: 5 }), { maxLength: 6 })

function run(
  program: typeof PLAIN,
  record: DeviceRecord,
  inputs: readonly DeviceInput[],
  at: number,
  report: boolean,
): StepResult {
  return step(record, inputs, {
    program,
    now: at,
    known: new Set(),
    report,
    presence: DEFAULT_PRESENCE,
    gateway: undefined,
    lookups: undefined,
    newId: () => 'id',
    random: () => 0,
  })
}

describe('a step that only measured', () => {
  it('is told by its rows: from them the same record is made again', () => {
    let replayed = 0
    fc.assert(
      fc.property(someSteps, fc.boolean(), (steps, report) => {
        let record: DeviceRecord = { ...newDeviceRecord('dev-1', NOW), version: 1 }
        for (const [index, messages] of steps.entries()) {
          const at = NOW + index * 700
          const inputs = messages.map(({ values, second }): DeviceInput => {
            const body = {
              ...values,
              ...(second === undefined ? {} : { ts: NOW - second * 1_000 }),
            }
            return { kind: 'telemetry', telemetry: telemetryOf(PLAIN, body, { receivedAt: at }) }
          })
          const result = run(PLAIN, record, inputs, at, report)
          const next = { ...result.record, version: record.version + 1 }
          if (result.measured !== undefined) {
            replayed++
            const rows: TelemetryRow[] = JSON.parse(JSON.stringify(result.rows))
            const before: DeviceRecord = JSON.parse(JSON.stringify(record))
            expect(
              JSON.parse(JSON.stringify(replayMeasured(before, rows, result.measured))),
            ).toEqual(JSON.parse(JSON.stringify(next)))
          }
          record = next
        }
      }),
    )
    expect(replayed).toBeGreaterThan(100)
  })

  it.each([
    { what: 'a rule acted', program: ACTING, inputs: [{ a: 95 }], measured: false },
    { what: 'a rule looked on', program: ACTING, inputs: [{ a: 5 }], measured: true },
    {
      what: 'there were messages alone',
      program: PLAIN,
      inputs: [{ a: 95 }, { a: 96 }],
      measured: true,
    },
  ])('is one where $what: $measured', ({ program, inputs, measured }) => {
    const record = { ...newDeviceRecord('dev-1', NOW), version: 1 }
    const telemetry = inputs.map(
      (body): DeviceInput => ({ kind: 'telemetry', telemetry: telemetryOf(program, body) }),
    )
    expect(run(program, record, telemetry, NOW, true).measured !== undefined).toBe(measured)
  })

  it('is none where the connection changed, something is awaited, or nothing came', () => {
    const record = { ...newDeviceRecord('dev-1', NOW), version: 1 }
    const telemetry: DeviceInput = {
      kind: 'telemetry',
      telemetry: telemetryOf(PLAIN, { a: 1, ts: NOW }),
    }
    const connected: DeviceInput = { kind: 'presence', connected: true, at: NOW }
    expect(run(PLAIN, record, [connected, telemetry], NOW, true).measured).toBeUndefined()
    expect(run(PLAIN, record, [], NOW, true).measured).toBeUndefined()
    const after = run(PLAIN, record, [telemetry], NOW, true)
    expect(after.measured).toEqual({
      seenAt: NOW,
      newestAt: NOW,
      reportedAt: Math.floor(NOW / 1_000),
    })
    expect(run(PLAIN, after.record, [telemetry], NOW, true).measured).toBeUndefined()
  })
})
