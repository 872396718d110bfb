import { useQuery } from '@tanstack/react-query'
import { api } from '../../api.ts'
import { useOrderVersion } from '../../live/live.ts'
import { AlarmCard } from '../../ui/alarm-card.tsx'
import { Card, Empty, FaultBanner, Skeleton } from '../../ui/parts.tsx'

/** The alarms of the device: what is open, what was done about it, and what only watches. */
export function AlarmsTab({ deviceId }: { readonly deviceId: string }) {
  const version = useOrderVersion()
  const asked = useQuery({
    queryKey: ['alarms', deviceId, version],
    queryFn: () => api.deviceAlarms(deviceId),
    placeholderData: (before) => before,
    refetchInterval: 5_000,
  })
  if (asked.isError) return <FaultBanner error={asked.error} />
  if (asked.isPending) return <Skeleton lines={6} />
  const { alarms } = asked.data
  const open = alarms.filter(({ standing }) => standing !== 'normal')
  const normal = alarms.filter(({ standing }) => standing === 'normal')
  return (
    <div className="stack">
      {open.length === 0 && (
        <section className="card">
          <Empty title="Nothing rings">
            <p>
              {alarms.length === 0
                ? 'No alarm of anyhub.yml has judged a message of this device yet.'
                : 'Every alarm is quiet.'}
            </p>
          </Empty>
        </section>
      )}
      {open.map((alarm) => (
        <AlarmCard key={alarm.alarmId} deviceId={deviceId} alarm={alarm} />
      ))}
      {normal.length > 0 && (
        <Card title="Quiet" note={String(normal.length)}>
          <div className="row">
            {normal.map(({ alarmId }) => (
              <span key={alarmId} className="tag">
                {alarmId}
              </span>
            ))}
          </div>
        </Card>
      )}
    </div>
  )
}
