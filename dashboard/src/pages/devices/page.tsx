import './devices.css'
import { useState } from 'react'
import { formatCount } from '../../format.ts'
import { useHeardAll } from '../../live/live.ts'
import { useSearch, useSettled } from '../../search.ts'
import { SearchIcon } from '../../ui/icons.tsx'
import { Empty, FaultBanner, Skeleton } from '../../ui/parts.tsx'
import { FirstSteps } from '../first-steps.tsx'
import { DeviceTable } from './device-table.tsx'
import { SEARCH_HINTS } from './search-hints.ts'
import { SORTS, type Sort, useFoundDevices } from './use-found-devices.ts'

/** All devices, or those that a search finds. */
export function DevicesPage() {
  const { query, searchFor } = useSearch()
  const [sort, setSort] = useState<Sort>('alarms')
  const heardAll = useHeardAll()
  const { ids, total, isPending, error, hasMore, loadMore } = useFoundDevices(
    useSettled(query),
    sort,
  )
  const nothing = heardAll && !isPending && query === '' && ids.length === 0
  return (
    <>
      <header className="page-head">
        <h1>Devices</h1>
        <span className="quiet" id="count">
          {query === ''
            ? formatCount(total)
            : `${formatCount(ids.length)} of ${formatCount(total)}`}
        </span>
        <div className="row">
          <label className="row quiet">
            Sort
            <select
              id="sort"
              className="input"
              value={sort}
              onChange={(event) => {
                const chosen = SORTS.find(({ value }) => value === event.target.value)
                if (chosen !== undefined) setSort(chosen.value)
              }}
            >
              {SORTS.map(({ value, label }) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          </label>
        </div>
      </header>
      <ul className="hints" aria-label="Searches to start with">
        {SEARCH_HINTS.map(({ query: hint, label }) => (
          <li key={hint}>
            <button
              type="button"
              className="hint"
              aria-pressed={query === hint}
              onClick={() => searchFor(query === hint ? '' : hint)}
            >
              {label}
            </button>
          </li>
        ))}
      </ul>
      {error !== undefined && <FaultBanner error={error} />}
      {nothing ? (
        <FirstSteps />
      ) : isPending && ids.length === 0 ? (
        <section className="card">
          <div className="card-body">
            <Skeleton lines={10} />
          </div>
        </section>
      ) : ids.length === 0 && error === undefined ? (
        <section className="card" id="no-match">
          <Empty title="No device matches" icon={<SearchIcon />}>
            <p>
              Words are looked for in the id. Fields narrow it down: <code>type:fridge</code>{' '}
              <code>tags.site:west</code> <code>state:offline</code> <code>last.temp&gt;5</code>{' '}
              <code>alarm:critical</code>.
            </p>
            <button type="button" className="button" onClick={() => searchFor('')}>
              Clear the search
            </button>
          </Empty>
        </section>
      ) : (
        <DeviceTable ids={ids} onEnd={hasMore ? loadMore : undefined} />
      )}
    </>
  )
}
