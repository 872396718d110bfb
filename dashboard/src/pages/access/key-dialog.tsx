import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { administer } from '../../api-administer.ts'
import { useAct } from '../../ui/act.ts'
import { Field, FormFault, faultAt, Tokens } from '../../ui/form.tsx'
import { Modal } from '../../ui/modal.tsx'
import { CopyLine } from '../../ui/parts.tsx'
import { Segments } from '../../ui/segments.tsx'
import { AREAS, ROLES, type Scope } from './scopes.ts'

const CHOICES = [
  { value: 'viewer', label: 'Viewer' },
  { value: 'operator', label: 'Operator' },
  { value: 'admin', label: 'Admin' },
  { value: 'own', label: 'Chosen scopes' },
] as const

type Choice = (typeof CHOICES)[number]['value']

const SAID: Readonly<Record<Choice, string>> = {
  viewer: 'Looks at everything but people, keys and the audit log; changes nothing.',
  operator: 'Looks, and works: shadows, commands, alarms, notifications, dead letters, long work.',
  admin: 'May do everything, and make other keys.',
  own: 'Just what is ticked.',
}

const DAY_MS = 86_400_000
const DAYS = ['7', '30', '90', '365', 'never'] as const

/** Makes a key and shows its secret, once. */
export function KeyDialog({ onClose }: { readonly onClose: () => void }) {
  const [name, setName] = useState('')
  const [choice, setChoice] = useState<Choice>('viewer')
  const [scopes, setScopes] = useState<readonly Scope[]>(ROLES.viewer)
  const [groups, setGroups] = useState<readonly string[]>([])
  const [days, setDays] = useState('90')
  const known = useQuery({
    queryKey: ['groups'],
    queryFn: () => administer.groups({ limit: 1_000 }),
    retry: false,
  })
  const acting = useAct({
    run: () => {
      return administer.createKey({
        name,
        ...(choice === 'own' ? { scopes: [...scopes] } : { role: choice }),
        ...(groups.length === 0 ? {} : { groups: [...groups] }),
        ...(days === 'never' ? {} : { expiresAt: Date.now() + Number(days) * DAY_MS }),
      })
    },
    failed: 'No key was made',
    refresh: [['keys']],
  })
  if (acting.data !== undefined)
    return <Secret name={acting.data.key.name} secret={acting.data.secret} onClose={onClose} />
  return (
    <Modal open wide onClose={onClose} title="New API key">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          acting.mutate(undefined)
        }}
      >
        <div className="form-grid">
          <Field label="Name" fault={faultAt(acting.error, '/name')}>
            {(props) => (
              <input
                {...props}
                className="input"
                placeholder="what people know it by"
                required
                maxLength={128}
                value={name}
                onChange={({ target }) => setName(target.value)}
              />
            )}
          </Field>
          <Field label="Ends" fault={faultAt(acting.error, '/expiresAt')}>
            {(props) => (
              <select
                {...props}
                className="input"
                value={days}
                onChange={({ target }) => setDays(target.value)}
              >
                {DAYS.map((one) => (
                  <option key={one} value={one}>
                    {one === 'never' ? 'never' : one === '365' ? 'in a year' : `in ${one} days`}
                  </option>
                ))}
              </select>
            )}
          </Field>
        </div>
        <div className="field">
          <span>May</span>
          <div>
            <Segments
              label="What it may do"
              options={CHOICES}
              value={choice}
              onChange={(next) => {
                if (next === 'own' && choice !== 'own') setScopes(ROLES[choice])
                setChoice(next)
              }}
            />
          </div>
          <p className="field-hint">{SAID[choice]}</p>
        </div>
        {choice === 'own' && <ScopeGrid scopes={scopes} onChange={setScopes} />}
        <Tokens
          label="Only devices of these groups"
          placeholder={
            known.data?.groups.length === 0 ? 'all devices; there is no group yet' : 'all devices'
          }
          values={groups}
          onChange={setGroups}
          offers={(known.data?.groups ?? []).map(({ id }) => id)}
          fault={faultAt(acting.error, '/groups')}
        />
        <FormFault error={acting.error} fields={['/name', '/expiresAt', '/groups']} />
        <div className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            Close
          </button>
          <button
            type="submit"
            className="button primary"
            disabled={acting.isPending || (choice === 'own' && scopes.length === 0)}
          >
            Make the key
          </button>
        </div>
      </form>
    </Modal>
  )
}

interface ScopeGridProps {
  readonly scopes: readonly Scope[]
  readonly onChange: (scopes: readonly Scope[]) => void
}

function ScopeGrid({ scopes, onChange }: ScopeGridProps) {
  return (
    <div className="scope-grid">
      {AREAS.map(({ label, scopes: some }) => (
        <fieldset key={label}>
          <legend>{label}</legend>
          {some.map((scope) => (
            <label key={scope} className="check">
              <input
                type="checkbox"
                aria-label={scope}
                checked={scopes.includes(scope)}
                onChange={({ target }) =>
                  onChange(
                    target.checked ? [...scopes, scope] : scopes.filter((one) => one !== scope),
                  )
                }
              />
              {scope.endsWith(':read') ? 'look' : 'change'}
            </label>
          ))}
        </fieldset>
      ))}
    </div>
  )
}

interface SecretProps {
  readonly name: string
  readonly secret: string
  readonly onClose: () => void
}

function Secret({ name, secret, onClose }: SecretProps) {
  return (
    <Modal
      open
      onClose={onClose}
      title={`${name} is made`}
      text="This is its secret. It is shown now and never again: only its hash is kept."
    >
      <CopyLine text={secret} label="Copy the secret" />
      <p className="quiet">
        Programs send it as <code>Authorization: Bearer …</code>
      </p>
      <div className="dialog-foot">
        <button type="button" className="button primary" onClick={onClose}>
          I have it
        </button>
      </div>
    </Modal>
  )
}
