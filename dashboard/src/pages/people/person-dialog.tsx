import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { administer, type Person, type PersonAddress } from '../../api-administer.ts'
import { useAct } from '../../ui/act.ts'
import { Field, FormFault, faultAt, Tokens } from '../../ui/form.tsx'
import { PlusIcon } from '../../ui/icons.tsx'
import { Modal } from '../../ui/modal.tsx'
import { RemoveButton } from '../../ui/remove-button.tsx'

interface AddressRow {
  readonly key: number
  readonly channel: string
  readonly to: string
}

interface PersonDialogProps {
  /** Nobody yet unless given. */
  readonly person: Person | undefined
  readonly onClose: () => void
}

/** Somebody who can be told: added, changed or taken away. */
export function PersonDialog({ person, onClose }: PersonDialogProps) {
  const [id, setId] = useState(person?.id ?? '')
  const [name, setName] = useState(person?.name ?? '')
  const [groups, setGroups] = useState<readonly string[]>(person?.groups ?? [])
  const [language, setLanguage] = useState(person?.language ?? '')
  const [timeZone, setTimeZone] = useState(person?.timeZone ?? '')
  const [rows, setRows] = useState(() => (person?.addresses ?? []).map(toRow))
  const channels = useQuery({
    queryKey: ['channels'],
    queryFn: () => administer.preview({}),
    retry: false,
  })
  const acting = useAct({
    run: () =>
      administer.putPerson(id, {
        name,
        groups: [...groups],
        ...(language === '' ? {} : { language }),
        ...(timeZone === '' ? {} : { timeZone }),
        addresses: rows
          .filter(({ channel }) => channel !== '')
          .map(({ channel, to }) => (to === '' ? channel : { channel, to })),
      }),
    done: `${name || id} is kept`,
    failed: 'Nothing was changed',
    refresh: [['people']],
    onDone: onClose,
  })
  const fault = (pointer: string): string => faultAt(acting.error, pointer)
  return (
    <Modal open wide onClose={onClose} title={person === undefined ? 'New person' : name || id}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          acting.mutate(undefined)
        }}
      >
        <div className="form-grid">
          <Field label="Id" fault={fault('/id')}>
            {(props) => (
              <input
                {...props}
                className="input mono"
                required
                pattern="[a-zA-Z0-9_.@+\-]{1,128}"
                title="letters, digits, _ . @ + or -"
                disabled={person !== undefined}
                value={id}
                onChange={({ target }) => setId(target.value)}
              />
            )}
          </Field>
          <Field label="Name" fault={fault('/name')}>
            {(props) => (
              <input
                {...props}
                className="input"
                value={name}
                onChange={({ target }) => setName(target.value)}
              />
            )}
          </Field>
          <Field label="Language" hint="de, en-GB" fault={fault('/language')}>
            {(props) => (
              <input
                {...props}
                className="input"
                value={language}
                onChange={({ target }) => setLanguage(target.value.trim())}
              />
            )}
          </Field>
          <Field label="Time zone" fault={fault('/timeZone')}>
            {(props) => (
              <>
                <input
                  {...props}
                  className="input"
                  list="time-zones"
                  placeholder={Intl.DateTimeFormat().resolvedOptions().timeZone}
                  value={timeZone}
                  onChange={({ target }) => setTimeZone(target.value.trim())}
                />
                <datalist id="time-zones">
                  {Intl.supportedValuesOf('timeZone').map((zone) => (
                    <option key={zone} value={zone} />
                  ))}
                </datalist>
              </>
            )}
          </Field>
        </div>
        <Tokens
          label="Groups"
          placeholder="none"
          hint="A notification can go to everybody of a group."
          values={groups}
          onChange={setGroups}
          fault={fault('/groups')}
        />
        <fieldset className="addresses">
          <legend>Reached by</legend>
          {rows.map((row, at) => (
            <div key={row.key} className="address">
              <select
                className="input"
                aria-label={`Channel ${at + 1}`}
                value={row.channel}
                onChange={({ target }) =>
                  setRows(
                    rows.map((one) => (one === row ? { ...row, channel: target.value } : one)),
                  )
                }
              >
                <option value="">channel</option>
                {[
                  ...new Set([
                    ...(channels.data ?? []).map(({ channel }) => channel),
                    ...(row.channel === '' ? [] : [row.channel]),
                  ]),
                ].map((channel) => (
                  <option key={channel} value={channel}>
                    {channel}
                  </option>
                ))}
              </select>
              <input
                className="input"
                aria-label={`Address ${at + 1}`}
                placeholder="the channel's own, unless given"
                value={row.to}
                onChange={({ target }) =>
                  setRows(rows.map((one) => (one === row ? { ...row, to: target.value } : one)))
                }
              />
              <button
                type="button"
                className="button ghost"
                aria-label={`Remove address ${at + 1}`}
                onClick={() => setRows(rows.filter((one) => one !== row))}
              >
                Remove
              </button>
              {fault(`/addresses/${at}`) !== '' && (
                <span className="field-fault">{fault(`/addresses/${at}`)}</span>
              )}
            </div>
          ))}
          <button
            type="button"
            className="button small"
            onClick={() =>
              setRows([
                ...rows,
                { key: 1 + Math.max(0, ...rows.map(({ key }) => key)), channel: '', to: '' },
              ])
            }
          >
            <PlusIcon /> Address
          </button>
        </fieldset>
        <FormFault
          error={acting.error}
          fields={['/id', '/name', '/language', '/timeZone', '/groups', '/addresses']}
        />
        <div className="dialog-foot">
          {person !== undefined && (
            <RemoveButton
              name={name || id}
              run={() => administer.removePerson(person.id)}
              refresh={[['people']]}
              onDone={onClose}
            />
          )}
          <button type="button" className="button" onClick={onClose}>
            Close
          </button>
          <button type="submit" className="button primary" disabled={acting.isPending}>
            Save
          </button>
        </div>
      </form>
    </Modal>
  )
}

function toRow(address: PersonAddress, key: number): AddressRow {
  return typeof address === 'string'
    ? { key, channel: address, to: '' }
    : { key, channel: address.channel, to: address.to ?? '' }
}
