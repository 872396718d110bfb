import { Suspense, useMemo, useState } from 'react'
import { formatValue } from '../../format.ts'
import type { Device } from '../../live/device.ts'
import { useDevice, useHeardAll } from '../../live/live.ts'
import { Chart } from '../../ui/chart/index.ts'
import { colourOf } from '../../ui/chart/series.ts'
import { ChartIcon } from '../../ui/icons.tsx'
import { Age, Card, Empty, FaultBanner, Skeleton } from '../../ui/parts.tsx'
import { Segments } from '../../ui/segments.tsx'
import { NothingHeard } from './nothing-heard.tsx'
import { type Range, useSeries } from './use-series.ts'

const MINUTE = 60_000
const RANGES = [
  { value: '15m', label: '15 min', ms: 15 * MINUTE },
  { value: '1h', label: '1 h', ms: 60 * MINUTE },
  { value: '6h', label: '6 h', ms: 360 * MINUTE },
  { value: '24h', label: '24 h', ms: 1_440 * MINUTE },
  { value: '7d', label: '7 d', ms: 10_080 * MINUTE },
] as const

type RangeName = (typeof RANGES)[number]['value']

const VIEWS = [
  { value: 'apart', label: 'Apart' },
  { value: 'together', label: 'Together' },
] as const

/** So many metrics are drawn at first. */
const DRAWN_FIRST = 3

/** What the device measures: as charts, and as the values that it said last. */
export function ChartsTab({ deviceId }: { readonly deviceId: string }) {
  const device = useDevice(deviceId)
  const heardAll = useHeardAll()
  if (device === undefined)
    return heardAll ? <NothingHeard deviceId={deviceId} /> : <Skeleton lines={8} />
  return <Charts device={device} />
}

function Charts({ device }: { readonly device: Device }) {
  const names = Object.keys(device.last).join('\n')
  const metrics = useMemo(() => names.split('\n').filter((name) => name !== ''), [names])
  const numeric = metrics.filter((name) => typeof device.last[name]?.value === 'number')
  const [chosen, setChosen] = useState<readonly string[] | undefined>(undefined)
  const drawn = chosen ?? firstOf(numeric, device.main)
  const drawnKey = drawn.join('\n')
  const stable = useMemo(() => drawnKey.split('\n').filter((name) => name !== ''), [drawnKey])
  const toggle = (name: string): void =>
    setChosen(drawn.includes(name) ? drawn.filter((one) => one !== name) : [...drawn, name])
  return (
    <div className="device-columns">
      <ChartsCard deviceId={device.deviceId} metrics={stable} all={metrics} />
      <Card title="Last values" flush>
        <table className="table values">
          <thead className="visually-hidden">
            <tr>
              <th>Metric</th>
              <th>Value</th>
              <th>Age</th>
            </tr>
          </thead>
          <tbody>
            {metrics.map((name) => (
              <ValueRow
                key={name}
                name={name}
                device={device}
                colour={colourOf(metrics.indexOf(name))}
                drawn={drawn.includes(name)}
                onToggle={() => toggle(name)}
              />
            ))}
          </tbody>
        </table>
      </Card>
    </div>
  )
}

/** The main metric and what stands beside it. */
function firstOf(numeric: readonly string[], main: string | undefined): readonly string[] {
  const others = numeric.filter((name) => name !== main)
  return [...(main === undefined ? [] : [main]), ...others].slice(0, DRAWN_FIRST)
}

interface ChartsCardProps {
  readonly deviceId: string
  readonly metrics: readonly string[]
  readonly all: readonly string[]
}

