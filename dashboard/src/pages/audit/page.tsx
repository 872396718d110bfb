import '../../ui/form.css'
import './audit.css'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Json } from '../../api.ts'
import { type AuditEntry, administer } from '../../api-administer.ts'
import { useMay } from '../../session/session.ts'
import { CodeBlock } from '../../ui/code-block.tsx'
import { isRefused, Refused } from '../../ui/form.tsx'
import { AuditIcon } from '../../ui/icons.tsx'
import { Age, Card, Empty, FaultBanner, Skeleton } from '../../ui/parts.tsx'
import { useLater } from '../../ui/use-later.ts'

const PAGE = 50

/** Who changed what, the newest first. */
export function AuditPage() {
  const may = useMay('audit:read')
  const [actor, setActor] = useState('')
  const [target, setTarget] = useState('')
  const by = useLater(actor.trim())
  const of = useLater(target.trim())
  const asked = useInfiniteQuery({
    queryKey: ['audit', may, by, of],
    queryFn: ({ pageParam }) =>
      administer.audit({
        limit: PAGE,
        ...(pageParam === '' ? {} : { after: pageParam }),
        ...(by === '' ? {} : { actor: by }),
        ...(of === '' ? {} : { target: of }),
      }),
    initialPageParam: '',
    getNextPageParam: ({ next }) => next,
    placeholderData: (before) => before,
    retry: false,
  })
  const entries = (asked.data?.pages ?? []).flatMap((page) => page.entries)
  const filtered = by !== '' || of !== ''
  return (
    <>
      <header className="page-head">
        <h1>Audit log</h1>
        <input
          type="search"
          className="input audit-filter"
          aria-label="By whom"
          placeholder="by whom: admin"
          value={actor}
          onChange={(event) => setActor(event.target.value)}
        />
        <input
          type="search"
          className="input audit-filter"
          aria-label="What was changed"
          placeholder="what: device/fridge-1"
          value={target}
          onChange={(event) => setTarget(event.target.value)}
        />
      </header>
      <Card title="Changes" flush>
        {asked.isPending ? (
          <div className="card-body">
            <Skeleton lines={6} />
          </div>
        ) : isRefused(asked.error) ? (
          <Refused may={may} what="Only an admin sees what others did" />
        ) : asked.isError ? (
          <div className="card-body">
            <FaultBanner error={asked.error} onAgain={() => void asked.refetch()} />
          </div>
        ) : entries.length === 0 ? (
          <Empty title={filtered ? 'No change like that' : 'No change yet'} icon={<AuditIcon />}>
            <p>
              {filtered
                ? 'Who is an id, in full; what is a thing, or the beginning of its path.'
                : 'Every change is kept here: who, what, before and after.'}
            </p>
          </Empty>
        ) : (
          <ol className="lines" aria-label="Changes">
            {entries.map((entry) => (
              <Entry
                key={entry.id}
                entry={entry}
                onActor={() => setActor(entry.actor.id)}
                onTarget={() => setTarget(entry.target)}
              />
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
    </>
  )
}

interface EntryProps {
  readonly entry: AuditEntry
  readonly onActor: () => void
  readonly onTarget: () => void
}

function Entry({ entry, onActor, onTarget }: EntryProps) {
  const { at, actor, operation, target, method, path, status, before, after, remote } = entry
  return (
    <li className="line letter audit-entry">
      <details>
        <summary>
          <span className="line-head">
            <span className="letter-from">{sentenceOf(operation)}</span>
            <span className="tag mono">{target}</span>
            <span className="line-age">
              {actor.name ?? (actor.id || actor.kind)}, <Age at={at} />
            </span>
          </span>
        </summary>
        <div className="audit-states">
          <State title="Before" state={before} />
          <State title="After" state={after} />
        </div>
        <p className="quiet mono">
          {method} {path} → {status}
          {remote !== undefined && ` from ${remote}`}
        </p>
        <div className="row">
          <button type="button" className="button small" onClick={onActor}>
            All by {actor.name ?? (actor.id || actor.kind)}
          </button>
          <button type="button" className="button small" onClick={onTarget}>
            All of {target}
          </button>
        </div>
      </details>
    </li>
  )
}

function State({ title, state }: { readonly title: string; readonly state: Json | undefined }) {
  return (
    <div>
      <h3>{title}</h3>
      <CodeBlock label={title} text={state === undefined ? '–' : JSON.stringify(state, null, 2)} />
    </div>
  )
}

/** `patchShadow` as `Patch shadow`. */
function sentenceOf(operation: string): string {
  const words = operation.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
  return words.charAt(0).toUpperCase() + words.slice(1)
}
