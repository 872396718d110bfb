import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Link } from 'wouter'
import { api } from '../../api.ts'
import { formatCount, formatMs, formatRate } from '../../format.ts'
import type { FleetCounts } from '../../live/counts.ts'
import { useStats } from '../../live/live.ts'
import { searchPath } from '../../search.ts'
import { Sparkline } from '../../ui/sparkline.tsx'

/** The line of figures at the top. */
export function Tiles({ counts }: { readonly counts: FleetCounts }) {
  const { counters, rate, pulse, latency } = useStats()
  const asked = useQuery({ queryKey: ['stats'], queryFn: api.stats, refetchInterval: 5_000 })
  const ingest = latency ?? asked.data?.latency
  const of = (name: string): number => counters[name] ?? 0
  const letters = of('dead_letters.kept')
  const open = counts.open.length
  return (
    <dl className="tiles">
      <Tile name="online" label="Devices online" value={formatCount(counts.online)} href="/devices">
        <span className="tile-of">of {formatCount(counts.total)}</span>
        <Presences counts={counts} />
      </Tile>
      <Tile
        name="alarms"
        label="Open alarms"
        value={formatCount(open)}
        tone={counts.alarms.critical > 0 ? 'critical' : open > 0 ? 'warning' : undefined}
        href={searchPath('alarms>0')}
      >
        <span className="tile-notes">
          {counts.alarms.critical > 0 && (
            <span className="badge critical">{counts.alarms.critical} critical</span>
          )}
          {counts.alarms.warning > 0 && (
            <span className="badge warning">{counts.alarms.warning} warning</span>
          )}
          {counts.alarms.info > 0 && <span className="badge info">{counts.alarms.info} info</span>}
          {open === 0 && <span>all is quiet</span>}
        </span>
      </Tile>
      <Tile name="rate" label="Messages / s" value={rate === undefined ? '–' : formatRate(rate)}>
        <span className="tile-of">{formatCount(of('uplink.received'))} in all</span>
        <Sparkline points={pulse} version={pulse} floor={0} />
      </Tile>
      <Tile
        name="latency"
        label="Ingest latency"
        value={ingest === undefined ? '–' : formatMs(ingest.p50)}
      >
        {ingest !== undefined && <span className="tile-of">median</span>}
        <span className="tile-notes">
          {ingest === undefined ? (
            <span>measured from the first message on</span>
          ) : (
            <>
              <span>
                p95 <b>{formatMs(ingest.p95)}</b>
              </span>
              <span>
                p99 <b>{formatMs(ingest.p99)}</b>
              </span>
            </>
          )}
        </span>
      </Tile>
      <Tile
        name="deadLetters"
        label="Dead letters"
        value={formatCount(letters)}
        tone={letters > 0 ? 'warning' : undefined}
      >
        <span className="tile-notes">
          <span>
            <b data-count="duplicates">{formatCount(of('uplink.duplicate'))}</b> duplicates dropped
          </span>
        </span>
      </Tile>
      <Tile
        name="notifications"
        label="Notifications sent"
        value={formatCount(of('notification.sent'))}
      >
        <span className="tile-notes">
          <span>
            <b>{formatCount(of('notifications.waiting'))}</b> waiting
          </span>
          {of('notification.failed') > 0 && (
            <span className="badge critical">{formatCount(of('notification.failed'))} failed</span>
          )}
        </span>
      </Tile>
    </dl>
  )
}

interface TileProps {
  readonly name: string
  readonly label: string
  readonly value: string
  readonly tone?: 'warning' | 'critical' | undefined
  readonly href?: string
  readonly children: ReactNode
}

function Tile({ name, label, value, tone, href, children }: TileProps) {
  return (
    <div className={`tile ${tone ?? ''}`} data-stat={name}>
      <dt>{href === undefined ? label : <Link href={href}>{label}</Link>}</dt>
      <dd>
        <b className="tile-value">{value}</b>
        {children}
      </dd>
    </div>
  )
}

/** How the fleet is made up, as one bar. */
function Presences({ counts }: { readonly counts: FleetCounts }) {
  const parts = [
    { name: 'online', count: counts.online },
    { name: 'late', count: counts.late },
    { name: 'offline', count: counts.offline },
    { name: 'silent', count: counts.silent },
  ]
  const said = parts.filter(({ name, count }) => count > 0 && name !== 'online')
  return (
    <>
      <svg className="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
        {counts.total === 0 ? null : barOf(parts, counts.total)}
      </svg>
      <span className="tile-notes">
        {said.map(({ name, count }) => (
          <span key={name}>
            <b>{formatCount(count)}</b> {name}
          </span>
        ))}
        {said.length === 0 && counts.total > 0 && <span>none late, none offline</span>}
      </span>
    </>
  )
}

function barOf(parts: readonly { name: string; count: number }[], total: number): ReactNode[] {
  let x = 0
  return parts.map(({ name, count }) => {
    const width = (count / total) * 100
    const part = <rect key={name} className={name} x={x} y="0" width={width} height="6" />
    x += width
    return part
  })
}