function ChartsCard({ deviceId, metrics, all }: ChartsCardProps) {
  const [name, setName] = useState<RangeName>('15m')
  const [zoom, setZoom] = useState<{ from: number; to: number } | undefined>(undefined)
  const [view, setView] = useState<'apart' | 'together'>('apart')
  const [custom, setCustom] = useState(false)
  const lastMs = RANGES.find(({ value }) => value === name)?.ms ?? MINUTE
  const range: Range = zoom ?? { lastMs }
  const { series, version, from, to, isPending, error } = useSeries(deviceId, metrics, all, range)
  const groups = view === 'together' ? [series] : series.map((one) => [one])
  return (
    <Card
      title="Charts"
      className="charts"
      actions={
        <div className="row chart-tools">
          {zoom !== undefined && (
            <button type="button" className="button small" onClick={() => setZoom(undefined)}>
              Back to live
            </button>
          )}
          <Segments label="Charts" options={VIEWS} value={view} onChange={setView} />
          <Segments
            label="Time"
            options={RANGES}
            value={name}
            onChange={(value) => {
              setName(value)
              setZoom(undefined)
            }}
          />
          <button
            type="button"
            className="button small"
            aria-expanded={custom}
            onClick={() => setCustom(!custom)}
          >
            From – to
          </button>
        </div>
      }
    >
      {custom && <CustomRange from={from} to={to} onChoose={setZoom} />}
      {error !== null && <FaultBanner error={error} />}
      {metrics.length === 0 ? (
        <Empty title="No metric is drawn" icon={<ChartIcon />}>
          <p>Choose one of the last values. Only numbers can be drawn.</p>
        </Empty>
      ) : isPending ? (
        <Skeleton lines={8} />
      ) : (
        <Suspense fallback={<Skeleton lines={8} />}>
          {groups.map((group) => (
            <Chart
              key={group.map((one) => one.name).join('\n')}
              series={group}
              version={version}
              from={from}
              to={to}
              height={view === 'together' ? 340 : 150}
              sync={deviceId}
              onZoom={(start, end) => setZoom({ from: start * 1_000, to: end * 1_000 })}
            />
          ))}
          <p className="quiet chart-hint">Draw a frame with the pointer to zoom in.</p>
        </Suspense>
      )}
    </Card>
  )
}

interface CustomRangeProps {
  /** Epoch s. */
  readonly from: number
  readonly to: number
  /** Epoch ms. */
  readonly onChoose: (range: { from: number; to: number }) => void
}

function CustomRange({ from, to, onChoose }: CustomRangeProps) {
  const [start, setStart] = useState(() => localOf(from))
  const [end, setEnd] = useState(() => localOf(to))
  const range = { from: Date.parse(start), to: Date.parse(end) }
  const wrong = !(range.from < range.to)
  return (
    <form
      className="row custom-range"
      onSubmit={(event) => {
        event.preventDefault()
        if (!wrong) onChoose(range)
      }}
    >
      <label className="field">
        <span>From</span>
        <input
          className="input"
          type="datetime-local"
          step="1"
          value={start}
          onChange={(event) => setStart(event.target.value)}
        />
      </label>
      <label className="field">
        <span>To</span>
        <input
          className="input"
          type="datetime-local"
          step="1"
          value={end}
          onChange={(event) => setEnd(event.target.value)}
        />
      </label>
      <button type="submit" className="button primary" disabled={wrong}>
        Show
      </button>
      {wrong && <span className="field-fault">The start has to lie before the end.</span>}
    </form>
  )
}

/** Local time as an input has it: `2026-01-31T12:00:00`. */
function localOf(seconds: number): string {
  const date = new Date(seconds * 1_000)
  return new Date(date.getTime() - date.getTimezoneOffset() * MINUTE).toISOString().slice(0, 19)
}

interface ValueRowProps {
  readonly name: string
  readonly device: Device
  readonly colour: string
  readonly drawn: boolean
  readonly onToggle: () => void
}

function ValueRow({ name, device, colour, drawn, onToggle }: ValueRowProps) {
  const last = device.last[name]
  if (last === undefined) return null
  const wanted = Object.hasOwn(device.desired ?? {}, name) ? device.desired?.[name] : undefined
  return (
    <tr>
      <td>
        {typeof last.value === 'number' ? (
          <button
            type="button"
            className="metric"
            aria-pressed={drawn}
            title={drawn ? 'Take it out of the charts' : 'Draw it'}
            onClick={onToggle}
          >
            <span className="metric-key" style={drawn ? { background: `var(${colour})` } : {}} />
            {name}
          </button>
        ) : (
          <span className="metric">
            <span className="metric-key none" />
            {name}
          </span>
        )}
      </td>
      <td className="number">
        <b>{formatValue(name, last.value)}</b>
        {wanted !== undefined && wanted !== last.value && (
          <span className="wanted"> → {formatValue(name, wanted)} desired</span>
        )}
      </td>
      <td className="number quiet value-age">
        <Age at={last.at} />
      </td>
    </tr>
  )
}
