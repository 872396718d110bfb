import { memo } from 'react'
import { HEIGHT, pathOf, WIDTH } from './spark-path.ts'

interface SparklineProps {
  /** Time and value in turn, in the order of time. */
  readonly points: readonly number[]
  /** Tells that `points`, which is one and the same array, has grown. */
  readonly version: unknown
  /** The value that the bottom stands for; the smallest one unless given. */
  readonly floor?: number
}

/** Values over time as a line. For eyes only: whoever cannot see it has the values beside it. */
export const Sparkline = memo(function Sparkline({ points, floor }: SparklineProps) {
  const path = pathOf(points, floor)
  return (
    <svg
      className="spark"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {path !== '' && (
        <>
          <path className="area" d={`${path}L${WIDTH} ${HEIGHT}L0 ${HEIGHT}Z`} />
          <path className="line" d={path} />
        </>
      )}
    </svg>
  )
})
