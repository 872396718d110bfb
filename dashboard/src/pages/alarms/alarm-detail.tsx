import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { type AlarmEntry, api } from '../../api.ts'
import { useSession } from '../../session/session.ts'
import { useAct } from '../../ui/act.ts'
import { AlarmCard } from '../../ui/alarm-card.tsx'
import { CloseIcon } from '../../ui/icons.tsx'
import { FaultBanner, Skeleton } from '../../ui/parts.tsx'

interface AlarmDetailProps {
  readonly alarm: AlarmEntry
  readonly onClose: () => void
}

/** One alarm with its history, beside the list; on a phone over it. */
export function AlarmDetail({ alarm, onClose }: AlarmDetailProps) {
  const { deviceId, alarmId } = alarm
  const asked = useQuery({
    queryKey: ['alarms', deviceId],
    queryFn: () => api.deviceAlarms(deviceId),
    refetchInterval: 3_000,
  })
  const whole = asked.data?.alarms.find((one) => one.alarmId === alarmId)
  return (
    <aside className="alarm-detail" aria-label={`${alarmId} of ${deviceId}`}>
      <div className="row">
        <strong className="grow">{deviceId}</strong>
        <button
          type="button"
          className="button ghost small icon"
          aria-label="Close"
          onClick={onClose}
        >
          <CloseIcon />
        </button>
      </div>
      {asked.isError && <FaultBanner error={asked.error} />}
      {whole === undefined ? (
        <Skeleton lines={4} />
      ) : (
        <>
          <AlarmCard deviceId={deviceId} alarm={whole} />
          <Assign deviceId={deviceId} alarmId={alarmId} to={whole.assignedTo ?? ''} />
        </>
      )}
    </aside>
  )
}

interface AssignProps {
  readonly deviceId: string
  readonly alarmId: string
  readonly to: string
}

/** Says whose an alarm is. */
function Assign({ deviceId, alarmId, to }: AssignProps) {
  const { caller } = useSession()
  const [name, setName] = useState(to)
  const own = caller.name ?? caller.id
  const acting = useAct({
    run: (next: string) =>
      api.changeAlarm(deviceId, alarmId, { change: 'assign', body: { to: next } }),
    done: (_, next) => (next === '' ? 'It is nobody’s now' : `Assigned to ${next}`),
    failed: 'It is whose it was',
    refresh: [['alarms']],
  })
  function submit(event: FormEvent): void {
    event.preventDefault()
    acting.mutate(name.trim())
  }
  return (
    <form className="row" onSubmit={submit}>
      <input
        className="input grow"
        aria-label={`Who looks after ${alarmId}`}
        placeholder="Who looks after it"
        maxLength={256}
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <button type="submit" className="button small" disabled={acting.isPending || name === to}>
        Assign
      </button>
      {own !== '' && to !== own && (
        <button
          type="button"
          className="button small ghost"
          disabled={acting.isPending}
          onClick={() => {
            setName(own)
            acting.mutate(own)
          }}
        >
          To me
        </button>
      )}
    </form>
  )
}
