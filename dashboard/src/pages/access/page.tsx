import '../../ui/form.css'
import './access.css'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'wouter'
import { type ApiKey, administer } from '../../api-administer.ts'
import { formatTime } from '../../format.ts'
import { askToSignIn, signOut, useMay, useSession } from '../../session/session.ts'
import { useAct } from '../../ui/act.ts'
import { isRefused, Refused } from '../../ui/form.tsx'
import { KeyIcon, PlusIcon } from '../../ui/icons.tsx'
import { Modal } from '../../ui/modal.tsx'
import { Age, Card, Empty, FaultBanner, Skeleton } from '../../ui/parts.tsx'
import { KeyDialog } from './key-dialog.tsx'
import { roleOf } from './scopes.ts'

/** Who may come in, and as whom this page was opened. */
export function AccessPage() {
  const may = useMay('keys:write')
  const [creating, setCreating] = useState(false)
  return (
    <>
      <header className="page-head">
        <h1>Access</h1>
        <div className="row">
          <Link className="button" href="/audit">
            Audit log
          </Link>
          <button
            type="button"
            className="button primary"
            disabled={may === 'no'}
            onClick={() => setCreating(true)}
          >
            <PlusIcon /> New key
          </button>
        </div>
      </header>
      <You />
      <Keys />
      {creating && <KeyDialog onClose={() => setCreating(false)} />}
    </>
  )
}

/** As whom this page was opened. */
function You() {
  const { caller } = useSession()
  const asked = useQuery({ queryKey: ['session', caller.id], queryFn: administer.session })
  const anonymous = caller.kind === 'anonymous'
  const role = roleOf(caller.scopes)
  return (
    <Card
      title="You"
      actions={
        anonymous ? (
          <button type="button" className="button small" onClick={() => void askToSignIn()}>
            Sign in
          </button>
        ) : (
          <button type="button" className="button small" onClick={() => void signOut()}>
            Sign out
          </button>
        )
      }
    >
      <dl className="facts">
        <dt>Who</dt>
        <dd>
          {anonymous ? (
            'Nobody: this cloud lets everybody on this machine look'
          ) : (
            <>
              {caller.name ?? caller.id}{' '}
              {caller.kind !== caller.id && <span className="tag">{caller.kind}</span>}
            </>
          )}
        </dd>
        <dt>May</dt>
        <dd>
          <Scopes role={role} scopes={caller.scopes} />
        </dd>
        <dt>Devices</dt>
        <dd>{caller.groups === undefined ? 'all' : `of ${caller.groups.join(', ')}`}</dd>
        {asked.data?.expiresAt !== undefined && (
          <>
            <dt>Signed in until</dt>
            <dd>{formatTime(asked.data.expiresAt)}</dd>
          </>
        )}
      </dl>
    </Card>
  )
}

/** A role if they are one, else one by one. */
function Scopes({
  role,
  scopes,
}: {
  readonly role: string | undefined
  readonly scopes: readonly string[]
}) {
  if (role !== undefined) return <span className="badge accent">{role}</span>
  if (scopes.length === 0) return 'nothing'
  return (
    <details className="scope-list">
      <summary>{scopes.length} scopes</summary>
      <span className="row">
        {scopes.map((scope) => (
          <span key={scope} className="tag mono">
            {scope}
          </span>
        ))}
      </span>
    </details>
  )
}

function Keys() {
  const may = useMay('keys:read')
  const [revoking, setRevoking] = useState<ApiKey>()
  const asked = useQuery({
    queryKey: ['keys', may],
    queryFn: () => administer.keys({ limit: 1_000 }),
    retry: false,
  })
  const keys = (asked.data?.keys ?? []).toSorted((a, b) => b.createdAt - a.createdAt)
  return (
    <Card title="API keys" note={asked.isSuccess ? String(keys.length) : undefined} flush>
      {asked.isPending ? (
        <div className="card-body">
          <Skeleton lines={4} />
        </div>
      ) : isRefused(asked.error) ? (
        <Refused may={may} what="Only an admin sees who may come in" />
      ) : asked.isError ? (
        <div className="card-body">
          <FaultBanner error={asked.error} onAgain={() => void asked.refetch()} />
        </div>
      ) : keys.length === 0 ? (
        <Empty title="No key yet" icon={<KeyIcon />}>
          <p>
            A key lets a program in: it says what it may do, to which devices, and for how long.
            Only its hash is kept.
          </p>
        </Empty>
      ) : (
        <div className="scroll-x">
          <table className="table key-table">
            <thead>
              <tr>
                <th>Name</th>
                <th>May</th>
                <th>Devices</th>
                <th>Last used</th>
                <th>Ends</th>
                <th>
                  <span className="visually-hidden">Revoke</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {keys.map((key) => (
                <KeyRow key={key.id} apiKey={key} onRevoke={() => setRevoking(key)} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {revoking !== undefined && (
        <RevokeDialog apiKey={revoking} onClose={() => setRevoking(undefined)} />
      )}
    </Card>
  )
}

function KeyRow({ apiKey, onRevoke }: { readonly apiKey: ApiKey; readonly onRevoke: () => void }) {
  const { id, name, role, scopes, groups, createdAt, createdBy, expiresAt, lastUsedAt } = apiKey
  const may = useMay('keys:write')
  const ended = expiresAt !== undefined && expiresAt <= Date.now()
  return (
    <tr>
      <td>
        <div className="key-name">
          <b>{name}</b>
          <span className="quiet mono">{id}</span>
          <span className="quiet">
            by {createdBy.replace('admin/admin', 'admin')}, <Age at={createdAt} />
          </span>
        </div>
      </td>
      <td>
        <Scopes role={role ?? roleOf(scopes)} scopes={scopes} />
      </td>
      <td>{groups === undefined ? 'all' : groups.join(', ')}</td>
      <td>
        {lastUsedAt === undefined ? <span className="quiet">never</span> : <Age at={lastUsedAt} />}
      </td>
      <td>
        {expiresAt === undefined ? (
          <span className="quiet">never</span>
        ) : ended ? (
          <span className="badge critical">ended</span>
        ) : (
          formatTime(expiresAt)
        )}
      </td>
      <td className="number">
        <button
          type="button"
          className="button small danger"
          disabled={may === 'no'}
          aria-label={`Revoke ${name}`}
          onClick={onRevoke}
        >
          Revoke
        </button>
      </td>
    </tr>
  )
}

function RevokeDialog({
  apiKey: { id, name },
  onClose,
}: {
  readonly apiKey: ApiKey
  readonly onClose: () => void
}) {
  const acting = useAct({
    run: () => administer.revokeKey(id),
    done: `${name} opens nothing any more`,
    failed: 'The key is as it was',
    refresh: [['keys']],
    onDone: onClose,
  })
  return (
    <Modal
      open
      onClose={onClose}
      title={`Revoke ${name}?`}
      text="Whoever uses it is refused at once, and so are the sessions that it opened. It cannot be taken back."
    >
      <div className="dialog-foot">
        <button type="button" className="button" onClick={onClose}>
          Keep it
        </button>
        <button
          type="button"
          className="button danger"
          disabled={acting.isPending}
          onClick={() => acting.mutate(undefined)}
        >
          Revoke
        </button>
      </div>
    </Modal>
  )
}
