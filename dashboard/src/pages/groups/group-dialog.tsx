import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { administer, type DeviceGroup } from '../../api-administer.ts'
import { useAct } from '../../ui/act.ts'
import { Field, FormFault, faultAt, Tokens } from '../../ui/form.tsx'
import { Modal } from '../../ui/modal.tsx'
import { FaultBanner, Skeleton } from '../../ui/parts.tsx'
import { RemoveButton } from '../../ui/remove-button.tsx'
import { Segments } from '../../ui/segments.tsx'
import { useFound } from '../../ui/use-found.ts'

const KINDS = [
  { value: 'search', label: 'Whoever a search finds' },
  { value: 'list', label: 'Whoever is put in' },
] as const

interface GroupDialogProps {
  /** `''`: a new one. */
  readonly groupId: string
  readonly onClose: () => void
}

/** A group: made, changed or taken away. */
export function GroupDialog({ groupId, onClose }: GroupDialogProps) {
  const asked = useQuery({
    queryKey: ['groups', 'one', groupId],
    queryFn: () => administer.group(groupId),
    enabled: groupId !== '',
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  })
  const isNew = groupId === ''
  return (
    <Modal open wide onClose={onClose} title={isNew ? 'New group' : (asked.data?.name ?? groupId)}>
      {!isNew && asked.isPending ? (
        <Skeleton lines={4} />
      ) : asked.isError ? (
        <FaultBanner error={asked.error} />
      ) : (
        <GroupForm group={asked.data} onClose={onClose} />
      )}
    </Modal>
  )
}

interface GroupFormProps {
  readonly group: DeviceGroup | undefined
  readonly onClose: () => void
}

function GroupForm({ group, onClose }: GroupFormProps) {
  const [id, setId] = useState(group?.id ?? '')
  const [name, setName] = useState(group?.name ?? '')
  const [description, setDescription] = useState(group?.description ?? '')
  const [kind, setKind] = useState<(typeof KINDS)[number]['value']>(
    group === undefined || group.query !== undefined ? 'search' : 'list',
  )
  const [query, setQuery] = useState(group?.query ?? '')
  const [devices, setDevices] = useState<readonly string[]>(group?.devices ?? [])
  const found = useFound(query)
  const acting = useAct({
    run: () =>
      administer.putGroup(
        id,
        {
          ...(name === '' ? {} : { name }),
          ...(description === '' ? {} : { description }),
          ...(kind === 'search' ? { query: query.trim() } : { devices: [...devices] }),
        },
        group?.version ?? 0,
      ),
    done: ({ name: kept }) => `${kept} is kept`,
    failed: 'Nothing was changed',
    refresh: [['groups']],
    onDone: onClose,
  })
  const fault = (pointer: string): string => faultAt(acting.error, pointer)
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        acting.mutate(undefined)
      }}
    >
      <div className="form-grid">
        <Field label="Id" fault={fault('/groupId')}>
          {(props) => (
            <input
              {...props}
              className="input mono"
              required
              pattern="[A-Za-z0-9_\-]{1,64}"
              title="letters, digits, _ or -"
              disabled={group !== undefined}
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
              placeholder={id}
              value={name}
              onChange={({ target }) => setName(target.value)}
            />
          )}
        </Field>
      </div>
      <Field label="Description" fault={fault('/description')}>
        {(props) => (
          <input
            {...props}
            className="input"
            value={description}
            onChange={({ target }) => setDescription(target.value)}
          />
        )}
      </Field>
      <div>
        <Segments label="Who is in it" options={KINDS} value={kind} onChange={setKind} />
      </div>
      {kind === 'search' ? (
        <Field
          label="Search"
          hint={<span className="group-count">{found.hint}</span>}
          fault={fault('/query') || found.fault}
        >
          {(props) => (
            <input
              {...props}
              type="search"
              className="input mono"
              required
              placeholder="type:fridge tags.site:west"
              spellCheck={false}
              value={query}
              onChange={({ target }) => setQuery(target.value)}
            />
          )}
        </Field>
      ) : (
        <Tokens
          label="Devices"
          placeholder="ids, one after the other or pasted as a list"
          hint={devices.length === 0 ? undefined : `${devices.length} of at most 1,000`}
          values={devices}
          onChange={setDevices}
          fault={fault('/devices')}
        />
      )}
      <FormFault
        error={acting.error}
        fields={['/groupId', '/name', '/description', '/query', '/devices']}
      />
      <div className="dialog-foot">
        {group !== undefined && (
          <RemoveButton
            name={group.name}
            run={() => administer.removeGroup(group.id)}
            refresh={[['groups']]}
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
  )
}
