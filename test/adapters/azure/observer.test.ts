import protobuf from 'protobufjs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createAzureClient } from '../../../adapters/azure/client.ts'
import {
  createMetricsExporter,
  type Metrics,
  toEnvelopes,
  toOtlp,
} from '../../../adapters/azure/metrics-exporter.ts'
import { createObserver } from '../../../adapters/azure/observer.ts'
import { openLoopback } from '../gcp/loopback.ts'

const NOW = Date.UTC(2026, 0, 31, 15)
const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  vi.useRealTimers()
  for (const close of closing.splice(0)) await close()
})

const METRICS: Metrics = {
  counts: new Map([['uplink.received', 3]]),
  timings: new Map([['store.commit', { count: 2, sum: 30, min: 10, max: 20 }]]),
  from: NOW - 15_000,
  to: NOW,
}

function open(send: (metrics: Metrics) => Promise<void>) {
  const clock = { time: NOW }
  const lines: [string, Record<string, unknown>][] = []
  const observer = createObserver({
    write: (level, line) => void lines.push([level, JSON.parse(line)]),
    send,
    now: () => clock.time,
    traceId: () => '4bf92f3577b34da6a3ce929d0e0e4736',
  })
  return { observer, clock, lines }
}

describe('what invocations counted', () => {
  it('is gathered, and sent every 15 seconds at most', async () => {
    const sent: Metrics[] = []
    const { observer, clock } = open(async (metrics) => void sent.push(metrics))
    observer.flush()
    for (let invocation = 0; invocation < 100; invocation++) {
      observer.count('uplink.received', 2)
      observer.time('store.commit', invocation)
      clock.time += 200
      observer.flush()
    }
    expect(sent).toHaveLength(1)
    expect(sent[0]?.counts.get('uplink.received')).toBe(150)
    expect(sent[0]?.timings.get('store.commit')).toEqual({ count: 75, sum: 2_775, min: 0, max: 74 })
    expect([sent[0]?.from, sent[0]?.to]).toEqual([NOW, NOW + 15_000])
    await observer.close()
    expect(sent[1]?.counts.get('uplink.received')).toBe(50)
    expect(sent[1]?.from).toBe(NOW + 15_000)
    await observer.close()
    expect(sent).toHaveLength(2)
  })

  it('is sent although no further invocation comes', () => {
    vi.useFakeTimers({ now: NOW })
    const sent: Metrics[] = []
    const { observer } = open(async (metrics) => void sent.push(metrics))
    observer.count('uplink.received', 1)
    observer.flush()
    observer.flush()
    vi.advanceTimersByTime(14_999)
    expect(sent).toEqual([])
    vi.advanceTimersByTime(1)
    expect(sent).toHaveLength(1)
    vi.advanceTimersByTime(60_000)
    expect(sent).toHaveLength(1)
  })

  it('is no failure where it cannot be sent, and one line says so', async () => {
    const { observer, lines } = open(async () => {
      throw new Error('gone')
    })
    for (let count = 0; count < 3; count++) {
      observer.count('a', 1)
      await observer.close()
    }
    expect(lines).toEqual([
      [
        'warn',
        {
          message: 'metrics not sent',
          reason: 'Error: gone',
          traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
        },
      ],
    ])
  })
})

it('a log line names its trace, and its facts do not hide what it says', () => {
  const { observer, lines } = open(async () => undefined)
  observer.log('error', 'store away', { deviceId: 'dev-1', message: 'x', level: 'y' })
  expect(lines).toEqual([
    [
      'error',
      {
        deviceId: 'dev-1',
        message: 'store away',
        level: 'error',
        at: '2026-01-31T15:00:00.000Z',
        traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      },
    ],
  ])
})

