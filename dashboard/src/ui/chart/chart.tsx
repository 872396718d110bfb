import 'uplot/dist/uPlot.min.css'
import './chart.css'
import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import { formatClock, formatValue } from '../../format.ts'
import { useShownTheme } from '../../theme.ts'
import type { ChartSeries } from './series.ts'

interface ChartProps {
  readonly series: readonly ChartSeries[]
  /** Grows when points were added to a series, which stays one and the same. */
  readonly version: number
  /** Epoch s. */
  readonly from: number
  readonly to: number
  readonly height: number
  /** What a person has drawn a frame around. Epoch s. */
  readonly onZoom: (from: number, to: number) => void
  /** Charts of one name have one cursor. */
  readonly sync: string
}

/** Time series with a cursor; a frame drawn with the pointer zooms in. */
export function Chart(props: ChartProps) {
  const { series, version, from, to, height, sync } = props
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const newest = useRef(props)
  newest.current = props
  const theme = useShownTheme()
  const shape = series
    .map(({ name, colour, low }) => `${name}\n${colour}\n${low !== undefined}`)
    .join('\n')

  // biome-ignore lint/correctness/useExhaustiveDependencies: it is built anew when its shape changes, not its points
  useEffect(() => {
    const element = place.current
    if (element === null) return
    const options = optionsOf(element, newest)
    const built = new uPlot(options, dataOf(newest.current.series), element)
    plot.current = built
    const sizes = new ResizeObserver(() =>
      built.setSize({ width: element.clientWidth, height: newest.current.height }),
    )
    sizes.observe(element)
    return () => {
      sizes.disconnect()
      built.destroy()
      plot.current = undefined
    }
  }, [shape, theme, sync, height])

  // biome-ignore lint/correctness/useExhaustiveDependencies: the version stands for the points
  useEffect(() => {
    const built = plot.current
    if (built === undefined) return
    built.batch(() => {
      built.setData(dataOf(series), false)
      built.setScale('x', { min: from, max: to })
    })
  }, [series, version, from, to, shape, theme])

  return (
    <figure className="chart">
      <figcaption className="chart-names">
        {series.map((one) => (
          <Reading key={one.name} series={one} version={version} from={from} />
        ))}
      </figcaption>
      <div
        ref={place}
        className="chart-place"
        style={{ height }}
        role="img"
        aria-label={`${series.map(({ name }) => name).join(', ')} from ${formatClock(from * 1_000)} to ${formatClock(to * 1_000)}`}
      />
    </figure>
  )
}

/** Name, newest value, lowest and highest of what is shown. */
function Reading({
  series: { name, colour, times, values, low, high },
  from,
}: {
  readonly series: ChartSeries
  readonly version: number
  readonly from: number
}) {
  let least = Number.POSITIVE_INFINITY
  let most = Number.NEGATIVE_INFINITY
  let newest: number | undefined
  for (const [index, time] of times.entries()) {
    const value = values[index]
    if (time < from || value === null || value === undefined) continue
    newest = value
    least = Math.min(least, low?.[index] ?? value)
    most = Math.max(most, high?.[index] ?? value)
  }
  return (
    <span className="chart-name">
      <span className="chart-key" style={{ background: `var(${colour})` }} />
      {name}
      {newest !== undefined && (
        <>
          <b className="chart-newest">{formatValue(name, newest)}</b>
          <span className="chart-span">
            {formatValue(name, least)} … {formatValue(name, most)}
          </span>
        </>
      )}
    </span>
  )
}

function dataOf(series: readonly ChartSeries[]): uPlot.AlignedData {
  const tables = series.map(
    ({ times, values, low, high }): uPlot.AlignedData =>
      low === undefined || high === undefined ? [times, values] : [times, values, high, low],
  )
  return uPlot.join(tables)
}

