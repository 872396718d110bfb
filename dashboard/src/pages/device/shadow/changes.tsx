import { useQuery } from '@tanstack/react-query'
import { api, type ShadowChange } from '../../../api.ts'
import { Age, Card, Empty } from '../../../ui/parts.tsx'

interface ChangesProps {
  readonly deviceId: string
  readonly name: string
  readonly version: number
}

/** What changed in the shadow lately, and who wanted it. */
export function Changes({ deviceId, name, version }: ChangesProps) {
  const asked = useQuery({
    queryKey: ['shadow-history', deviceId, name, version],
    queryFn: async () => (await api.shadowHistory(deviceId, name)) ?? null,
    placeholderData: (before) => before,
  })
  const entries = asked.data?.entries ?? []
  if (asked.data === null || asked.isError) return null
  return (
    <Card title="Changes" flush>
      {entries.length === 0 ? (
        <Empty title="None yet">
          <p>
            What people, rules and the device itself change is listed here; measured values are not.
          </p>
        </Empty>
      ) : (
        <ol className="lines">
          {entries.map((entry) => (
            <li key={`${entry.version} ${entry.at}`} className="line">
              <div className="line-head">
                <b>{entry.by ?? (entry.reported === undefined ? 'somebody' : 'the device')}</b>
                <span className="quiet">version {entry.version}</span>
                <span className="line-age">
                  <Age at={entry.at} />
                </span>
              </div>
              <code className="line-text">{wordsOf(entry)}</code>
            </li>
          ))}
        </ol>
      )}
    </Card>
  )
}

function wordsOf({ desired, reported, deleted }: ShadowChange): string {
  if (deleted === true) return 'deleted'
  const parts = [
    { section: 'desired', change: desired },
    { section: 'reported', change: reported },
  ]
  return parts
    .flatMap(({ section, change }) =>
      change === undefined
        ? []
        : [`${section} ${JSON.stringify(change.patch ?? change.names ?? {})}`],
    )
    .join(' · ')
}
