import { Link } from 'wouter'
import { formatValue } from '../../format.ts'
import { presenceOf } from '../../live/device.ts'
import { live, useDevice, useFleetVersion, useNow } from '../../live/live.ts'
import { useTrend } from '../../live/trend.ts'
import { Age, Card, PresenceDot } from '../../ui/parts.tsx'
import { Sparkline } from '../../ui/sparkline.tsx'

const MOST = 8

/** Who was heard of last. The order is made anew every few seconds, so that it can be read. */
export function RecentDevices() {
  useFleetVersion(3_000)
  const newest = [...live.devices.values()]
    .filter(({ seenAt }) => seenAt > 0)
    .sort((a, b) => Math.floor(b.seenAt / 5_000) - Math.floor(a.seenAt / 5_000))
    .slice(0, MOST)
  return (
    <Card
      title="Heard of last"
      flush
      actions={
        <Link href="/devices" className="button small ghost">
          All devices
        </Link>
      }
    >
      <ul className="recent">
        {newest.map(({ deviceId }) => (
          <RecentDevice key={deviceId} deviceId={deviceId} />
        ))}
      </ul>
    </Card>
  )
}

function RecentDevice({ deviceId }: { readonly deviceId: string }) {
  const device = useDevice(deviceId)
  const now = useNow()
  const history = useTrend(device)
  if (device === undefined) return null
  const main = device.main === undefined ? undefined : device.last[device.main]
  return (
    <li>
      <Link href={`/devices/${encodeURIComponent(deviceId)}`} className="recent-link">
        <PresenceDot presence={presenceOf(device, now)} />
        <span className="recent-id">{deviceId}</span>
        <span className="recent-trend">
          <Sparkline points={history} version={device} />
        </span>
        <span className="recent-value">
          <b>{main === undefined ? '–' : formatValue(device.main ?? '', main.value)}</b>{' '}
          <span className="quiet">{device.main ?? ''}</span>
        </span>
        <span className="recent-age quiet">
          <Age at={device.seenAt} />
        </span>
      </Link>
    </li>
  )
}
