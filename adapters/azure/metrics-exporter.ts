import { type AzureClient, unexpected } from './client.ts'
import { type AzureSettings, readConnection } from './config.ts'

/** What was measured between two times. */
export interface Metrics {
  readonly counts: ReadonlyMap<string, number>
  readonly timings: ReadonlyMap<string, Timing>
  /** Epoch ms. */
  readonly from: number
  readonly to: number
}

/** Unit: ms, but `count`. */
export interface Timing {
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
}

export interface MetricsExporterOptions {
  readonly client: AzureClient
  readonly settings: Pick<AzureSettings, 'otlpEndpoint' | 'insightsConnection' | 'functionName'>
}

/** A request of so many names at most. */
const MAX_NAMES = 500

/**
 * Sends metrics as OpenTelemetry has them: over OTLP where an endpoint is given, otherwise to Application Insights, in the
 * form that its exporter for OpenTelemetry writes. Without either they go nowhere.
 */
export function createMetricsExporter({
  client,
  settings: { otlpEndpoint, insightsConnection, functionName },
}: MetricsExporterOptions): (metrics: Metrics) => Promise<void> {
  if (otlpEndpoint !== undefined)
    return async (metrics) => {
      const response = await client.send({
        service: 'otlp',
        method: 'POST',
        path: '/v1/metrics',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(toOtlp(metrics, functionName)),
        tries: 2,
      })
      if (response.status !== 200) throw unexpected('otlp', response)
    }
  if (insightsConnection === undefined) return async () => undefined
  const instrumentationKey = readConnection(insightsConnection).get('InstrumentationKey') ?? ''
  return async (metrics) => {
    const envelopes = toEnvelopes(metrics, instrumentationKey, functionName)
    for (let from = 0; from < envelopes.length; from += MAX_NAMES) {
      const response = await client.send({
        service: 'monitor',
        method: 'POST',
        path: '/v2.1/track',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(envelopes.slice(from, from + MAX_NAMES)),
        tries: 2,
      })
      if (response.status !== 200) throw unexpected('monitor', response)
    }
  }
}

/**
 * Metrics for `/v1/metrics`: counters are sums of what came since the last time, timings histograms without bounds.
 *
 * Source: OpenTelemetry protocol 1.x, JSON encoding.
 */
export function toOtlp({ counts, timings, from, to }: Metrics, service: string): object {
  const span = { startTimeUnixNano: nanos(from), timeUnixNano: nanos(to) }
  return {
    resourceMetrics: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: service } }] },
        scopeMetrics: [
          {
            scope: { name: 'anyhub' },
            metrics: [
              ...[...counts].map(([name, value]) => ({
                name,
                unit: '1',
                sum: {
                  aggregationTemporality: DELTA,
                  isMonotonic: true,
                  dataPoints: [{ ...span, asDouble: value }],
                },
              })),
              ...[...timings].map(([name, { count, sum, min, max }]) => ({
                name,
                unit: 'ms',
                histogram: {
                  aggregationTemporality: DELTA,
                  dataPoints: [
                    {
                      ...span,
                      count: String(count),
                      sum,
                      min,
                      max,
                      bucketCounts: [String(count)],
                      explicitBounds: [],
                    },
                  ],
                },
              })),
            ],
          },
        ],
      },
    ],
  }
}

/**
 * Metrics for `/v2.1/track`: the table `customMetrics`, one envelope for each name.
 *
 * Source: Application Insights, telemetry data model, metric; schema `MetricData`, which takes one metric.
 */
export function toEnvelopes(
  { counts, timings, to }: Metrics,
  instrumentationKey: string,
  role: string,
): readonly object[] {
  const envelope = (metric: object): object => ({
    name: `Microsoft.ApplicationInsights.${instrumentationKey.replaceAll('-', '')}.Metric`,
    time: new Date(to).toISOString(),
    iKey: instrumentationKey,
    tags: { 'ai.cloud.role': role },
    data: { baseType: 'MetricData', baseData: { ver: 2, metrics: [metric] } },
  })
  return [
    ...[...counts].map(([name, value]) => envelope({ name, value, count: 1, kind: AGGREGATION })),
    ...[...timings].map(([name, { count, sum, min, max }]) =>
      envelope({ name, value: sum, count, min, max, kind: AGGREGATION }),
    ),
  ]
}

/** Source: OpenTelemetry protocol, `AggregationTemporality`. */
const DELTA = 1

/** Source: Application Insights, schema `DataPointType`. */
const AGGREGATION = 1

/** Unit: ns, as a text: it is longer than a number of JavaScript. */
function nanos(ms: number): string {
  return `${Math.floor(ms)}000000`
}
