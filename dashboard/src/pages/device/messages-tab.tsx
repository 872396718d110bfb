import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { api, type LiveMessage } from '../../api.ts'
import { formatClock, formatCount, formatValue } from '../../format.ts'
import { followStream } from '../../live/stream.ts'
import { MessageIcon } from '../../ui/icons.tsx'
import { Card, Empty, FaultBanner, Skeleton } from '../../ui/parts.tsx'

const MOST = 200
const STORED = 50

/** A message, and a number that no other has. */
interface Shown extends LiveMessage {
  readonly key: number
}

/** The messages of the device as they come, and what became of each. */
export function MessagesTab({ deviceId }: { readonly deviceId: string }) {
  const [paused, setPaused] = useState(false)
  const asked = useQuery({
    queryKey: ['messages', deviceId],
    queryFn: () => api.telemetry(deviceId, { limit: STORED }),
    retry: false,
  })
  const live = useLiveMessages(deviceId, paused)
  const known = new Set(live.map(({ messageId }) => messageId))
  const stored = (asked.data?.rows ?? [])
    .filter(({ messageId }) => !known.has(messageId))
    .map((row, index): Shown => ({ ...row, topic: '', outcome: 'accepted', key: -index }))
  const messages = [...live, ...stored]
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
      {asked.isError && messages.length === 0 ? (
        <FaultBanner error={asked.error} onAgain={() => void asked.refetch()} />
      ) : asked.isPending ? (
        <div className="card-body">
          <Skeleton lines={6} />
        </div>
      ) : messages.length === 0 ? (
        <Empty title="No message is stored" icon={<MessageIcon />}>
          <p>They stand here as soon as the device sends some.</p>
        </Empty>
      ) : (
        <ol className="messages">
          {messages.map((message) => (
            <Message key={message.key} message={message} />
          ))}
        </ol>
      )}
    </Card>
  )
}

/** What the device says while somebody looks, newest first. While it is paused it goes on to be gathered. */
function useLiveMessages(deviceId: string, paused: boolean): readonly Shown[] {
  const gathered = useRef<readonly Shown[]>([])
  const [shown, setShown] = useState<readonly Shown[]>([])
  const isPaused = useRef(paused)
  useEffect(() => {
    isPaused.current = paused
    if (!paused) setShown(gathered.current)
  }, [paused])
  useEffect(() => {
    let key = 0
    return followStream({
      path: '/live',
      query: { device: deviceId },
      onEvent(name, data) {
        if (name !== 'messages' || !Array.isArray(data)) return
        const fresh = data.map((message: LiveMessage): Shown => ({ ...message, key: ++key }))
        gathered.current = [...fresh.toReversed(), ...gathered.current].slice(0, MOST)
        if (!isPaused.current) setShown(gathered.current)
      },
    })
  }, [deviceId])
  return shown
}

function Message({ message }: { readonly message: LiveMessage }) {
  const { at, topic, outcome, metrics, reason, payload, payloadBase64 } = message
  return (
    <li className="message">
      <time dateTime={new Date(at).toISOString()}>
        {formatClock(at)}
        <span className="quiet">.{String(at % 1_000).padStart(3, '0')}</span>
      </time>
      <span className="message-values">
        {outcome !== 'accepted' && (
          <span className={`badge ${outcome === 'duplicate' ? '' : 'critical'}`}>
            {outcome.replaceAll('_', ' ')}
          </span>
        )}
        {reason !== undefined && <span>{reason}</span>}
        {metrics === undefined ? (
          <code>{payload ?? payloadBase64 ?? ''}</code>
        ) : (
          Object.entries(metrics).map(([name, value]) => (
            <span key={name} className="pair">
              {name} <b>{formatValue(name, value)}</b>
            </span>
          ))
        )}
        {topic !== '' && <span className="message-topic quiet">{topic}</span>}
      </span>
    </li>
  )
}
