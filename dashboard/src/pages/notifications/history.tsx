import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import {
  administer,
  type DeliveryState,
  type NotificationEntry,
  type SentNotification,
} from '../../api-administer.ts'
import { formatCount } from '../../format.ts'
import { useMay } from '../../session/session.ts'
import { useAct } from '../../ui/act.ts'
import { isRefused, Refused } from '../../ui/form.tsx'
import { MessageIcon } from '../../ui/icons.tsx'
import { Age, Card, Empty, FaultBanner, SeverityBadge, Skeleton } from '../../ui/parts.tsx'

const PAGE = 20

/** How often is asked what became of one while some of it is on its way. Unit: ms. */
const AGAIN_MS = 1_000

const COLOURS: Readonly<Record<DeliveryState, string>> = {
  queued: 'info',
  sent: 'good',
  failed: 'critical',
  expired: 'warning',
  suppressed: '',
}

const STATES = ['queued', 'sent', 'failed', 'expired', 'suppressed'] as const

/** What somebody was told on demand, the newest first. */
export function History() {
  const may = useMay('notifications:read')
  const asked = useInfiniteQuery({
    queryKey: ['notifications', may],
    queryFn: ({ pageParam }) =>
      administer.notifications({
        limit: PAGE,
        ...(pageParam === '' ? {} : { after: pageParam }),
      }),
    initialPageParam: '',
    getNextPageParam: ({ next }) => next,
    refetchInterval: 10_000,
    retry: false,
  })
  const entries = (asked.data?.pages ?? []).flatMap(({ notifications }) => notifications)
  return (
    <Card title="Sent" flush>
      {asked.isPending ? (
        <div className="card-body">
          <Skeleton lines={4} />
        </div>
      ) : isRefused(asked.error) ? (
        <Refused may={may} what="Notifications are not for everybody to see" />
      ) : asked.isError ? (
        <div className="card-body">
          <FaultBanner error={asked.error} onAgain={() => void asked.refetch()} />
        </div>
      ) : entries.length === 0 ? (
        <Empty title="Nobody was told anything yet" icon={<MessageIcon />}>
          <p>
            What is sent above, or by <code>POST /notifications</code>, is accounted for here,
            recipient by recipient. Alarms tell their channels by themselves.
          </p>
        </Empty>
      ) : (
        <ol className="lines" aria-label="Notifications">
          {entries.map((entry) => (
            <Sent key={entry.id} entry={entry} />
          ))}
        </ol>
      )}
      {asked.hasNextPage && (
        <div className="card-body">
          <button
            type="button"
            className="button"
            disabled={asked.isFetchingNextPage}
            onClick={() => void asked.fetchNextPage()}
          >
            Older ones
          </button>
        </div>
      )}
    </Card>
  )
}

function Sent({ entry }: { readonly entry: NotificationEntry }) {
  const { id, at, subject, severity } = entry
  const may = useMay('notifications:write')
  const [open, setOpen] = useState(false)
  const asked = useQuery({
    queryKey: ['notifications', 'one', id],
    queryFn: () => administer.notification(id),
    refetchInterval: ({ state }) => (isOnItsWay(state.data) ? AGAIN_MS : false),
    retry: false,
  })
  const acknowledging = useAct({
    run: () => administer.acknowledge(id),
    done: 'Acknowledged: nobody else is called up',
    failed: 'It could not be acknowledged',
    refresh: [['notifications']],
  })
  const { status, deliveries = 0, states, reason } = asked.data ?? {}
  const acknowledged = asked.data?.acknowledged ?? entry.acknowledged
  return (
    <li className="line letter">
      <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>
          <span className="line-head">
            <SeverityBadge severity={severity} />
            <span className="letter-from">{subject}</span>
            {acknowledged !== undefined && (
              <span className="tag">acknowledged by {acknowledged.by}</span>
            )}
            <span className="line-age">
              <Age at={at} />
            </span>
          </span>
          <span className="row sent-states">
            {status === 'finding' && <span className="badge info">finding recipients</span>}
            {status === 'suppressed' && <span className="badge">nobody: {reason}</span>}
            {STATES.map((state) => {
              const count = states?.[state] ?? 0
              return (
                count > 0 && (
                  <span key={state} className={`badge ${COLOURS[state]}`}>
                    {formatCount(count)} {state}
                  </span>
                )
              )
            })}
            {status === 'found' && deliveries === 0 && (
              <span className="badge">reached nobody</span>
            )}
          </span>
        </summary>
        {open && <Recipients id={id} deliveries={deliveries} states={JSON.stringify(states)} />}
        <div className="row">
          {acknowledged === undefined && (
            <button
              type="button"
              className="button small"
              disabled={may === 'no' || acknowledging.isPending}
              onClick={() => acknowledging.mutate(undefined)}
            >
              Acknowledge
            </button>
          )}
          <span className="quiet mono">{id}</span>
        </div>
      </details>
    </li>
  )
}

interface RecipientsProps {
  readonly id: string
  readonly deliveries: number
  /** Asked anew when they are other ones. */
  readonly states: string
}

/** Who is told, and what became of each. */
function Recipients({ id, deliveries, states }: RecipientsProps) {
  const may = useMay('people:read')
  const asked = useInfiniteQuery({
    queryKey: ['recipients', id, may, states],
    queryFn: ({ pageParam }) => administer.recipients(id, pageParam),
    initialPageParam: '',
    getNextPageParam: ({ next }) => next,
    placeholderData: (before) => before,
    retry: false,
  })
  if (asked.isPending) return <Skeleton lines={2} />
  if (isRefused(asked.error)) return <Refused may={may} what="Only an admin sees who is told" />
  if (asked.isError) return <FaultBanner error={asked.error} />
  const recipients = asked.data.pages.flatMap((page) => page.recipients)
  return (
    <div className="scroll-x">
      <table className="table recipients">
        <thead>
          <tr>
            <th>Recipient</th>
            <th>Channel</th>
            <th>State</th>
            <th>When</th>
          </tr>
        </thead>
        <tbody>
          {recipients.map(({ recipient, channel, state, at, reason }) => (
            <tr key={`${recipient} ${channel}`}>
              <td>{recipient}</td>
              <td>{channel}</td>
              <td>
                <span className={`badge ${COLOURS[state]}`}>{state}</span>{' '}
                <span className="quiet">{reason}</span>
              </td>
              <td>{at !== undefined && <Age at={at} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {recipients.length === 0 && <p className="quiet">Nobody so far.</p>}
      {asked.hasNextPage && recipients.length < deliveries && (
        <button
          type="button"
          className="button small"
          disabled={asked.isFetchingNextPage}
          onClick={() => void asked.fetchNextPage()}
        >
          More
        </button>
      )}
    </div>
  )
}

function isOnItsWay(sent: SentNotification | undefined): boolean {
  return sent !== undefined && (sent.status === 'finding' || sent.states.queued > 0)
}