function optionsOf(element: HTMLElement, newest: { readonly current: ChartProps }): uPlot.Options {
  const { series, height, sync } = newest.current
  const style = getComputedStyle(element)
  const read = (variable: string): string => {
    // What a variable stands for in this theme, as a canvas can take it.
    element.style.color = `var(${variable})`
    const colour = getComputedStyle(element).color
    element.style.color = ''
    return colour
  }
  const soft = read('--soft')
  const line = read('--line')
  const font = `11px ${style.fontFamily}`
  const bands: uPlot.Band[] = []
  const lines: uPlot.Series[] = [{}]
  for (const { name, colour, low } of series) {
    const stroke = read(colour)
    lines.push({
      label: name,
      stroke,
      width: 1.5,
      points: { show: false },
      value: (_, value) => (value === null ? '–' : formatValue(name, value)),
    })
    if (low === undefined) continue
    const edge: uPlot.Series = { width: 0, stroke: 'transparent', points: { show: false } }
    lines.push({ ...edge, label: `${name} max` }, { ...edge, label: `${name} min` })
    bands.push({
      series: [lines.length - 2, lines.length - 1],
      fill: stroke.replace('rgb(', 'rgba(').replace(')', ', 0.16)'),
    })
  }
  const axis = {
    stroke: soft,
    font,
    grid: { stroke: line, width: 1 },
    ticks: { show: false },
  } satisfies uPlot.Axis
  return {
    width: Math.max(element.clientWidth, 10),
    height,
    series: lines,
    bands,
    legend: { show: false },
    padding: [8, 8, 0, 0],
    scales: {
      x: { time: true, auto: false, min: newest.current.from, max: newest.current.to },
      y: { range: (_, low, high) => spanOf(low, high) },
    },
    axes: [
      { ...axis, size: 28, gap: 6, values: timesOf },
      { ...axis, size: 52, gap: 6, values: (_, splits) => splits.map(shortOf) },
    ],
    cursor: {
      sync: { key: sync },
      drag: { x: true, y: false, setScale: false },
      points: { size: 7 },
    },
    hooks: {
      setCursor: [showReading],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select
          if (width < 4) return
          const from = plot.posToVal(left, 'x')
          const to = plot.posToVal(left + width, 'x')
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
          newest.current.onZoom(from, to)
        },
      ],
    },
  }
}

/** Noise in the last digit of a steady value shall not look like a storm. */
function spanOf(low: number | null, high: number | null): [number, number] {
  if (low === null || high === null) return [0, 1]
  const least = Math.max(Math.abs(high) * 0.02, 1e-6)
  const middle = (low + high) / 2
  const half = Math.max(high - low, least) / 2
  return [middle - half * 1.12, middle + half * 1.12]
}

const DAY_S = 86_400

function timesOf(_: uPlot, splits: readonly number[]): string[] {
  const first = splits[0] ?? 0
  const step = (splits[1] ?? first) - first
  return splits.map((time) => {
    const date = new Date(time * 1_000)
    if (step >= DAY_S) return date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })
    if (step < 60) return date.toLocaleTimeString('en-GB')
    const clock = date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })
    return clock === '00:00'
      ? date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })
      : clock
  })
}

function shortOf(value: number): string {
  const size = Math.abs(value)
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(4))} M`
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(4))} k`
  return String(Number(value.toPrecision(6))).replace('-', '−')
}

/** The values under the cursor, in a small box beside it. */
function showReading(plot: uPlot): void {
  let box = plot.over.querySelector('.chart-reading')
  const { idx, left = -1 } = plot.cursor
  if (box === null) {
    box = document.createElement('div')
    box.className = 'chart-reading'
    plot.over.append(box)
  }
  if (!(box instanceof HTMLElement)) return
  const time = idx === null || idx === undefined ? undefined : plot.data[0][idx]
  box.hidden = left < 0 || time === undefined
  if (time === undefined || idx === null || idx === undefined || left < 0) return
  const lines = plot.series.flatMap(({ label, width }, index) => {
    if (index === 0 || width === 0 || typeof label !== 'string') return []
    const value = valueNear(plot.data[index] ?? [], idx)
    return value === undefined ? [] : [`${label} ${formatValue(label, value)}`]
  })
  box.replaceChildren(
    ...[formatClock(time * 1_000), ...lines].map((text) => {
      const line = document.createElement('span')
      line.textContent = text
      return line
    }),
  )
  const right = left > plot.over.clientWidth / 2
  box.style.left = right ? '' : `${left + 10}px`
  box.style.right = right ? `${plot.over.clientWidth - left + 10}px` : ''
}

/** Of series that were joined each has its own times: the newest value until then. */
function valueNear(
  values: ArrayLike<number | null | undefined>,
  index: number,
): number | undefined {
  for (let at = index; at >= Math.max(0, index - 20); at--) {
    const value = values[at]
    if (value === null) return undefined
    if (value !== undefined) return value
  }
  return undefined
}
