import { Link } from 'wouter'
import type { AlarmEntry } from '../../api.ts'
import { Age, SeverityBadge } from '../../ui/parts.tsx'

interface AlarmRowProps {
  readonly alarm: AlarmEntry
  readonly chosen: boolean
  readonly marked: boolean
  readonly onChoose: () => void
  readonly onMark: (marked: boolean) => void
}

/** One alarm in the list: whose, what, since when, and who knows. */
export function AlarmRow({ alarm, chosen, marked, onChoose, onMark }: AlarmRowProps) {
  const { deviceId, alarmId, severity, standing, text, raisedAt, assignedTo, comments } = alarm
  return (
    <li className={`line alarm-line ${severity}`} data-chosen={chosen}>
      {standing === 'active' ? (
        <input
          type="checkbox"
          aria-label={`Choose ${alarmId} of ${deviceId}`}
          checked={marked}
          onChange={(event) => onMark(event.target.checked)}
        />
      ) : (
        <span aria-hidden="true" />
      )}
      <div className="grow">
        <div className="line-head">
          <button
            type="button"
            className="link alarm-name"
            aria-pressed={chosen}
            onClick={onChoose}
          >
            {alarmId}
          </button>
          <Link href={`/devices/${encodeURIComponent(deviceId)}/alarms`}>{deviceId}</Link>
          <SeverityBadge severity={severity} />
          {standing !== 'active' && <span className="tag">{standing}</span>}
          {assignedTo !== undefined && assignedTo !== '' && (
            <span className="tag">for {assignedTo}</span>
          )}
          {comments > 0 && (
            <span className="tag">
              {comments} comment{comments === 1 ? '' : 's'}
            </span>
          )}
          <span className="line-age">{raisedAt !== undefined && <Age at={raisedAt} />}</span>
        </div>
        <p className="line-text">{text}</p>
      </div>
    </li>
  )
}
