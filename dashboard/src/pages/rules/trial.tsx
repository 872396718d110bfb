import { useState } from 'react'
import type { RuleTrial, TrialResult } from '../../api.ts'
import { formatClock } from '../../format.ts'
import { CodeBlock } from '../../ui/code-block.tsx'
import { Card, Empty, Skeleton } from '../../ui/parts.tsx'
import { ExplainTree } from './explain-tree.tsx'
import { formatJson } from './format-json.ts'

interface TrialProps {
  readonly trial: RuleTrial | undefined
  readonly deviceId: string
  readonly devices: readonly string[]
  readonly onDevice: (deviceId: string) => void
}

/** What the rule makes of the last messages of a device, and how it comes to that. */
export function Trial({ trial, deviceId, devices, onDevice }: TrialProps) {
  const [chosen, setChosen] = useState(0)
  const results = (trial?.results ?? []).toReversed()
  const shown = results[Math.min(chosen, results.length - 1)]
  const taken = results.filter((result) => verdictOf(result) === 'output').length
  return (
    <Card
      title="On the last messages of"
      flush
      actions={
        <select
          className="input"
          aria-label="Device"
          value={deviceId}
          onChange={(event) => {
            setChosen(0)
            onDevice(event.target.value)
          }}
        >
          {!devices.includes(deviceId) && (
            <option value={deviceId}>{deviceId || 'no device'}</option>
          )}
          {devices.map((id) => (
            <option key={id} value={id}>
              {id}
            </option>
          ))}
        </select>
      }
    >
      {deviceId === '' ? (
        <Empty title="No device to try it on">
          <p>As soon as one is heard of, its last messages are tried here while you write.</p>
        </Empty>
      ) : trial === undefined ? (
        <div className="card-body">
          <Skeleton lines={4} />
        </div>
      ) : trial.error !== undefined ? (
        <p className="trial-fault" role="status">
          {trial.error.line !== undefined && (
            <b>
              line {trial.error.line}, column {trial.error.column}:{' '}
            </b>
          )}
          {trial.error.message}
        </p>
      ) : results.length === 0 ? (
        <Empty title="No message is stored">
          <p>Send one, or choose another device.</p>
        </Empty>
      ) : (
        <>
          <p className="trial-sum" role="status">
            <b>{taken}</b> of {results.length} {results.length === 1 ? 'message' : 'messages'} taken
            {trial.source === 'rows' && ' (made again of the stored rows)'}
            {trial.warnings.map((warning) => (
              <span key={warning} className="badge warning">
                {warning}
              </span>
            ))}
          </p>
          <div className="trial">
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard has to be able to */}
            <ol className="trial-list" tabIndex={0} aria-label="Messages">
              {results.map((result, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a trial is a whole, its results never change places
                <li key={index}>
                  <button
                    type="button"
                    className="trial-row"
                    aria-pressed={result === shown}
                    onClick={() => setChosen(index)}
                  >
                    <Verdict result={result} />
                    <span className="trial-at">
                      {result.at === undefined ? '' : formatClock(result.at)}
                    </span>
                    <code>{formatJson(result.payload ?? null)}</code>
                  </button>
                </li>
              ))}
            </ol>
            {shown !== undefined && <Shown result={shown} />}
          </div>
          {trial.windows !== undefined && trial.windows.length > 0 && (
            <div className="card-body">
              <h3>Windows</h3>
              {trial.windows.map((window) => (
                <p key={`${window.start} ${JSON.stringify(window.group)}`} className="explain-leaf">
                  <span className="quiet">
                    {formatClock(window.start)} to {formatClock(window.end)}
                  </span>
                  <code>{window.matched ? formatJson(window.output ?? null) : 'nothing'}</code>
                </p>
              ))}
            </div>
          )}
        </>
      )}
    </Card>
  )
}

function Shown({ result }: { readonly result: TrialResult }) {
  return (
    <div className="trial-shown">
      {result.output !== undefined && (
        <CodeBlock
          label="What comes out"
          className="trial-output"
          text={JSON.stringify(result.output, null, 2)}
        />
      )}
      {result.error !== undefined && <p className="trial-fault">{result.error.message}</p>}
      {result.explain !== undefined && <ExplainTree explanation={result.explain} />}
    </div>
  )
}

const VERDICTS = {
  output: { label: 'taken', look: 'good' },
  where: { label: 'WHERE', look: '' },
  topic: { label: 'topic', look: '' },
  error: { label: 'fails', look: 'critical' },
} as const

function verdictOf({ error, noMatch }: TrialResult): keyof typeof VERDICTS {
  return error === undefined ? (noMatch ?? 'output') : 'error'
}

function Verdict({ result }: { readonly result: TrialResult }) {
  const { label, look } = VERDICTS[verdictOf(result)]
  return <span className={`badge ${look}`}>{label}</span>
}
