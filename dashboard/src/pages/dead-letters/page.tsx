import './dead-letters.css'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api, type DeadLetter } from '../../api.ts'
import { useStats } from '../../live/live.ts'
import { useMay } from '../../session/session.ts'
import { useAct } from '../../ui/act.ts'
import { LetterLine } from '../../ui/letter-line.tsx'
import { Card, Empty, FaultBanner, Skeleton } from '../../ui/parts.tsx'

const PAGE = 50

/** Every message that could not be processed, kept with its bytes until somebody decides. */
export function DeadLettersPage() {
  const { counters } = useStats()
  const [text, setText] = useState('')
  const [code, setCode] = useState('')
  const asked = useInfiniteQuery({
    queryKey: ['dead-letters', 'all', counters['dead_letters.kept'] ?? 0],
    queryFn: ({ pageParam }) => api.deadLetters({ limit: PAGE, before: pageParam }),
    initialPageParam: '',
    getNextPageParam: (page) => page.next,
    placeholderData: (before) => before,
  })
  const pages = asked.data?.pages ?? []
  const letters = pages.flatMap(({ deadLetters }) => deadLetters)
  const codes = [...new Set(letters.map((letter) => letter.code))].toSorted()
  const shown = letters.filter(
    (letter) => (code === '' || letter.code === code) && matches(letter, text),
  )
  const total = pages.at(-1)?.total ?? 0
  return (
    <>
      <header className="page-head">
        <h1>Dead letters</h1>
        <input
          type="search"
          className="input letter-search"
          aria-label="Search dead letters"
          placeholder="device, topic or reason"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <select
          className="input"
          aria-label="Why"
          value={code}
          onChange={(event) => setCode(event.target.value)}
        >
          <option value="">every reason</option>
          {codes.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      </header>
      {asked.isError && <FaultBanner error={asked.error} onAgain={() => void asked.refetch()} />}
      <Card
        title="Kept"
        note={total === 0 ? undefined : `${shown.length} of ${total}`}
        flush
        actions={<RedriveAll letters={shown} />}
      >
        {asked.isPending ? (
          <div className="card-body">
            <Skeleton lines={6} />
          </div>
        ) : shown.length === 0 ? (
          <Empty title={total === 0 ? 'None' : 'None like that'}>
            <p>
              {total === 0
                ? 'Every message could be read. What cannot be is kept here with its bytes and the reason.'
                : 'Nothing that was loaded fits what is chosen above.'}
            </p>
          </Empty>
        ) : (
          <ol className="lines" aria-label="Dead letters">
            {shown.map((letter) => (
              <LetterLine key={letter.id} letter={letter} />
            ))}
          </ol>
        )}
        {asked.hasNextPage && (
          <div className="card-body letters-more">
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

/** Tries all that are shown once more, the oldest first; what still cannot be taken in stays. */
function RedriveAll({ letters }: { readonly letters: readonly DeadLetter[] }) {
  const may = useMay('dead-letters:write')
  const [at, setAt] = useState(0)
  const acting = useAct({
    run: async () => {
      let taken = 0
      for (const [index, { id }] of letters.toReversed().entries()) {
        setAt(index + 1)
        const answer = await api.redrive(id).catch(() => undefined)
        if (answer !== undefined) taken++
      }
      return taken
    },
    done: (taken) => `${taken} of ${letters.length} taken in; the others stay`,
    failed: 'They stay as they were',
    refresh: [['dead-letters']],
  })
  if (letters.length < 2) return null
  return (
    <button
      type="button"
      className="button small"
      disabled={may === 'no' || acting.isPending}
      onClick={() => acting.mutate(undefined)}
    >
      {acting.isPending ? `${at} of ${letters.length} …` : `Send all ${letters.length} again`}
    </button>
  )
}

function matches({ deviceId = '', topic, reason }: DeadLetter, wanted: string): boolean {
  return `${deviceId} ${topic} ${reason}`.toLowerCase().includes(wanted.trim().toLowerCase())
}
