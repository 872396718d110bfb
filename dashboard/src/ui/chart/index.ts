import { lazy } from 'react'

/** Charts are a chunk of their own: whoever looks at none does not load them. */
export const Chart = lazy(() => import('./chart.tsx').then(({ Chart }) => ({ default: Chart })))
