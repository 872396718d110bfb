import './alarms.css'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { type AlarmEntry, api } from '../../api.ts'
import { useOrderVersion } from '../../live/live.ts'
import { useMay } from '../../session/session.ts'
import { useAct } from '../../ui/act.ts'
import { Card, Empty, FaultBanner, Skeleton } from '../../ui/parts.tsx'
import { Segments } from '../../ui/segments.tsx'
import { AlarmDetail } from './alarm-detail.tsx'
import { AlarmRow } from './alarm-row.tsx'

const SHOWN = [
  { value: 'open', label: 'Open' },
  { value: 'active', label: 'Unseen' },
  { value: 'acknowledged', label: 'Seen' },
  { value: 'shelved', label: 'Shelved' },
] as const

type Shown = (typeof SHOWN)[number]['value']

const RANKS: Readonly<Record<AlarmEntry['severity'], number>> = { critical: 3, warning: 2, info: 1 }

const MOST = 500

/** What rings, everywhere, and what is done about it. */
export function AlarmsPage() {
  const version = useOrderVersion()
  const [shown, setShown] = useState<Shown>('open')
  const [text, setText] = useState('')
  const [chosen, setChosen] = useState<string>()
  const [marked, setMarked] = useState<ReadonlySet<string>>(new Set())
  const asked = useQuery({
    queryKey: ['alarms', 'all', shown, version],
    queryFn: () => api.alarms({ limit: MOST, ...(shown === 'open' ? {} : { standing: shown }) }),
    placeholderData: (before) => before,
    refetchInterval: 5_000,
  })
  const alarms = (asked.data?.alarms ?? []).filter((alarm) => matches(alarm, text)).toSorted(worst)
  const selected = alarms.find((alarm) => keyOf(alarm) === chosen)
  const unseen = alarms.filter(({ standing }) => standing === 'active')
  const picked = unseen.filter((alarm) => marked.has(keyOf(alarm)))
  return (
    <>
      <header className="page-head">
        <h1>Alarms</h1>
        <input
          type="search"
          className="input alarm-search"
          aria-label="Search alarms"
          placeholder="device, alarm or text"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <Segments label="Which alarms" options={SHOWN} value={shown} onChange={setShown} />
      </header>
      {asked.isError && <FaultBanner error={asked.error} onAgain={() => void asked.refetch()} />}
      <div className="alarm-board">
        <Card
          title={SHOWN.find(({ value }) => value === shown)?.label ?? ''}
          note={asked.isPending ? undefined : String(alarms.length)}
          flush
          actions={
            <AcknowledgeAll
              alarms={picked.length > 0 ? picked : unseen}
              picked={picked.length > 0}
              onDone={() => setMarked(new Set())}
            />
          }
        >
          {asked.isPending ? (
            <div className="card-body">
              <Skeleton lines={6} />
            </div>
          ) : alarms.length === 0 ? (
            <NoAlarms searched={text !== '' || shown !== 'open'} />
          ) : (
            <ol className="lines" aria-label="Alarms">
              {alarms.map((alarm) => (
                <AlarmRow
                  key={keyOf(alarm)}
                  alarm={alarm}
                  chosen={keyOf(alarm) === chosen}
                  marked={marked.has(keyOf(alarm))}
                  onChoose={() => setChosen(keyOf(alarm))}
                  onMark={(is) => setMarked(withOrWithout(marked, keyOf(alarm), is))}
                />
              ))}
            </ol>
          )}
        </Card>
        {selected !== undefined && (
          <AlarmDetail alarm={selected} onClose={() => setChosen(undefined)} />
        )}
      </div>
    </>
  )
}

interface AcknowledgeAllProps {
  readonly alarms: readonly AlarmEntry[]
  readonly picked: boolean
  readonly onDone: () => void
}

/** Says of several alarms at once that somebody knows. */
function AcknowledgeAll({ alarms, picked, onDone }: AcknowledgeAllProps) {
  const may = useMay('alarms:write')
  const acting = useAct({
    run: async () => {
      for (const { deviceId, alarmId } of alarms)
        await api.changeAlarm(deviceId, alarmId, { change: 'acknowledge' })
      return alarms.length
    },
    done: (count) => (count === 1 ? 'Acknowledged' : `${count} alarms acknowledged`),
    failed: 'Not all of them could be acknowledged',
    refresh: [['alarms']],
    onDone,
  })
  if (alarms.length === 0) return null
  return (
    <button
      type="button"
      className="button small"
      disabled={may === 'no' || acting.isPending}
      onClick={() => acting.mutate(undefined)}
    >
      Acknowledge {picked ? alarms.length : 'all'}
    </button>
  )
}

function NoAlarms({ searched }: { readonly searched: boolean }) {
  return searched ? (
    <Empty title="No alarm like that">
      <p>Nothing that rings fits what is chosen above.</p>
    </Empty>
  ) : (
    <Empty title="All is quiet">
      <p>No alarm is open. What may ring stands under alarms in anyhub.yml.</p>
    </Empty>
  )
}

export function keyOf({ deviceId, alarmId }: AlarmEntry): string {
  return `${deviceId}/${alarmId}`
}

function matches({ deviceId, alarmId, text }: AlarmEntry, wanted: string): boolean {
  const word = wanted.trim().toLowerCase()
  return `${deviceId} ${alarmId} ${text}`.toLowerCase().includes(word)
}

/** Who was not seen yet, then the worst, then the newest. */
function worst(a: AlarmEntry, b: AlarmEntry): number {
  return (
    Number(b.standing === 'active') - Number(a.standing === 'active') ||
    RANKS[b.severity] - RANKS[a.severity] ||
    (b.raisedAt ?? 0) - (a.raisedAt ?? 0)
  )
}

function withOrWithout(all: ReadonlySet<string>, key: string, is: boolean): ReadonlySet<string> {
  const next = new Set(all)
  if (is) next.add(key)
  else next.delete(key)
  return next
}
