import './rules.css'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'wouter'
import { api, type Rule } from '../../api.ts'
import { formatCount } from '../../format.ts'
import { useMay } from '../../session/session.ts'
import { useAct } from '../../ui/act.ts'
import { PlusIcon, RuleIcon } from '../../ui/icons.tsx'
import { Card, Empty, FaultBanner, Skeleton } from '../../ui/parts.tsx'

/** What is done with messages, rule by rule. */
export function RulesPage() {
  const [text, setText] = useState('')
  const asked = useQuery({ queryKey: ['rules'], queryFn: api.rules, refetchInterval: 3_000 })
  const rules = asked.data?.rules ?? []
  const word = text.trim().toLowerCase()
  const shown = rules.filter((rule) => `${rule.id} ${rule.sql}`.toLowerCase().includes(word))
  return (
    <>
      <header className="page-head">
        <h1>Rules</h1>
        <input
          type="search"
          className="input rule-search"
          aria-label="Search rules"
          placeholder="id or SQL"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <div className="row">
          <Link className="button primary" href="/new-rule">
            <PlusIcon /> New rule
          </Link>
        </div>
      </header>
      {asked.isError && <FaultBanner error={asked.error} onAgain={() => void asked.refetch()} />}
      <Card title="Rules" note={asked.isPending ? undefined : String(shown.length)} flush>
        {asked.isPending ? (
          <div className="card-body">
            <Skeleton lines={6} />
          </div>
        ) : shown.length === 0 ? (
          <Empty
            title={rules.length === 0 ? 'No rule yet' : 'No rule like that'}
            icon={<RuleIcon />}
          >
            <p>
              A rule takes messages with SQL and does something with what it selects: it tells
              people, publishes, changes a shadow, writes into a table.
            </p>
          </Empty>
        ) : (
          <ol className="lines" aria-label="Rules">
            {shown.map((rule) => (
              <RuleLine key={rule.id} rule={rule} />
            ))}
          </ol>
        )}
      </Card>
    </>
  )
}

function RuleLine({ rule }: { readonly rule: Rule }) {
  const { id, sql, enabled, actions, source, declared, matched, faults = [], description } = rule
  const may = useMay('rules:write')
  const acting = useAct({
    run: (next: boolean) => api.switchRule(id, next),
    done: (_, next) => (next ? `${id} runs` : `${id} rests`),
    failed: 'The rule is as it was',
    refresh: [['rules']],
  })
  return (
    <li className={`line rule-line ${faults.length > 0 ? 'critical' : ''}`} data-enabled={enabled}>
      <input
        type="checkbox"
        className="switch"
        aria-label={`${id} runs`}
        checked={enabled}
        disabled={may === 'no' || acting.isPending}
        onChange={(event) => acting.mutate(event.target.checked)}
      />
      <div className="grow">
        <div className="line-head">
          <Link href={`/rules/${encodeURIComponent(id)}`}>{id}</Link>
          {source === 'api' && (
            <span className="tag">{declared ? 'changed here' : 'made here'}</span>
          )}
          {actions.map((action) => (
            <span key={JSON.stringify(action)} className="tag">
              {Object.keys(action)[0] ?? ''}
            </span>
          ))}
          <span className="line-age">
            {matched !== undefined && `${formatCount(matched)} matched`}
          </span>
        </div>
        {description !== undefined && <p className="line-text">{description}</p>}
        <code className="rule-sql">{sql}</code>
        {faults.map(({ pointer, detail }) => (
          <p key={`${pointer} ${detail}`} className="field-fault">
            {pointer} {detail}
          </p>
        ))}
      </div>
    </li>
  )
}
