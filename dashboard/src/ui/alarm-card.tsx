import './alarm-card.css'
import { Menu } from '@base-ui/react/menu'
import { type FormEvent, useState } from 'react'
import { type AlarmView, type AlarmWish, api } from '../api.ts'
import { formatTime } from '../format.ts'
import { useMay } from '../session/session.ts'
import { useAct } from './act.ts'
import { Age, SeverityBadge } from './parts.tsx'

const SHELVES = [
  { duration: '15m', label: '15 minutes' },
  { duration: '1h', label: '1 hour' },
  { duration: '8h', label: '8 hours' },
  { duration: '24h', label: '1 day' },
] as const

interface AlarmCardProps {
  readonly deviceId: string
  readonly alarm: AlarmView
}

/** One alarm with what happened to it and what can be done. */
export function AlarmCard({ deviceId, alarm }: AlarmCardProps) {
  const { alarmId, severity, standing, text, raisedAt, assignedTo, shelvedUntil } = alarm
  return (
    <article className={`card alarm-card ${severity}`} aria-label={`Alarm ${alarmId}`}>
      <header className="alarm-top">
        <h2>{alarmId}</h2>
        <SeverityBadge severity={severity} />
        <span className={`badge ${standing === 'active' ? 'critical' : ''}`}>{standing}</span>
        {assignedTo !== undefined && assignedTo !== '' && (
          <span className="tag">assigned to {assignedTo}</span>
        )}
        <span className="line-age">{raisedAt !== undefined && <Age at={raisedAt} />}</span>
      </header>
      <p>{text}</p>
      {shelvedUntil !== undefined && (
        <p className="quiet">
          shelved{alarm.shelvedBy === undefined ? '' : ` by ${alarm.shelvedBy}`} until{' '}
          {formatTime(shelvedUntil)}
          {alarm.shelvedFor === undefined ? '' : `: ${alarm.shelvedFor}`}
        </p>
      )}
      <AlarmActions deviceId={deviceId} alarm={alarm} />
      <Timeline alarm={alarm} />
    </article>
  )
}

/** Acknowledge, shelve, assign, comment. */
export function AlarmActions({ deviceId, alarm }: AlarmCardProps) {
  const may = useMay('alarms:write')
  const [comment, setComment] = useState('')
  const { alarmId, standing } = alarm
  const acting = useAct({
    run: (wish: AlarmWish & { readonly done: string }) => api.changeAlarm(deviceId, alarmId, wish),
    done: (_, { done }) => done,
    failed: 'The alarm is as it was',
    refresh: [['alarms']],
  })
  const disabled = may === 'no' || acting.isPending
  function submit(event: FormEvent): void {
    event.preventDefault()
    acting.mutate({ change: 'comment', body: { text: comment }, done: 'Comment added' })
    setComment('')
  }
  return (
    <div className="row alarm-actions">
      {standing === 'active' && (
        <button
          type="button"
          className="button small primary"
          disabled={disabled}
          onClick={() => acting.mutate({ change: 'acknowledge', done: 'Acknowledged' })}
        >
          Acknowledge
        </button>
      )}
      {standing === 'shelved' ? (
        <button
          type="button"
          className="button small"
          disabled={disabled}
          onClick={() => acting.mutate({ change: 'unshelve', done: 'Taken from the shelf' })}
        >
          Unshelve
        </button>
      ) : (
        <Menu.Root>
          <Menu.Trigger className="button small" disabled={disabled}>
            Shelve
          </Menu.Trigger>
          <Menu.Portal>
            <Menu.Positioner sideOffset={4} align="start">
              <Menu.Popup className="menu">
                {SHELVES.map(({ duration, label }) => (
                  <Menu.Item
                    key={duration}
                    className="menu-item"
                    onClick={() =>
                      acting.mutate({
                        change: 'shelve',
                        body: { for: duration },
                        done: `Shelved for ${label}`,
                      })
                    }
                  >
                    {label}
                  </Menu.Item>
                ))}
              </Menu.Popup>
            </Menu.Positioner>
          </Menu.Portal>
        </Menu.Root>
      )}
      <form className="row grow" onSubmit={submit}>
        <input
          className="input grow alarm-comment"
          aria-label={`Comment on ${alarmId}`}
          placeholder="Comment"
          maxLength={1000}
          required
          value={comment}
          onChange={(event) => setComment(event.target.value)}
        />
        <button type="submit" className="button small" disabled={disabled}>
          Add
        </button>
      </form>
    </div>
  )
}

/** What happened to an alarm and what people said, the newest first. */
export function Timeline({
  alarm: { history = [], comments = [] },
}: {
  readonly alarm: AlarmView
}) {
  const events = [
    ...history.map(({ at, is, by, severity }) => ({
      at,
      what: severity === undefined ? is : `${is}, ${severity}`,
      by,
      said: undefined,
    })),
    ...comments.map(({ at, by, text }) => ({ at, what: 'comment', by, said: text })),
  ].sort((a, b) => b.at - a.at)
  if (events.length === 0) return null
  return (
    <ol className="timeline">
      {events.map(({ at, what, by, said }) => (
        <li key={`${at} ${what} ${said ?? ''}`}>
          <b>{what}</b>
          {by !== undefined && <span className="quiet">{by}</span>}
          <span className="line-age">
            <Age at={at} />
          </span>
          {said !== undefined && <p>{said}</p>}
        </li>
      ))}
    </ol>
  )
}
