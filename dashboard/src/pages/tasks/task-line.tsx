import { administer, type Task } from '../../api-administer.ts'
import { formatCount, formatSpan, formatTime } from '../../format.ts'
import { useMay } from '../../session/session.ts'
import { useAct } from '../../ui/act.ts'
import { Age } from '../../ui/parts.tsx'
import { saveFile } from '../../ui/save-file.ts'

const KINDS: Readonly<Record<Task['kind'], string>> = {
  import: 'Import of devices',
  export: 'Export of telemetry',
  replay: 'Replay of messages',
}

const THINGS: Readonly<Record<Task['kind'], string>> = {
  import: 'rows',
  export: 'devices',
  replay: 'messages',
}

const COLOURS: Readonly<Record<Task['state'], string>> = {
  waiting: '',
  running: 'accent',
  done: 'good',
  failed: 'critical',
  cancelled: 'warning',
}

/** One task: how far it is, what went wrong in it, and its file. */
export function TaskLine({ task }: { readonly task: Task }) {
  const { kind, state, done, total, failed, counts, by, createdAt, reason } = task
  const runs = state === 'waiting' || state === 'running'
  return (
    <li className="line task" data-state={state}>
      <div className="line-head">
        <span className="letter-from">{KINDS[kind]}</span>
        <span className={`badge ${COLOURS[state]}`}>{state}</span>
        {failed > 0 && <span className="badge critical">{formatCount(failed)} failed</span>}
        <span className="line-age">
          {by.name ?? (by.id || by.kind)}, <Age at={createdAt} />
        </span>
      </div>
      <div className="task-progress">
        <progress max={Math.max(total, 1)} value={done} aria-label={`${KINDS[kind]}, done`} />
        <span className="task-count" aria-live={runs ? 'polite' : 'off'}>
          {formatCount(done)} of {formatCount(total)} {THINGS[kind]}
          {total > 0 && runs && ` · ${Math.floor((done / total) * 100)} %`}
        </span>
      </div>
      <div className="row">
        {Object.entries(counts).map(([what, count]) => (
          <span key={what} className="tag">
            {formatCount(count)} {wordsOf(what)}
          </span>
        ))}
        <Took task={task} />
        <span className="grow" />
        <Result task={task} />
        {runs && <Cancel task={task} />}
      </div>
      {reason !== undefined && <p className="field-fault">{reason}</p>}
      <Faults task={task} />
    </li>
  )
}

function Took({ task: { startedAt, endedAt } }: { readonly task: Task }) {
  if (startedAt === undefined || endedAt === undefined) return null
  return <span className="quiet small">took {formatSpan(endedAt - startedAt) || 'a moment'}</span>
}

function Cancel({ task: { id } }: { readonly task: Task }) {
  const may = useMay('tasks:write')
  const acting = useAct({
    run: () => administer.cancelTask(id),
    done: 'It ends; what it has done stays',
    failed: 'It goes on',
    refresh: [['tasks']],
  })
  return (
    <button
      type="button"
      className="button small danger"
      disabled={may === 'no' || acting.isPending}
      onClick={() => acting.mutate(undefined)}
    >
      Cancel
    </button>
  )
}

function Result({ task: { id, kind, state, result } }: { readonly task: Task }) {
  const mayDevices = useMay('devices:write')
  const mayTelemetry = useMay('telemetry:read')
  const acting = useAct({
    run: () => administer.taskResult(id),
    failed: 'The file could not be downloaded',
    refresh: [['tasks']],
    onDone: (file) => {
      if (result !== undefined) saveFile(file, result.name)
    },
  })
  if (result === undefined || state === 'waiting' || state === 'running') return null
  const may = kind === 'export' ? mayTelemetry : mayDevices
  return (
    <>
      <span className="quiet small">
        {result.secret ? 'with secrets: once, ' : ''}until {formatTime(result.until)}
      </span>
      <button
        type="button"
        className={`button small ${result.secret ? 'primary' : ''}`}
        disabled={may === 'no' || acting.isPending}
        onClick={() => acting.mutate(undefined)}
      >
        {result.secret ? 'Download credentials' : 'Download'}
      </button>
    </>
  )
}

function Faults({ task: { kind, faults, failed } }: { readonly task: Task }) {
  if (faults.length === 0) return null
  const more = failed - faults.length
  return (
    <details className="task-faults" open={faults.length <= 5}>
      <summary>
        {failed === 1 ? 'One' : formatCount(failed)} of the {THINGS[kind]} failed
      </summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard has to be able to */}
      <ol aria-label="Faults" tabIndex={0}>
        {faults.map(({ line, detail }) => (
          <li key={`${line} ${detail}`}>
            <span className="task-line-number">{kind === 'export' ? '' : `line ${line}`}</span>
            <span>{detail}</span>
          </li>
        ))}
        {more > 0 && <li className="quiet">and {formatCount(more)} more</li>}
      </ol>
    </details>
  )
}

/** `deadLetters` as `dead letters`. */
function wordsOf(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}
