import { useQuery } from '@tanstack/react-query'
import { api } from '../../api.ts'
import { useStats } from '../../live/live.ts'
import { LetterLine } from '../../ui/letter-line.tsx'
import { Card, Empty, FaultBanner, Skeleton } from '../../ui/parts.tsx'

const MOST = 12

/** The latest messages that could not be processed; asked for anew when the counters say that there are others. */
export function NewestLetters() {
  const { counters } = useStats()
  const kept = counters['dead_letters.kept'] ?? 0
  const asked = useQuery({
    queryKey: ['dead-letters', 'newest', kept, counters['uplink.rejected'] ?? 0],
    queryFn: () => api.deadLetters({ limit: MOST }),
    placeholderData: (before) => before,
  })
  const letters = asked.data?.deadLetters ?? []
  return (
    <Card title="Dead letters" flush note={kept === 0 ? undefined : String(kept)}>
      {asked.isError ? (
        <FaultBanner error={asked.error} onAgain={() => void asked.refetch()} />
      ) : asked.isPending ? (
        <div className="card-body">
          <Skeleton />
        </div>
      ) : letters.length === 0 ? (
        <Empty title="None">
          <p>Every message could be read.</p>
        </Empty>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard has to be able to
        <ol className="lines scroll" tabIndex={0} aria-label="Dead letters" id="letter-list">
          {letters.map((letter) => (
            <LetterLine key={letter.id} letter={letter} />
          ))}
        </ol>
      )}
    </Card>
  )
}
