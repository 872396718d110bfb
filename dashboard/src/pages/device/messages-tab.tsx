import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { api, type TelemetryRow } from '../../api.ts'
import { formatClock, formatCount, formatValue } from '../../format.ts'
import { live } from '../../live/live.ts'
import { MessageIcon } from '../../ui/icons.tsx'
import { Card, Empty, FaultBanner, Skeleton } from '../../ui/parts.tsx'

const MOST = 100
/** Asked again no more often than this while messages come. Unit: ms. */
const EVERY_MS = 1_000

/** The messages of the device as they come. */
export function MessagesTab({ deviceId }: { readonly deviceId: string }) {
  const [paused, setPaused] = useState(false)
  const asked = useQuery({
    queryKey: ['messages', deviceId],
    queryFn: () => api.telemetry(deviceId, { limit: MOST }),
    retry: false,
  })
  const { refetch } = asked
  useEffect(() => {
    if (paused) return
    let timer: ReturnType<typeof setTimeout> | undefined
    const end = live.subscribeDevice(deviceId, () => {
      timer ??= setTimeout(() => {
        timer = undefined
        void refetch()
      }, EVERY_MS)
    })
    return () => {
      clearTimeout(timer)
      end()
    }
  }, [deviceId, paused, refetch])
  const rows = asked.data?.rows ?? []
  return (
    <Card
      title="Messages"
      flush
      note={asked.data === undefined ? undefined : `${formatCount(asked.data.count)} stored`}
      actions={
        <button
          type="button"
          className="button small"
          aria-pressed={paused}
          onClick={() => setPaused(!paused)}
        >
          {paused ? 'Go on' : 'Pause'}
        </button>
      }
    >
      {asked.isError ? (
        <FaultBanner error={asked.error} onAgain={() => void refetch()} />
      ) : asked.isPending ? (
        <div className="card-body">
          <Skeleton lines={6} />
        </div>
      ) : rows.length === 0 ? (
        <Empty title="No message is stored" icon={<MessageIcon />}>
          <p>They stand here as soon as the device sends some.</p>
        </Empty>
      ) : (
        <ol className="messages">
          {rows.map((row) => (
            <Message key={`${row.at} ${row.messageId}`} row={row} />
          ))}
        </ol>
      )}
    </Card>
  )
}

function Message({ row: { at, metrics } }: { readonly row: TelemetryRow }) {
  return (
    <li className="message">
      <time dateTime={new Date(at).toISOString()}>
        {formatClock(at)}
        <span className="quiet">.{String(at % 1_000).padStart(3, '0')}</span>
      </time>
      <span className="message-values">
        {Object.entries(metrics).map(([name, value]) => (
          <span key={name} className="pair">
            {name} <b>{formatValue(name, value)}</b>
          </span>
        ))}
      </span>
    </li>
  )
}
