import './overview.css'
import { useFleetCounts } from '../../live/counts.ts'
import { useHeardAll } from '../../live/live.ts'
import { Card, Skeleton } from '../../ui/parts.tsx'
import { FirstSteps } from '../first-steps.tsx'
import { FleetGrid } from './fleet-grid.tsx'
import { NewestAlarms } from './newest-alarms.tsx'
import { NewestLetters } from './newest-letters.tsx'
import { RecentDevices } from './recent-devices.tsx'
import { Tiles } from './tiles.tsx'

/** The whole fleet at a glance. */
export function OverviewPage() {
  const heardAll = useHeardAll()
  const counts = useFleetCounts()
  return (
    <>
      <h1 className="visually-hidden">Overview</h1>
      <Tiles counts={counts} />
      {!heardAll ? (
        <Skeleton lines={8} />
      ) : counts.total === 0 ? (
        <div className="overview">
          <FirstSteps />
          <div className="overview-side">
            <NewestLetters />
          </div>
        </div>
      ) : (
        <div className="overview">
          <div className="overview-main">
            <Card title="Fleet" note={<FleetLegend />}>
              <FleetGrid counts={counts} />
            </Card>
            <RecentDevices />
          </div>
          <div className="overview-side">
            <NewestAlarms open={counts.open} />
            <NewestLetters />
          </div>
        </div>
      )}
    </>
  )
}

function FleetLegend() {
  return (
    <span className="legend">
      <span className="key good">quiet</span>
      <span className="key warning">warning</span>
      <span className="key critical">critical</span>
      <span className="key off">not heard of</span>
    </span>
  )
}
