import './map.css'
import { useMemo, useState } from 'react'
import { Link } from 'wouter'
import { formatValue } from '../../format.ts'
import { presenceOf } from '../../live/device.ts'
import { live, useFleetVersion, useHeardAll } from '../../live/live.ts'
import { CloseIcon, MapIcon } from '../../ui/icons.tsx'
import { Age, Card, Empty, PresenceDot, Skeleton } from '../../ui/parts.tsx'
import { FleetMap } from './fleet-map.tsx'
import type { Placed } from './placed.ts'
import { positionOf } from './positions.ts'

/** So often positions are read anew at most. Unit: ms. */
const EVERY_MS = 1_000

/** So many devices are listed beside the map. */
const MOST_LISTED = 200

/** Where the devices are. */
export function MapPage() {
  const heardAll = useHeardAll()
  const version = useFleetVersion(EVERY_MS)
  const [chosenId, setChosenId] = useState<string>()
  // biome-ignore lint/correctness/useExhaustiveDependencies: the store outside of React says with its version that it is another
  const placed = useMemo(
    () =>
      [...live.devices.values()].flatMap((device): Placed[] => {
        const position = positionOf(device)
        return position === undefined ? [] : [{ device, ...position }]
      }),
    [version],
  )
  const chosen = placed.find(({ device }) => device.deviceId === chosenId)
  if (!heardAll) return <Skeleton lines={10} />
  return (
    <>
      <header className="page-head">
        <h1>Map</h1>
        <span className="quiet">
          {placed.length} of {live.devices.size} devices say where they are
        </span>
      </header>
      {placed.length === 0 ? (
        <section className="card">
          <Empty title="Nobody says where they are" icon={<MapIcon />}>
            <p>
              Devices are shown here as soon as they send lat and lon (or latitude, longitude, lng),
              also inside of an object such as position, or have tags of these names.
            </p>
          </Empty>
        </section>
      ) : (
        <div className="map-board">
          <section className="card map-card" aria-label="Map">
            <FleetMap placed={placed} chosenId={chosenId} onChoose={setChosenId} />
            {chosen !== undefined && (
              <Chosen placed={chosen} onClose={() => setChosenId(undefined)} />
            )}
          </section>
          <Card title="Devices" note={String(placed.length)} flush>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard has to be able to */}
            <ol className="lines map-list" tabIndex={0} aria-label="Devices with a position">
              {placed.slice(0, MOST_LISTED).map(({ device, lat, lon }) => (
                <li key={device.deviceId} className="line">
                  <div className="line-head">
                    <PresenceDot presence={presenceOf(device, Date.now())} />
                    <button
                      type="button"
                      className="link"
                      aria-pressed={device.deviceId === chosenId}
                      onClick={() => setChosenId(device.deviceId)}
                    >
                      {device.deviceId}
                    </button>
                    <span className="line-age">
                      {lat.toFixed(3)}, {lon.toFixed(3)}
                    </span>
                  </div>
                </li>
              ))}
              {placed.length > MOST_LISTED && (
                <li className="line quiet">and {placed.length - MOST_LISTED} more</li>
              )}
            </ol>
          </Card>
        </div>
      )}
    </>
  )
}

/** What stands over the map of the device that was chosen. */
function Chosen({ placed, onClose }: { readonly placed: Placed; readonly onClose: () => void }) {
  const { device, lat, lon } = placed
  const main = device.main === undefined ? undefined : device.last[device.main]
  return (
    <div className="map-chosen card" role="status">
      <div className="row">
        <PresenceDot presence={presenceOf(device, Date.now())} />
        <Link className="grow" href={`/devices/${encodeURIComponent(device.deviceId)}`}>
          <b>{device.deviceId}</b>
        </Link>
        <button
          type="button"
          className="button ghost small icon"
          aria-label="Close"
          onClick={onClose}
        >
          <CloseIcon />
        </button>
      </div>
      {main !== undefined && (
        <p>
          <b>{formatValue(device.main ?? '', main.value)}</b>{' '}
          <span className="quiet">{device.main}</span>
        </p>
      )}
      {device.alarms.map(({ alarmId, severity, text }) => (
        <p key={alarmId} className={`badge ${severity}`}>
          {alarmId}: {text}
        </p>
      ))}
      <p className="quiet">
        {lat.toFixed(5)}, {lon.toFixed(5)} · <Age at={device.seenAt} />
      </p>
    </div>
  )
}
