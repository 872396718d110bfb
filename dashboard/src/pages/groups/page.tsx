import '../../ui/form.css'
import './groups.css'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'wouter'
import { administer, type DeviceGroup } from '../../api-administer.ts'
import { formatCount } from '../../format.ts'
import { useMay } from '../../session/session.ts'
import { isRefused, Refused } from '../../ui/form.tsx'
import { GroupIcon, PlusIcon } from '../../ui/icons.tsx'
import { Card, Empty, FaultBanner, Skeleton } from '../../ui/parts.tsx'
import { GroupDialog } from './group-dialog.tsx'

const PAGE = 100

/** How often is asked how many devices are in a group. Unit: ms. */
const AGAIN_MS = 10_000

/** Devices under one name. */
export function GroupsPage() {
  const may = useMay('groups:write')
  const mayRead = useMay('groups:read')
  const [text, setText] = useState('')
  /** `''`: a new one. */
  const [opened, setOpened] = useState<string>()
  const asked = useInfiniteQuery({
    queryKey: ['groups', 'pages', mayRead],
    queryFn: ({ pageParam }) =>
      administer.groups({ limit: PAGE, ...(pageParam === '' ? {} : { after: pageParam }) }),
    initialPageParam: '',
    getNextPageParam: ({ next }) => next,
    retry: false,
  })
  const groups = (asked.data?.pages ?? []).flatMap((page) => page.groups)
  const word = text.trim().toLowerCase()
  const shown = groups.filter((group) =>
    `${group.id} ${group.name} ${group.query ?? ''}`.toLowerCase().includes(word),
  )
  return (
    <>
      <header className="page-head">
        <h1>Groups</h1>
        <input
          type="search"
          className="input page-search"
          aria-label="Search groups"
          placeholder="name or search"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <div className="row">
          <button
            type="button"
            className="button primary"
            disabled={may === 'no'}
            onClick={() => setOpened('')}
          >
            <PlusIcon /> New group
          </button>
        </div>
      </header>
      <Card title="Groups" note={shown.length === 0 ? undefined : String(shown.length)} flush>
        {asked.isPending ? (
          <div className="card-body">
            <Skeleton lines={4} />
          </div>
        ) : isRefused(asked.error) ? (
          <Refused may={mayRead} what="Groups are not for everybody to see" />
        ) : asked.isError ? (
          <div className="card-body">
            <FaultBanner error={asked.error} onAgain={() => void asked.refetch()} />
          </div>
        ) : shown.length === 0 ? (
          <Empty
            title={groups.length === 0 ? 'No group yet' : 'No group like that'}
            icon={<GroupIcon />}
          >
            <p>
              A group is whoever a search finds, or whoever is put in. API keys can be limited to
              groups.
            </p>
          </Empty>
        ) : (
          <ol className="lines" aria-label="Groups">
            {shown.map((group) => (
              <GroupLine key={group.id} group={group} onOpen={() => setOpened(group.id)} />
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
              More
            </button>
          </div>
        )}
      </Card>
      {opened !== undefined && (
        <GroupDialog groupId={opened} onClose={() => setOpened(undefined)} />
      )}
    </>
  )
}

function GroupLine({
  group: { id, name, query, description },
  onOpen,
}: {
  readonly group: DeviceGroup
  readonly onOpen: () => void
}) {
  const asked = useQuery({
    queryKey: ['groups', 'count', id],
    queryFn: () => administer.groupDevices(id, 1),
    refetchInterval: AGAIN_MS,
    retry: false,
  })
  const total = asked.data?.total
  return (
    <li className="line">
      <div className="line-head">
        <button type="button" className="link group-name" onClick={onOpen}>
          {name}
        </button>
        <span className="quiet mono">{id}</span>
        <span className="tag">{query === undefined ? 'put in' : 'by search'}</span>
        <span className="line-age">
          {total !== undefined && `${formatCount(total)} ${total === 1 ? 'device' : 'devices'}`}
        </span>
      </div>
      {description !== undefined && <p className="line-text">{description}</p>}
      {query !== undefined && (
        <p className="line-text">
          <Link className="mono" href={`/search/${encodeURIComponent(query)}`}>
            {query}
          </Link>
        </p>
      )}
    </li>
  )
}
