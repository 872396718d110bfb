import '../../ui/form.css'
import './tasks.css'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { administer } from '../../api-administer.ts'
import { useMay } from '../../session/session.ts'
import { isRefused, Refused } from '../../ui/form.tsx'
import { TaskIcon } from '../../ui/icons.tsx'
import { Card, Empty, FaultBanner, Skeleton } from '../../ui/parts.tsx'
import { ExportDialog } from './export-dialog.tsx'
import { ImportDialog } from './import-dialog.tsx'
import { ReplayDialog } from './replay-dialog.tsx'
import { TaskLine } from './task-line.tsx'

const PAGE = 50

/** How often is asked how far it is, while something runs and while nothing does. Unit: ms. */
const RUNNING_MS = 400
const RESTING_MS = 5_000

type Begun = 'import' | 'export' | 'replay'

/** Work that takes longer than a request: started here, followed here. */
export function TasksPage() {
  const may = useMay('tasks:read')
  const mayImport = useMay('devices:write')
  const mayStart = useMay('tasks:write')
  const [begun, setBegun] = useState<Begun>()
  const asked = useInfiniteQuery({
    queryKey: ['tasks', may],
    queryFn: ({ pageParam }) =>
      administer.tasks({ limit: PAGE, ...(pageParam === '' ? {} : { after: pageParam }) }),
    initialPageParam: '',
    getNextPageParam: ({ next }) => next,
    refetchInterval: ({ state }) =>
      state.data?.pages.some(({ tasks }) => tasks.some(isRunning)) === true
        ? RUNNING_MS
        : RESTING_MS,
    retry: false,
  })
  const tasks = (asked.data?.pages ?? []).flatMap((page) => page.tasks)
  const close = (): void => setBegun(undefined)
  return (
    <>
      <header className="page-head">
        <h1>Long work</h1>
        <div className="row">
          <button
            type="button"
            className="button primary"
            disabled={mayImport === 'no'}
            onClick={() => setBegun('import')}
          >
            Import devices
          </button>
          <button
            type="button"
            className="button"
            disabled={mayStart === 'no'}
            onClick={() => setBegun('export')}
          >
            Export telemetry
          </button>
          <button
            type="button"
            className="button"
            disabled={mayStart === 'no'}
            onClick={() => setBegun('replay')}
          >
            Replay messages
          </button>
        </div>
      </header>
      {asked.isError && !isRefused(asked.error) && (
        <FaultBanner error={asked.error} onAgain={() => void asked.refetch()} />
      )}
      <Card title="Tasks" note={tasks.length === 0 ? undefined : String(tasks.length)} flush>
        {asked.isPending ? (
          <div className="card-body">
            <Skeleton lines={4} />
          </div>
        ) : isRefused(asked.error) ? (
          <Refused may={may} what="Long work is not for everybody to see" />
        ) : tasks.length === 0 ? (
          <Empty title="Nothing runs, and nothing ran this week" icon={<TaskIcon />}>
            <p>
              Register a fleet from a table, take telemetry out as CSV, JSON lines or Parquet, or
              play recorded messages again. It goes on when this page is closed.
            </p>
          </Empty>
        ) : (
          <ol className="lines" aria-label="Tasks">
            {tasks.map((task) => (
              <TaskLine key={task.id} task={task} />
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
              Older ones
            </button>
          </div>
        )}
      </Card>
      {begun === 'import' && <ImportDialog onClose={close} />}
      {begun === 'export' && <ExportDialog onClose={close} />}
      {begun === 'replay' && <ReplayDialog onClose={close} />}
    </>
  )
}

function isRunning({ state }: { readonly state: string }): boolean {
  return state === 'waiting' || state === 'running'
}
