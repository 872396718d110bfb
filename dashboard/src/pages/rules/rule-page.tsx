import './rules.css'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { Link, useLocation, useParams } from 'wouter'
import { api, type NewRule, type Rule } from '../../api.ts'
import { ApiFault, type FieldFault } from '../../http.ts'
import { live, useDevice, useOrderVersion } from '../../live/live.ts'
import { useMay } from '../../session/session.ts'
import { useAct } from '../../ui/act.ts'
import { BackIcon } from '../../ui/icons.tsx'
import { Card, FaultBanner, Skeleton } from '../../ui/parts.tsx'
import { SqlEditor } from './sql-editor.tsx'
import { Trial } from './trial.tsx'

/** So long after the last key the rule is tried. Unit: ms. */
const TRY_AFTER_MS = 250

/** So many devices are offered to try a rule on. */
const MOST_DEVICES = 500

const FRESH: Draft = {
  id: '',
  description: '',
  sql: "SELECT * FROM 'devices/+/telemetry'\nWHERE temp > 30",
  enabled: true,
  group: 'device',
  lateness: '0',
  actions: `[
  { "republish": { "topic": "fleet/hot/\${topic(2)}" } }
]`,
}

/** What a person writes, as it stands in the fields. */
interface Draft {
  readonly id: string
  readonly description: string
  readonly sql: string
  readonly enabled: boolean
  readonly group: 'device' | 'fleet'
  readonly lateness: string
  readonly actions: string
}

/** One rule: its SQL beside what it makes of real messages, and what it does. */
export function RulePage() {
  const { ruleId } = useParams<{ ruleId: string }>()
  const asked = useQuery({ queryKey: ['rules', ruleId], queryFn: () => api.rule(ruleId) })
  if (asked.isError) return <FaultBanner error={asked.error} onAgain={() => void asked.refetch()} />
  if (asked.isPending) return <Skeleton lines={10} />
  if (asked.data === undefined)
    return (
      <FaultBanner error={`There is no rule ${ruleId}: it may have been removed a moment ago.`} />
    )
  // Another version is another text to start from.
  return <Editor key={`${ruleId} ${asked.data.version}`} rule={asked.data} />
}

/** A rule that is not there yet. */
export function NewRulePage() {
  return <Editor rule={undefined} />
}

