import { describe, expect, it } from 'vitest'
import {
  type ConfigInput,
  DEFAULT_PRESENCE,
  type DeviceInput,
  type DeviceRecord,
  type Json,
  newDeviceRecord,
  type StepContext,
  step,
  type Uplink,
} from '../../../core/index.ts'
import { NOW, programOf, telemetryOf } from '../harness.ts'

const queue = (name: string) => ({ actions: [{ queue: { name } }] })

/** Runs inputs one by one and gives what the routes put into queues, by queue. */
function run(
  config: ConfigInput,
  inputs: (program: ReturnType<typeof programOf>) => readonly DeviceInput[],
  record: DeviceRecord = newDeviceRecord('dev-1', NOW),
) {
  const program = programOf(config)
  const context: StepContext = {
    program,
    now: NOW,
    known: new Set(),
    report: false,
    presence: DEFAULT_PRESENCE,
    gateway: undefined,
    lookups: undefined,
    newId: () => 'id',
    random: () => 0.5,
  }
  const result = step(record, inputs(program), context)
  const queued: [string, Json][] = []
  for (const { effect } of result.record.outbox)
    if (effect.kind === 'queue') queued.push([effect.queue, effect.body])
  return { ...result, queued }
}

const uplink = (body: Json, facts: Uplink['facts'] = {}) => ({ facts, body })

function routed(config: ConfigInput, ...messages: ReturnType<typeof uplink>[]) {
  return run(config, (program) =>
    messages.map(({ body, facts }, index) => ({
      kind: 'telemetry',
      telemetry: telemetryOf(program, body, { messageId: `m-${index}`, ...(facts && { facts }) }),
    })),
  )
}

const JSON_UTF8 = { contentType: 'application/json', contentEncoding: 'utf-8' }

describe('routes of telemetry', () => {
  const config: ConfigInput = {
    routes: {
      rest: { fallback: true, ...queue('rest') },
      high: { condition: "level = 'high'", ...queue('high') },
      warm: { condition: '$body.temp > 25', ...queue('warm') },
      off: { enabled: false, ...queue('off') },
    },
  }

  it('run beside rules, and are counted', () => {
    const { queued, events } = routed(
      config,
      uplink({ temp: 30 }, { userProperties: { Level: ['high'] } }),
      uplink({ temp: 20 }),
      uplink({ temp: 26 }),
    )
    expect(queued.map(([name]) => name)).toEqual(['high', 'warm', 'rest', 'warm'])
    expect([...events.routed]).toEqual([
      ['high', 1],
      ['warm', 2],
      ['rest', 1],
    ])
    expect(events.matched.size).toBe(0)
  })

  it('look into a body only where its sender declared it, if he can', () => {
    const { queued } = routed(
      config,
      uplink({ temp: 30 }, { systemProperties: {} }),
      uplink({ temp: 30 }, { systemProperties: JSON_UTF8 }),
    )
    expect(queued.map(([name]) => name)).toEqual(['rest', 'warm'])
  })

  it('enrich messages from the twin, for templates and for the whole message', () => {
    const program = {
      routes: {
        all: {
          condition: "$twin.tags.site = 'north' AND $connectionDeviceId = 'dev-1'",
          output: 'message' as const,
          enrichments: [
            { key: 'site', value: '$twin.tags.site' },
            { key: 'mode', value: '$twin.properties.desired.mode' },
            { key: 'none', value: '$twin.tags.none' },
            { key: 'hub', value: '$iothubname' },
            { key: 'plant', value: 'A' },
          ],
          actions: [{ queue: { name: "q-${get(get_user_properties('site'), 0)}" } }],
        },
      },
    }
    const record: DeviceRecord = {
      ...newDeviceRecord('dev-1', NOW),
      shadows: {
        '': {
          tags: { site: 'north' },
          desired: { mode: { on: true } },
          metadata: {},
          version: 1,
          desiredVersion: 1,
          reportedVersion: 0,
          updatedAt: 1,
        },
      },
    }
    const { queued } = run(
      program,
      (compiled) => [
        {
          kind: 'telemetry',
          telemetry: telemetryOf(
            compiled,
            { temp: 1 },
            { facts: { userProperties: { a: ['b'] } } },
          ),
        },
      ],
      record,
    )
    expect(queued).toEqual([
      [
        'q-north',
        {
          body: { temp: 1 },
          properties: {
            a: 'b',
            site: 'north',
            mode: '{"on":true}',
            none: '$twin.tags.none',
            hub: 'anyhub',
            plant: 'A',
          },
          systemProperties: {
            connectionDeviceId: 'dev-1',
            'iothub-connection-device-id': 'dev-1',
            enqueuedTime: new Date(NOW).toISOString(),
            'iothub-enqueuedtime': new Date(NOW).toISOString(),
            'iothub-message-source': 'Telemetry',
          },
        },
      ],
    ])
  })

  it('tell the error action what could not be done', () => {
    const { queued, events } = routed(
      {
        routes: {
          all: {
            actions: [{ republish: { topic: 'a/${missing}/#' } }],
            errorAction: { queue: { name: 'errors' } },
          },
        },
      },
      uplink({ temp: 1 }),
    )
    expect(events.failed.map(({ ruleId }) => ruleId)).toEqual(['route:all'])
    expect(queued).toMatchObject([['errors', { ruleName: 'route:all' }]])
  })
})

describe('routes of events', () => {
  it('tell what changed in a twin, whoever changed it', () => {
    const { queued } = run(
      {
        routes: {
          tags: {
            source: 'twinChanges',
            condition: "twin_change_includes(tags.site) AND opType = 'updateTwin'",
            ...queue('tags-${clientid()}'),
          },
          wanted: {
            source: 'twinChanges',
            condition: '$body.properties.desired.on = true',
            ...queue('wanted'),
          },
        },
      },
      () => [
        { kind: 'twin', patches: { tags: { site: 'north' } }, at: NOW },
        { kind: 'desire', name: '', desired: { on: true }, at: NOW },
        { kind: 'desire', name: '', desired: { on: true }, at: NOW },
        {
          kind: 'shadow',
          operation: 'update',
          name: '',
          body: '{"state":{"reported":{"on":true}}}',
          at: NOW,
        },
      ],
    )
    expect(queued).toEqual([
      ['tags-dev-1', { version: 2, tags: { site: 'north' }, properties: {} }],
      ['wanted', { version: 3, properties: { desired: { on: true, $version: 2 } } }],
    ])
  })

  it('tell connections and registrations', () => {
    const { queued } = run(
      {
        routes: {
          there: {
            source: 'connectionState',
            condition: "opType = 'deviceConnected'",
            ...queue('there'),
          },
          born: {
            source: 'lifecycle',
            condition: "opType = 'createDeviceIdentity' AND $body.deviceId = 'dev-1'",
            ...queue('born'),
          },
        },
      },
      () => [
        { kind: 'lifecycle', event: 'registered', at: NOW },
        { kind: 'presence', connected: true, at: NOW },
        { kind: 'lifecycle', event: 'removed', at: NOW },
      ],
    )
    expect(queued.map(([name]) => name)).toEqual(['born', 'there'])
    expect(queued[1]?.[1]).toEqual({ sequenceNumber: '1'.padStart(64, '0') })
  })
})
