import * as z from 'zod'
import { AGGREGATES, type Aggregate, readSeries } from '../analytics/series.ts'
import type { Core } from '../create-core.ts'
import type { Fleet } from '../fleet.ts'
import type { DeviceRecord } from '../model/device-record.ts'
import { readDuration } from '../model/duration.ts'
import type { MetricValue } from '../model/telemetry.ts'
import { chooseDevices, DeviceList, SearchText } from './device-query.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import { RequestFault } from './request-fault.ts'
import { Instant, Time } from './schemas.ts'

/** One request is about so many devices at most. */
export const MAX_DEVICES = 1_000

/** All series of an answer have so many points at most. */
const MAX_POINTS = 100_000

/** `auto` gives a series about so many points at most. */
const AUTO_POINTS = 500

const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

/** Buckets that people can read off an axis. Unit: ms. */
const NICE_MS: readonly number[] = [
  1_000,
  2_000,
  5_000,
  10_000,
  15_000,
  30_000,
  60_000,
  120_000,
  300_000,
  600_000,
  900_000,
  1_800_000,
  HOUR_MS,
  2 * HOUR_MS,
  3 * HOUR_MS,
  6 * HOUR_MS,
  12 * HOUR_MS,
  DAY_MS,
  2 * DAY_MS,
  7 * DAY_MS,
]

/** Records that are loaded at the same time. */
const AT_ONCE = 32

const Value = z.union([z.number(), z.boolean(), z.string()])

/** Names of metrics, in a query. A comma or backslash in a name has a backslash before it. */
export const MetricList = z
  .string()
  .max(8_192)
  .transform((text) => splitList(text))
  .refine((all) => all.every((one) => one !== ''), 'expected names of metrics with commas between')
  .optional()
  .meta({ description: 'Names of metrics with commas between them; all unless given.' })

const AggregateList = z
  .string()
  .transform((text) => text.split(','))
  .pipe(z.array(z.enum(AGGREGATES, `expected some of ${AGGREGATES.join(', ')}`)).min(1))
  .optional()
  .meta({
    description: `Some of ${AGGREGATES.join(', ')} with commas between them; avg,min,max unless given.`,
    example: 'avg,max',
  })

const BUCKET = 'expected auto, or a duration above 0 such as 5m'
const Bucket = z
  .string()
  .transform((text) => (text === 'auto' ? 0 : (readDuration(text) ?? -1)))
  .refine((ms) => ms >= 0, BUCKET)
  .optional()
  .meta({
    description: `How long a bucket is; auto (unless given): at most ${AUTO_POINTS} points in a series.`,
    example: '5m',
  })

const Point = z.object({
  at: Instant.meta({ description: 'Where the bucket starts, epoch milliseconds.' }),
  avg: z.number().optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  sum: z.number().optional(),
  count: z.int().optional(),
  first: Value.optional(),
  last: Value.optional(),
})

const Latest = z.object({
  deviceId: z.string(),
  metric: z.string(),
  value: Value,
  at: Instant,
})

/** What many devices measured: the newest values, and series of them. */
export function seriesEndpoints({ ports }: Core, fleet: Fleet): readonly Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/telemetry/latest',
      operation: 'getLatestTelemetry',
      tag: 'Telemetry',
      summary: 'The newest value of each metric of some devices.',
      needs: 'telemetry:read',
      byGroups: true,
      query: z.strictObject({ devices: DeviceList, query: SearchText, metrics: MetricList }),
      answer: z.object({ latest: z.array(Latest) }),
      async handle({ caller, query: { metrics, ...choice } }) {
        const ids = await chooseDevices(fleet, caller, choice, MAX_DEVICES)
        const latest: z.output<typeof Latest>[] = []
        for (let from = 0; from < ids.length; from += AT_ONCE) {
          const part = ids.slice(from, from + AT_ONCE)
          const records = await Promise.all(part.map((id) => ports.devices.load(id)))
          for (const record of records) if (record !== undefined) addLatest(latest, record, metrics)
        }
        return { latest }
      },
    }),
    endpoint({
      method: 'get',
      path: '/telemetry/series',
      operation: 'getTelemetrySeries',
      tag: 'Telemetry',
      summary: 'Metrics of some devices over time, drawn together in buckets.',
      description:
        'Buckets are aligned to the epoch; those without a value are left out. `avg` counts true as 1 and false as 0; where values have none of the aggregates that were asked for, there is `last`.',
      needs: 'telemetry:read',
      byGroups: true,
      query: z.strictObject({
        devices: DeviceList,
        query: SearchText,
        metrics: MetricList,
        from: Time.optional().meta({ description: 'Inclusive; an hour before `to` unless given.' }),
        to: Time.optional().meta({ description: 'Exclusive; now unless given.' }),
        bucket: Bucket,
        aggregates: AggregateList,
      }),
      answer: z.object({
        series: z.array(
          z.object({ deviceId: z.string(), metric: z.string(), points: z.array(Point) }),
        ),
        bucketMs: z.int(),
      }),
      async handle({ caller, query: { metrics, from, to, bucket, aggregates, ...choice } }) {
        const span = readSpan(from, to, ports.clock.now())
        const bucketMs = bucket || autoBucket(span.to - span.from)
        const deviceIds = await chooseDevices(fleet, caller, choice, MAX_DEVICES)
        const series = await readSeries(ports.telemetry, {
          deviceIds,
          metrics,
          ...span,
          bucketMs,
          aggregates: aggregates ?? USUAL_AGGREGATES,
          maxPoints: MAX_POINTS,
        })
        return { series, bucketMs }
      },
    }),
  ]
}

const USUAL_AGGREGATES: readonly Aggregate[] = ['avg', 'min', 'max']

/**
 * A span of time, the last hour unless said otherwise.
 * @throws RequestFault if it ends before it begins.
 */
export function readSpan(from: number | undefined, to: number | undefined, now: number) {
  const end = to ?? now
  const start = from ?? end - HOUR_MS
  if (start <= end) return { from: start, to: end }
  throw new RequestFault('query', [
    { path: ['to'], message: 'expected a time that is not before from' },
  ])
}

/** The shortest bucket that people can read, with which a span has no more than 500. Unit: ms. */
export function autoBucket(spanMs: number): number {
  const least = spanMs / AUTO_POINTS
  return NICE_MS.find((ms) => ms >= least) ?? Math.ceil(least / DAY_MS) * DAY_MS
}

function addLatest(
  latest: { deviceId: string; metric: string; value: MetricValue; at: number }[],
  { deviceId, last }: DeviceRecord,
  wanted: readonly string[] | undefined,
): void {
  for (const metric of wanted ?? Object.keys(last)) {
    const found = Object.hasOwn(last, metric) ? last[metric] : undefined
    if (found !== undefined) latest.push({ deviceId, metric, value: found.value, at: found.at })
  }
}

function splitList(text: string): string[] {
  const all = ['']
  for (let at = 0; at < text.length; at++) {
    const sign = text.charAt(at)
    if (sign === ',') all.push('')
    else {
      if (sign === '\\' && at + 1 < text.length) at++
      all[all.length - 1] += text.charAt(at)
    }
  }
  return [...new Set(all)]
}