function Editor({ rule }: { readonly rule: Rule | undefined }) {
  const may = useMay('rules:write')
  const [, go] = useLocation()
  const [draft, setDraft] = useState<Draft>(rule === undefined ? FRESH : draftOf(rule))
  const [faults, setFaults] = useState<readonly FieldFault[]>(rule?.faults ?? [])
  const [deviceId, setDeviceId] = useDeviceChoice()
  const device = useDevice(deviceId)
  const sql = useLate(draft.sql)
  const tried = useQuery({
    queryKey: ['rules', 'trial', sql, draft.group, deviceId],
    queryFn: () => api.tryRule({ sql, group: draft.group, deviceId }),
    enabled: deviceId !== '',
    placeholderData: (before) => before,
    refetchInterval: 5_000,
  })
  const change = (part: Partial<Draft>): void => setDraft({ ...draft, ...part })
  const saving = useAct({
    run: () => api.putRule(draft.id, bodyOf(draft, rule), rule?.version),
    done: `${draft.id} runs as it stands here`,
    failed: 'The rule is as it was',
    refresh: [['rules']],
    onDone: () => {
      setFaults([])
      if (rule === undefined) go(`/rules/${encodeURIComponent(draft.id)}`)
    },
  })
  const reverting = useAct({
    run: () => api.revertRule(draft.id),
    done: rule?.declared ? `${draft.id} is as anyhub.yml says` : `${draft.id} is removed`,
    failed: 'The rule is as it was',
    refresh: [['rules']],
    onDone: () => {
      if (rule?.declared !== true) go('/rules')
    },
  })
  useEffect(() => {
    if (saving.error instanceof ApiFault) setFaults(saving.error.errors)
  }, [saving.error])
  const actionFault = parseActions(draft.actions)
  const busy = saving.isPending || reverting.isPending
  return (
    <>
      <header className="page-head">
        <Link className="button ghost icon" href="/rules" aria-label="All rules">
          <BackIcon />
        </Link>
        {rule === undefined ? (
          <input
            className="input rule-id"
            aria-label="Id of the rule"
            placeholder="id, such as too-hot"
            pattern="[a-zA-Z0-9_\-]{1,64}"
            value={draft.id}
            onChange={(event) => change({ id: event.target.value })}
          />
        ) : (
          <h1>{rule.id}</h1>
        )}
        {rule?.source === 'api' && (
          <span className="tag">
            {rule.declared ? 'changed here' : 'made here'}
            {rule.changedBy === undefined ? '' : ` by ${rule.changedBy}`}
          </span>
        )}
        <div className="row">
          <label className="row">
            <input
              type="checkbox"
              className="switch"
              checked={draft.enabled}
              onChange={(event) => change({ enabled: event.target.checked })}
            />
            runs
          </label>
          {rule?.source === 'api' && (
            <button
              type="button"
              className="button danger"
              disabled={busy || may === 'no'}
              onClick={() => reverting.mutate(undefined)}
            >
              {rule.declared ? 'Back to anyhub.yml' : 'Remove'}
            </button>
          )}
          <button
            type="button"
            className="button primary"
            disabled={busy || may === 'no' || draft.id === '' || actionFault !== undefined}
            onClick={() => saving.mutate(undefined)}
          >
            Save
          </button>
        </div>
      </header>
      {faults.length > 0 && <Faults faults={faults} />}
      <div className="rule-board">
        <div className="stack">
          <Card title="SQL" flush>
            <SqlEditor
              value={draft.sql}
              onChange={(next) => change({ sql: next })}
              fault={sql === draft.sql ? tried.data?.error : undefined}
              metrics={Object.keys(device?.last ?? {})}
              readOnly={may === 'no'}
            />
          </Card>
          <Card title="Actions" note="as in anyhub.yml, in JSON">
            <div className="stack">
              <textarea
                className="input"
                aria-label="Actions"
                rows={Math.min(16, draft.actions.split('\n').length + 1)}
                spellCheck={false}
                aria-invalid={actionFault !== undefined}
                value={draft.actions}
                onChange={(event) => change({ actions: event.target.value })}
              />
              {actionFault !== undefined && <p className="field-fault">{actionFault}</p>}
              <div className="row">
                <label className="field">
                  <span>State</span>
                  <select
                    className="input"
                    value={draft.group}
                    onChange={(event) =>
                      change({ group: event.target.value === 'fleet' ? 'fleet' : 'device' })
                    }
                  >
                    <option value="device">of each device</option>
                    <option value="fleet">of the whole fleet</option>
                  </select>
                </label>
                <label className="field">
                  <span>Late messages</span>
                  <input
                    className="input rule-lateness"
                    value={draft.lateness}
                    onChange={(event) => change({ lateness: event.target.value })}
                  />
                </label>
                <label className="field grow">
                  <span>Description</span>
                  <input
                    className="input"
                    maxLength={1_000}
                    value={draft.description}
                    onChange={(event) => change({ description: event.target.value })}
                  />
                </label>
              </div>
            </div>
          </Card>
        </div>
        <Trial
          trial={tried.data}
          deviceId={deviceId}
          devices={[...live.devices.keys()].toSorted().slice(0, MOST_DEVICES)}
          onDevice={setDeviceId}
        />
      </div>
      {tried.isError && <FaultBanner error={tried.error} />}
    </>
  )
}

function Faults({ faults }: { readonly faults: readonly FieldFault[] }) {
  return (
    <ul className="banner critical rule-faults" role="alert">
      {faults.map(({ pointer = '', detail, line, column }) => (
        <li key={`${pointer} ${detail}`}>
          <code>{pointer === '' ? 'rule' : pointer.slice(1)}</code>
          {line === undefined ? '' : ` line ${line}, column ${column}`}: {detail}
        </li>
      ))}
    </ul>
  )
}

/** The device that a rule is tried on: the first there is, unless another was chosen. */
function useDeviceChoice(): readonly [string, (deviceId: string) => void] {
  useOrderVersion()
  const [chosen, setChosen] = useState<string>()
  const [first = ''] = [...live.devices.keys()].toSorted()
  return [chosen ?? first, setChosen]
}

/** A text as it was when it last rested. */
function useLate(text: string): string {
  const [late, setLate] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setLate(text), TRY_AFTER_MS)
    return () => clearTimeout(timer)
  }, [text])
  return late
}

function draftOf(rule: Rule): Draft {
  const { id, description = '', sql, enabled, group, lateness, actions } = rule
  return {
    id,
    description,
    sql,
    enabled,
    group,
    lateness,
    actions: JSON.stringify(actions, null, 2),
  }
}

/** Why the actions cannot be read, or nothing. */
function parseActions(text: string): string | undefined {
  try {
    return Array.isArray(JSON.parse(text)) ? undefined : 'expected a list of actions: [ … ]'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function bodyOf(draft: Draft, rule: Rule | undefined): NewRule {
  const { description, sql, enabled, group, lateness, actions } = draft
  return {
    ...(description === '' ? {} : { description }),
    sql,
    ...(rule === undefined ? {} : { sqlVersion: rule.sqlVersion }),
    enabled,
    group,
    lateness,
    actions: JSON.parse(actions),
    ...(rule?.errorAction === undefined ? {} : { errorAction: rule.errorAction }),
  }
}
