import { useQuery } from '@tanstack/react-query'
import { api } from '../../api.ts'
import { useStats } from '../../live/live.ts'
import { LetterLine } from '../../ui/letter-line.tsx'
import { Card, Empty, FaultBanner, Skeleton } from '../../ui/parts.tsx'

/** Of so many of the newest dead letters of all devices those of this one are shown. */
const LOOKED_AT = 500

/** Messages of this device that could not be processed. */
export function LettersTab({ deviceId }: { readonly deviceId: string }) {
  const { counters } = useStats()
  const asked = useQuery({
    queryKey: ['dead-letters', 'of', deviceId, counters['dead_letters.kept'] ?? 0],
    queryFn: () => api.deadLetters({ limit: LOOKED_AT }),
    placeholderData: (before) => before,
  })
  const letters = asked.data?.deadLetters.filter((letter) => letter.deviceId === deviceId) ?? []
  return (
    <Card title="Dead letters" flush note={letters.length === 0 ? undefined : letters.length}>
      {asked.isError ? (
        <FaultBanner error={asked.error} />
      ) : asked.isPending ? (
        <div className="card-body">
          <Skeleton />
        </div>
      ) : letters.length === 0 ? (
        <Empty title="None">
          <p>Every message of this device could be read.</p>
        </Empty>
      ) : (
        <ol className="lines">
          {letters.map((letter) => (
            <LetterLine key={letter.id} letter={letter} />
          ))}
        </ol>
      )}
    </Card>
  )
}
