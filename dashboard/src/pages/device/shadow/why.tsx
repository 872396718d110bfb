import type { DeltaLeaf } from '../../../api.ts'
import { Age } from '../../../ui/parts.tsx'
import { type Leaf, writeValue } from './leaves.ts'

/** Why desired and reported are not the same: who wants it since when, and what the device said. */
export function Why({
  standing,
  leaf,
}: {
  readonly standing: Leaf['standing']
  readonly leaf: DeltaLeaf | undefined
}) {
  if (standing === 'same') return <span className="badge good">reached</span>
  if (standing === 'only-reported') return <span className="quiet">not asked for</span>
  if (leaf === undefined) return <span className="badge warning">not yet</span>
  const { wantedBy, wantedSince, reported, reportedAt, expiresAt } = leaf
  return (
    <div className="why">
      <span className="badge warning">not yet</span>
      <p>
        wanted{wantedBy === undefined ? '' : ` by ${wantedBy}`}
        {wantedSince !== undefined && (
          <>
            , <Age at={wantedSince * 1_000} />
          </>
        )}
        {expiresAt !== undefined &&
          `, until ${new Date(expiresAt * 1_000).toLocaleString('en-GB')}`}
      </p>
      <p>
        {reported === undefined ? (
          'the device has never reported it'
        ) : (
          <>
            the device said {writeValue(reported)}
            {reportedAt !== undefined && (
              <>
                {' '}
                <Age at={reportedAt * 1_000} />
              </>
            )}
          </>
        )}
      </p>
    </div>
  )
}
