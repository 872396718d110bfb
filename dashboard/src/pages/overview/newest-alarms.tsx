import { Link } from 'wouter'
import type { AlarmOf } from '../../live/counts.ts'
import { Age, Card, Empty, SeverityBadge } from '../../ui/parts.tsx'

const MOST = 50

/** The open alarms of all devices, the worst and then the newest first. */
export function NewestAlarms({ open }: { readonly open: readonly AlarmOf[] }) {
  const more = open.length - MOST
  return (
    <Card title="Open alarms" flush note={open.length === 0 ? undefined : String(open.length)}>
      {open.length === 0 ? (
        <Empty title="None">
          <p>All is quiet. What may ring stands under alarms in anyhub.yml.</p>
        </Empty>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard has to be able to
        <ol className="lines scroll" tabIndex={0} aria-label="Open alarms" id="alarm-list">
          {open.slice(0, MOST).map((alarm) => (
            <li key={`${alarm.deviceId}\n${alarm.alarmId}`} className={`line ${alarm.severity}`}>
              <div className="line-head">
                <SeverityBadge severity={alarm.severity}>{alarm.alarmId}</SeverityBadge>
                <Link href={`/devices/${encodeURIComponent(alarm.deviceId)}/alarms`}>
                  {alarm.deviceId}
                </Link>
                <span className="line-age">
                  {alarm.acknowledgedAt === null ? '' : 'seen, '}
                  {alarm.raisedAt === null ? '' : <Age at={alarm.raisedAt} />}
                </span>
              </div>
              <p className="line-text">{alarm.text}</p>
            </li>
          ))}
          {more > 0 && <li className="line quiet">and {more} more</li>}
        </ol>
      )}
    </Card>
  )
}
