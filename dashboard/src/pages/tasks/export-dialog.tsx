import { useState } from 'react'
import { administer } from '../../api-administer.ts'
import { useAct } from '../../ui/act.ts'
import { Field, FormFault, faultAt, Tokens } from '../../ui/form.tsx'
import { Modal } from '../../ui/modal.tsx'
import { Segments } from '../../ui/segments.tsx'
import { useFound } from '../../ui/use-found.ts'

const FORMATS = [
  { value: 'csv', label: 'CSV' },
  { value: 'jsonl', label: 'JSON lines' },
  { value: 'parquet', label: 'Parquet' },
] as const

const HOUR_MS = 3_600_000

const SPANS = [
  { value: '1', label: 'Hour' },
  { value: '24', label: 'Day' },
  { value: '168', label: 'Week' },
  { value: 'own', label: 'From … to' },
] as const

/** Writes rows of some devices into a file. */
export function ExportDialog({ onClose }: { readonly onClose: () => void }) {
  const [query, setQuery] = useState('')
  const [metrics, setMetrics] = useState<readonly string[]>([])
  const [format, setFormat] = useState<(typeof FORMATS)[number]['value']>('csv')
  const [span, setSpan] = useState<(typeof SPANS)[number]['value']>('24')
  const [from, setFrom] = useState(() => localTime(Date.now() - 24 * HOUR_MS))
  const [to, setTo] = useState(() => localTime(Date.now()))
  const found = useFound(query)
  const acting = useAct({
    run: () => {
      const now = Date.now()
      const range =
        span === 'own'
          ? { from: Date.parse(from), to: Date.parse(to) }
          : { from: now - Number(span) * HOUR_MS, to: now }
      return administer.startExport({
        query: query.trim(),
        format,
        ...range,
        ...(metrics.length === 0 ? {} : { metrics: [...metrics] }),
      })
    },
    failed: 'Nothing is exported',
    refresh: [['tasks']],
    onDone: onClose,
  })
  return (
    <Modal
      open
      wide
      onClose={onClose}
      title="Export telemetry"
      text="The file is there for a day, and holds at most 64 MB."
    >
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          acting.mutate(undefined)
        }}
      >
        <Field
          label="Devices"
          hint={found.hint}
          fault={faultAt(acting.error, '/query') || found.fault}
        >
          {(props) => (
            <input
              {...props}
              type="search"
              className="input mono"
              placeholder="all, or a search: type:fridge tags.site:west"
              value={query}
              onChange={({ target }) => setQuery(target.value)}
            />
          )}
        </Field>
        <div className="row">
          <Segments label="Of the last" options={SPANS} value={span} onChange={setSpan} />
          <Segments label="Format" options={FORMATS} value={format} onChange={setFormat} />
        </div>
        {span === 'own' && (
          <div className="form-grid">
            <Field label="From" fault={faultAt(acting.error, '/from')}>
              {(props) => (
                <input
                  {...props}
                  type="datetime-local"
                  className="input"
                  required
                  value={from}
                  onChange={({ target }) => setFrom(target.value)}
                />
              )}
            </Field>
            <Field label="To" fault={faultAt(acting.error, '/to')}>
              {(props) => (
                <input
                  {...props}
                  type="datetime-local"
                  className="input"
                  required
                  value={to}
                  onChange={({ target }) => setTo(target.value)}
                />
              )}
            </Field>
          </div>
        )}
        <Tokens
          label="Metrics"
          placeholder="all of them"
          values={metrics}
          onChange={setMetrics}
          fault={faultAt(acting.error, '/metrics')}
        />
        <FormFault error={acting.error} fields={['/query', '/from', '/to', '/metrics']} />
        <div className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            Close
          </button>
          <button type="submit" className="button primary" disabled={acting.isPending}>
            Export
          </button>
        </div>
      </form>
    </Modal>
  )
}

/** As inputs of the browser have it, in its time zone: `2026-11-21T04:05`. Epoch ms. */
function localTime(at: number): string {
  const shifted = new Date(at - new Date(at).getTimezoneOffset() * 60_000)
  return shifted.toISOString().slice(0, 16)
}
