import '../../ui/form.css'
import './people.css'
import { useInfiniteQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { administer, type Person, type Subscription } from '../../api-administer.ts'
import { useMay } from '../../session/session.ts'
import { isRefused, Refused } from '../../ui/form.tsx'
import { PeopleIcon, PlusIcon } from '../../ui/icons.tsx'
import { Card, Empty, FaultBanner, Skeleton } from '../../ui/parts.tsx'
import { Segments } from '../../ui/segments.tsx'
import { PersonDialog } from './person-dialog.tsx'
import { SubscriptionDialog } from './subscription-dialog.tsx'
import { filterOf, toWords } from './subscription-words.ts'

const PAGE = 100

const SHELVES = [
  { value: 'people', label: 'People' },
  { value: 'subscriptions', label: 'Subscriptions' },
] as const

type Shelf = (typeof SHELVES)[number]['value']

/** What is open: something that is there, or something new. */
type Opened =
  | { readonly shelf: 'people'; readonly person: Person | undefined }
  | { readonly shelf: 'subscriptions'; readonly subscription: Subscription | undefined }

/** Who can be told, and who wants to be told of what. */
export function PeoplePage() {
  const may = useMay('people:write')
  const [shelf, setShelf] = useState<Shelf>('people')
  const [text, setText] = useState('')
  const [opened, setOpened] = useState<Opened>()
  const close = (): void => setOpened(undefined)
  return (
    <>
      <header className="page-head">
        <h1>People</h1>
        <Segments label="What is shown" options={SHELVES} value={shelf} onChange={setShelf} />
        <input
          type="search"
          className="input page-search"
          aria-label={`Search ${shelf}`}
          placeholder={shelf === 'people' ? 'name, group or address' : 'id, devices or recipients'}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <div className="row">
          <button
            type="button"
            className="button primary"
            disabled={may === 'no'}
            onClick={() =>
              setOpened(
                shelf === 'people'
                  ? { shelf, person: undefined }
                  : { shelf, subscription: undefined },
              )
            }
          >
            <PlusIcon /> {shelf === 'people' ? 'New person' : 'New subscription'}
          </button>
        </div>
      </header>
      {shelf === 'people' ? (
        <People text={text} onOpen={(person) => setOpened({ shelf: 'people', person })} />
      ) : (
        <Subscriptions
          text={text}
          onOpen={(subscription) => setOpened({ shelf: 'subscriptions', subscription })}
        />
      )}
      {opened?.shelf === 'people' && <PersonDialog person={opened.person} onClose={close} />}
      {opened?.shelf === 'subscriptions' && (
        <SubscriptionDialog subscription={opened.subscription} onClose={close} />
      )}
    </>
  )
}

interface ListProps<T> {
  readonly text: string
  readonly onOpen: (one: T) => void
}

function People({ text, onOpen }: ListProps<Person>) {
  const may = useMay('people:read')
  const asked = useInfiniteQuery({
    queryKey: ['people', 'pages', may],
    queryFn: ({ pageParam }) =>
      administer.people({ limit: PAGE, ...(pageParam === '' ? {} : { after: pageParam }) }),
    initialPageParam: '',
    getNextPageParam: ({ next }) => next,
    retry: false,
  })
  const people = (asked.data?.pages ?? []).flatMap((page) => page.people)
  const shown = people.filter((person) => matches(person, text))
  return (
    <Shelf
      title="People"
      asked={asked}
      count={shown.length}
      empty={
        people.length === 0 ? (
          <Empty title="Nobody yet" icon={<PeopleIcon />}>
            <p>
              Add people and where they are reached. Those whom anyhub.yml declares can be told,
              too; they are not listed here.
            </p>
          </Empty>
        ) : (
          <Empty title="Nobody like that" />
        )
      }
    >
      {shown.map((person) => (
        <li key={person.id} className="line person">
          <div className="line-head">
            <button type="button" className="link person-name" onClick={() => onOpen(person)}>
              {person.name === undefined || person.name === '' ? person.id : person.name}
            </button>
            <span className="quiet mono">{person.id}</span>
            {(person.groups ?? []).map((group) => (
              <span key={group} className="tag">
                {group}
              </span>
            ))}
            <span className="line-age">
              {[person.language, person.timeZone].filter(Boolean).join(', ')}
            </span>
          </div>
          <p className="line-text">
            {(person.addresses ?? []).length === 0
              ? 'reached nowhere'
              : (person.addresses ?? [])
                  .map((one) => (typeof one === 'string' ? one : `${one.channel} ${one.to ?? ''}`))
                  .join(' · ')}
          </p>
        </li>
      ))}
    </Shelf>
  )
}

function Subscriptions({ text, onOpen }: ListProps<Subscription>) {
  const may = useMay('people:read')
  const asked = useInfiniteQuery({
    queryKey: ['subscriptions', 'pages', may],
    queryFn: ({ pageParam }) =>
      administer.subscriptions({ limit: PAGE, ...(pageParam === '' ? {} : { after: pageParam }) }),
    initialPageParam: '',
    getNextPageParam: ({ next }) => next,
    retry: false,
  })
  const all = (asked.data?.pages ?? []).flatMap((page) => page.subscriptions)
  const shown = all.filter((one) => matches(one, text))
  return (
    <Shelf
      title="Subscriptions"
      asked={asked}
      count={shown.length}
      empty={
        all.length === 0 ? (
          <Empty title="No subscription yet" icon={<PeopleIcon />}>
            <p>
              A subscription says who is told of what, and when: by device, tag, alarm and severity,
              with quiet hours, digests and escalation. <code>storedSubscriptions: true</code> in
              anyhub.yml lets them be made here.
            </p>
          </Empty>
        ) : (
          <Empty title="No subscription like that" />
        )
      }
    >
      {shown.map((one) => (
        <li key={one.id} className="line person">
          <div className="line-head">
            <button type="button" className="link person-name" onClick={() => onOpen(one)}>
              {one.id}
            </button>
            {filterOf(one).map((word) => (
              <span key={word} className="tag">
                {word}
              </span>
            ))}
          </div>
          <p className="line-text">{toWords(one)}</p>
        </li>
      ))}
    </Shelf>
  )
}

interface ShelfProps {
  readonly title: string
  readonly asked: {
    readonly isPending: boolean
    readonly isError: boolean
    readonly error: Error | null
    readonly hasNextPage: boolean
    readonly isFetchingNextPage: boolean
    readonly refetch: () => unknown
    readonly fetchNextPage: () => unknown
  }
  readonly count: number
  readonly empty: ReactNode
  readonly children: ReactNode
}

function Shelf({ title, asked, count, empty, children }: ShelfProps) {
  const may = useMay('people:read')
  return (
    <Card title={title} note={count === 0 ? undefined : String(count)} flush>
      {asked.isPending ? (
        <div className="card-body">
          <Skeleton lines={5} />
        </div>
      ) : isRefused(asked.error) ? (
        <Refused may={may} what="Only an admin sees people and their addresses" />
      ) : asked.isError ? (
        <div className="card-body">
          <FaultBanner error={asked.error} onAgain={() => void asked.refetch()} />
        </div>
      ) : count === 0 ? (
        empty
      ) : (
        <ol className="lines" aria-label={title}>
          {children}
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
  )
}

function matches(one: object, wanted: string): boolean {
  return JSON.stringify(one).toLowerCase().includes(wanted.trim().toLowerCase())
}