describe('metrics are sent', () => {
  async function send(
    settings: { otlpEndpoint?: string; insightsConnection?: string },
    status = 200,
  ) {
    const server = await openLoopback(() => ({ status, body: '{}' }))
    const service = { endpoint: server.url, authorize: async () => ({}) }
    const client = createAzureClient({
      services: { monitor: service, otlp: service },
      random: () => 0,
    })
    closing.push(() => client.close(), server.close)
    const exporter = createMetricsExporter({
      client,
      settings: {
        otlpEndpoint: undefined,
        insightsConnection: undefined,
        functionName: 'anyhub-fn',
        ...settings,
      },
    })
    await exporter(METRICS)
    return server.asked
  }

  it('to Application Insights, one envelope for each name', async () => {
    const asked = await send({
      insightsConnection: 'InstrumentationKey=aaaa-bb;IngestionEndpoint=https://x/',
    })
    expect(asked.map(({ method, url }) => `${method} ${url.pathname}`)).toEqual([
      'POST /v2.1/track',
    ])
    const common = {
      time: '2026-01-31T15:00:00.000Z',
      iKey: 'aaaa-bb',
      tags: { 'ai.cloud.role': 'anyhub-fn' },
    }
    const metric = (values: object) => ({
      name: 'Microsoft.ApplicationInsights.aaaabb.Metric',
      ...common,
      data: { baseType: 'MetricData', baseData: { ver: 2, metrics: [values] } },
    })
    expect(JSON.parse(asked[0]?.body.toString('utf8') ?? '')).toEqual([
      metric({ name: 'uplink.received', value: 3, count: 1, kind: 1 }),
      metric({ name: 'store.commit', value: 30, count: 2, min: 10, max: 20, kind: 1 }),
    ])
    expect(toEnvelopes({ ...METRICS, counts: new Map(), timings: new Map() }, 'k', 'r')).toEqual([])
  })

  it('over OTLP where there is an endpoint for it', async () => {
    const asked = await send({ otlpEndpoint: 'http://collector', insightsConnection: 'x' })
    expect(asked.map(({ method, url }) => `${method} ${url.pathname}`)).toEqual([
      'POST /v1/metrics',
    ])
    expect(JSON.parse(asked[0]?.body.toString('utf8') ?? '')).toEqual(toOtlp(METRICS, 'anyhub-fn'))
  })

  it('nowhere where there is neither', async () => {
    expect(await send({})).toEqual([])
  })

  it('and what is refused is told', async () => {
    await expect(send({ otlpEndpoint: 'http://collector' }, 400)).rejects.toMatchObject({
      code: 'store.unavailable',
      details: { status: 400 },
    })
  })

  /** Source: opentelemetry-proto, metrics/v1/metrics.proto, the messages and members that we write, by their numbers. */
  const OTLP = `syntax = "proto3";
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { oneof value { string string_value = 1; } }
message Resource { repeated KeyValue attributes = 1; }
message InstrumentationScope { string name = 1; }
message MetricsData { repeated ResourceMetrics resource_metrics = 1; }
message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
message ScopeMetrics { InstrumentationScope scope = 1; repeated Metric metrics = 2; }
message Metric { string name = 1; string description = 2; string unit = 3; oneof data { Sum sum = 7; Histogram histogram = 9; } }
message Sum { repeated NumberDataPoint data_points = 1; AggregationTemporality aggregation_temporality = 2; bool is_monotonic = 3; }
message Histogram { repeated HistogramDataPoint data_points = 1; AggregationTemporality aggregation_temporality = 2; }
enum AggregationTemporality { UNSPECIFIED = 0; DELTA = 1; CUMULATIVE = 2; }
message NumberDataPoint { fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; oneof value { double as_double = 4; sfixed64 as_int = 6; } }
message HistogramDataPoint { fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; fixed64 count = 4; double sum = 5; repeated fixed64 bucket_counts = 6; repeated double explicit_bounds = 7; double min = 11; double max = 12; }`

  it('in the messages of OpenTelemetry', () => {
    const type = protobuf.parse(OTLP).root.lookupType('MetricsData')
    const written = toOtlp(METRICS, 'anyhub-fn')
    const options = { longs: String, arrays: true }
    const read = type.toObject(type.decode(type.encode(type.fromObject(written)).finish()), options)
    expect(read).toEqual({
      ...written,
      resourceMetrics: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'anyhub-fn' } }] },
          scopeMetrics: [
            {
              scope: { name: 'anyhub' },
              metrics: [
                {
                  name: 'uplink.received',
                  unit: '1',
                  sum: {
                    aggregationTemporality: 1,
                    isMonotonic: true,
                    dataPoints: [
                      {
                        startTimeUnixNano: `${NOW - 15_000}000000`,
                        timeUnixNano: `${NOW}000000`,
                        asDouble: 3,
                      },
                    ],
                  },
                },
                {
                  name: 'store.commit',
                  unit: 'ms',
                  histogram: {
                    aggregationTemporality: 1,
                    dataPoints: [
                      {
                        startTimeUnixNano: `${NOW - 15_000}000000`,
                        timeUnixNano: `${NOW}000000`,
                        count: '2',
                        sum: 30,
                        min: 10,
                        max: 20,
                        bucketCounts: ['2'],
                        explicitBounds: [],
                      },
                    ],
                  },
                },
              ],
            },
          ],
        },
      ],
    })
  })
})
