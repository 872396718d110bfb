import { useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useState } from 'react'
import { api, type Series, type TelemetryRow } from '../../api.ts'
import { live, useNow } from '../../live/live.ts'
import { addPoint, type ChartSeries, colourOf, usualStep } from '../../ui/chart/series.ts'

/** The last so many ms, moving; or a span that stands still. Epoch ms. */
export type Range = { readonly lastMs: number } | { readonly from: number; readonly to: number }

/** Up to this span every message is drawn; beyond it the cloud takes many together. Unit: ms. */
const RAW_MS = 3_600_000
const RAW_ROWS = 5_000

export interface DrawnSeries {
  readonly series: readonly ChartSeries[]
  readonly version: number
  /** Epoch s. */
  readonly from: number
  readonly to: number
  readonly isPending: boolean
  readonly error: Error | null
}

/** What is drawn of the metrics of a device: what is stored, and what comes while somebody looks. */
export function useSeries(
  deviceId: string,
  metrics: readonly string[],
  all: readonly string[],
  range: Range,
): DrawnSeries {
  const now = useNow()
  const isLive = 'lastMs' in range
  const span = isLive ? range.lastMs : range.to - range.from
  const to = isLive ? now : range.to
  const from = isLive ? now - range.lastMs : range.from
  const asked = useQuery({
    queryKey: ['series', deviceId, isLive ? range.lastMs : [range.from, range.to], metrics],
    queryFn: () => fetchSeries(deviceId, metrics, { from, to, span }),
    enabled: metrics.length > 0,
    // What comes meanwhile is added here; only what stands for many messages has to be made anew.
    refetchInterval: isLive && span > RAW_MS ? Math.max(span / 300, 10_000) : false,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    placeholderData: (before, query) =>
      query?.queryKey[1] === deviceId && before !== undefined ? before : undefined,
  })
  const [version, setVersion] = useState(0)
  const series = useMemo(
    () =>
      metrics.map((metric) => toSeries(metric, colourOf(all.indexOf(metric)), asked.data ?? [])),
    [metrics, all, asked.data],
  )
  useEffect(() => {
    if (!isLive) return
    const steps = series.map(({ times }) => usualStep(times))
    return live.subscribeDevice(deviceId, () => {
      const last = live.devices.get(deviceId)?.last ?? {}
      for (const [index, one] of series.entries()) {
        const newest = Object.hasOwn(last, one.name) ? last[one.name] : undefined
        if (typeof newest?.value !== 'number' || one.low !== undefined) continue
        addPoint(one, newest.at / 1_000, newest.value, steps[index] ?? 0)
      }
      setVersion((before) => before + 1)
    })
  }, [deviceId, series, isLive])
  return {
    series,
    version,
    from: from / 1_000,
    to: to / 1_000,
    isPending: asked.isPending && metrics.length > 0,
    error: asked.error,
  }
}

async function fetchSeries(
  deviceId: string,
  metrics: readonly string[],
  { from, to, span }: { from: number; to: number; span: number },
): Promise<readonly Series[]> {
  if (span <= RAW_MS) {
    const { rows } = await api.telemetry(deviceId, {
      from: Math.floor(from),
      to: Math.ceil(to) + 1,
      limit: RAW_ROWS,
    })
    return fromRows(deviceId, metrics, rows)
  }
  const found = await api.series({
    devices: deviceId,
    metrics: metrics.join(','),
    from: Math.floor(from),
    to: Math.ceil(to),
    bucket: 'auto',
    aggregates: 'avg,min,max',
  })
  return found.series
}

/** Rows stand newest first. */
function fromRows(
  deviceId: string,
  metrics: readonly string[],
  rows: readonly TelemetryRow[],
): readonly Series[] {
  const ordered = rows.toReversed()
  return metrics.map((metric) => ({
    deviceId,
    metric,
    points: ordered.flatMap(({ at, metrics: found }) => {
      const avg = Object.hasOwn(found, metric) ? found[metric] : undefined
      return typeof avg === 'number' ? [{ at, avg }] : []
    }),
  }))
}

function toSeries(name: string, colour: string, found: readonly Series[]): ChartSeries {
  const points = found.find(({ metric }) => metric === name)?.points ?? []
  const bucketed = points.some(({ min, max }) => min !== undefined && max !== undefined)
  const made = { name, colour, times: [], values: [] } satisfies ChartSeries
  const series: ChartSeries = bucketed ? { ...made, low: [], high: [] } : made
  const { low, high } = series
  const usual = usualStep(points.map(({ at }) => at / 1_000))
  for (const { at, avg, min, max } of points) {
    if (avg === undefined || avg === null) continue
    addPoint(series, at / 1_000, avg, usual)
    if (low === undefined || high === undefined) continue
    // A gap that was put before the point has no span either.
    while (low.length < series.times.length - 1) {
      low.push(null)
      high.push(null)
    }
    low.push(min ?? null)
    high.push(max ?? null)
  }
  return series
}
