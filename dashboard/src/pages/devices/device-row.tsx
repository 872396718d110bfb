import { memo } from 'react'
import { Link } from 'wouter'
import { formatValue } from '../../format.ts'
import { type Device, presenceOf, weight } from '../../live/device.ts'
import { useDevice, useNow } from '../../live/live.ts'
import { useTrend } from '../../live/trend.ts'
import { Age, PresenceDot } from '../../ui/parts.tsx'
import { Sparkline } from '../../ui/sparkline.tsx'

/** Values beside the main one that a row has room for. */
const MAX_VALUES = 8
const MAX_CHIPS = 2

interface DeviceRowProps {
  readonly deviceId: string
  /** Where it stands in the list. Unit: px. */
  readonly top: number
  readonly position: number
  readonly count: number
}

/** One device of the list: drawn again when it changes, and not when others do. */
export const DeviceRow = memo(function DeviceRow({
  deviceId,
  top,
  position,
  count,
}: DeviceRowProps) {
  const device = useDevice(deviceId)
  return (
    <li
      className="device"
      style={{ transform: `translateY(${top}px)` }}
      aria-posinset={position}
      aria-setsize={count}
      data-device={deviceId}
      data-severity={device === undefined ? '' : worstOf(device)}
    >
      <Link href={`/devices/${encodeURIComponent(deviceId)}`} className="device-link">
        {device === undefined ? <Unheard deviceId={deviceId} /> : <Known device={device} />}
      </Link>
    </li>
  )
})

function worstOf(device: Device): string {
  return ['', 'info', 'warning', 'critical'][device.rank] ?? ''
}

/** Registered, and nothing of it has been seen on this page. */
function Unheard({ deviceId }: { readonly deviceId: string }) {
  return (
    <>
      <span className="device-name">
        <PresenceDot presence="never" />
        <span className="device-id">{deviceId}</span>
      </span>
      <span className="device-values quiet">registered, nothing heard yet</span>
      <span />
      <span className="device-main">–</span>
      <span className="device-seen">never</span>
    </>
  )
}

function Known({ device }: { readonly device: Device }) {
  const history = useTrend(device)
  const main = device.main === undefined ? undefined : device.last[device.main]
  return (
    <>
      <span className="device-name">
        <Presence device={device} />
        <span className="device-id">{device.deviceId}</span>
        <Chips device={device} />
      </span>
      <span className="device-values">
        {Object.keys(device.last)
          .filter((metric) => metric !== device.main)
          .slice(0, MAX_VALUES)
          .map((metric) => (
            <span key={metric} className="pair">
              {metric} <b>{formatValue(metric, device.last[metric]?.value)}</b>
            </span>
          ))}
      </span>
      <span className="device-trend">
        <Sparkline points={history} version={device} />
      </span>
      <span className="device-main">
        <b>{main === undefined ? '–' : formatValue(device.main ?? '', main.value)}</b>
        <span>{device.main ?? ''}</span>
      </span>
      <Seen device={device} />
    </>
  )
}

function Presence({ device }: { readonly device: Device }) {
  return <PresenceDot presence={presenceOf(device, useNow())} />
}

function Seen({ device }: { readonly device: Device }) {
  const presence = presenceOf(device, useNow())
  const isAbsent = presence === 'offline' || presence === 'late' || presence === 'unreachable'
  return (
    <span className={`device-seen ${presence}`}>
      {isAbsent && <b>{presence}</b>}
      <Age at={device.seenAt} />
    </span>
  )
}

function Chips({ device }: { readonly device: Device }) {
  const { alarms, type, enabled } = device
  if (alarms.length === 0 && type === undefined && enabled !== false) return null
  const shown = alarms.toSorted((a, b) => weight(b.severity) - weight(a.severity))
  const more = alarms.length - MAX_CHIPS
  return (
    <span className="chips">
      {shown.slice(0, MAX_CHIPS).map(({ alarmId, severity, text }) => (
        <span key={alarmId} className={`badge ${severity}`} title={text}>
          {alarmId}
        </span>
      ))}
      {more > 0 && <span className="badge">+{more}</span>}
      {enabled === false && <span className="badge">disabled</span>}
      {type !== undefined && type !== 'default' && <span className="tag">{type}</span>}
    </span>
  )
}
