import { useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useEffect, useState } from 'react'
import { api, type DeltaLeaf, type Json, type JsonObject } from '../../../api.ts'
import { useDevice } from '../../../live/live.ts'
import { useMay } from '../../../session/session.ts'
import { PencilIcon, PlusIcon } from '../../../ui/icons.tsx'
import { Card, Empty, FaultBanner, Skeleton } from '../../../ui/parts.tsx'
import { tell, tellFault } from '../../../ui/toasts.tsx'
import { applyChanges, DesiredChanged } from './apply.ts'
import { Changes } from './changes.tsx'
import { type Leaf, leavesOf, pointerOf, readValue, writeValue } from './leaves.ts'
import { Why } from './why.tsx'

const NONE: JsonObject = {}

/** Asked again no more often than this while the device reports. Unit: ms. */
const AGAIN_MS = 1_500

/** What the device shall be, what it says that it is, and what keeps them apart. */
export function ShadowTab({ deviceId }: { readonly deviceId: string }) {
  const [name, setName] = useState('')
  const device = useDevice(deviceId)
  const detail = useQuery({
    queryKey: ['device', deviceId],
    queryFn: async () => (await api.device(deviceId)) ?? null,
  })
  const names = [...new Set(['', ...Object.keys(detail.data?.shadows ?? {}), name])]
  const shadow = useQuery({
    queryKey: ['shadow', deviceId, name],
    queryFn: async () => (await api.shadow(deviceId, name)) ?? null,
    refetchInterval: AGAIN_MS,
  })
  const delta = useQuery({
    queryKey: ['delta', deviceId, name],
    queryFn: async () => (await api.delta(deviceId, name)) ?? null,
    refetchInterval: AGAIN_MS,
  })
  if (shadow.isError) return <FaultBanner error={shadow.error} />
  if (shadow.isPending || (device === undefined && detail.isPending)) return <Skeleton lines={8} />
  const { desired, reported } = shadow.data?.state ?? {}
  return (
    <div className="stack">
      <Editor
        key={name}
        deviceId={deviceId}
        name={name}
        names={names}
        onName={setName}
        desired={desired ?? NONE}
        reported={reported ?? NONE}
        version={shadow.data?.version}
        why={delta.data?.delta ?? []}
      />
      <Changes deviceId={deviceId} name={name} version={shadow.data?.version ?? 0} />
    </div>
  )
}

interface EditorProps {
  readonly deviceId: string
  readonly name: string
  readonly names: readonly string[]
  readonly onName: (name: string) => void
  readonly desired: JsonObject
  readonly reported: JsonObject
  readonly version: number | undefined
  readonly why: readonly DeltaLeaf[]
}

function Editor(props: EditorProps) {
  const { deviceId, name, names, onName, desired, reported, version, why } = props
  const may = useMay('shadows:write')
  const client = useQueryClient()
  const [changes, setChanges] = useState<ReadonlyMap<string, Json>>(new Map())
  const [base, setBase] = useState<JsonObject>(desired)
  const [conflict, setConflict] = useState('')
  const [busy, setBusy] = useState(false)
  const [onlyDesired, setOnlyDesired] = useState(false)
  // Whoever has changed nothing yet starts from what is there now.
  useEffect(() => {
    if (changes.size === 0) setBase(desired)
  }, [changes, desired])

  const change = (pointer: string, value: Json | undefined): void =>
    setChanges((before) => {
      const next = new Map(before)
      if (value === undefined) next.delete(pointer)
      else next.set(pointer, value)
      return next
    })

  async function apply(): Promise<void> {
    setBusy(true)
    setConflict('')
    try {
      await applyChanges({ deviceId, name, changes, base })
      setChanges(new Map())
      tell('Desired values changed', `${deviceId} is told as soon as it can be.`)
    } catch (error) {
      if (error instanceof DesiredChanged) setConflict(error.message)
      else tellFault('The shadow could not be changed', error)
    }
    setBusy(false)
    await client.invalidateQueries({ queryKey: ['shadow', deviceId, name] })
    await client.invalidateQueries({ queryKey: ['delta', deviceId, name] })
  }

  const leaves = leavesOf(desired, reported)
  const known = new Set(leaves.map(({ pointer }) => pointer))
  const added = [...changes.keys()].filter((pointer) => !known.has(pointer))
  const shown = onlyDesired
    ? leaves.filter(({ standing, pointer }) => standing !== 'only-reported' || changes.has(pointer))
    : leaves
  return (
    <Card
      title="Shadow"
      flush
      note={version === undefined ? 'none yet' : `version ${version}`}
      actions={
        <div className="row">
          <label className="row quiet">
            <input
              type="checkbox"
              checked={onlyDesired}
              onChange={(event) => setOnlyDesired(event.target.checked)}
            />
            Only desired
          </label>
          {names.length > 1 && (
            <select
              className="input"
              aria-label="Which shadow"
              value={name}
              onChange={(event) => onName(event.target.value)}
            >
              {names.map((one) => (
                <option key={one} value={one}>
                  {one === '' ? 'classic' : one}
                </option>
              ))}
            </select>
          )}
        </div>
      }
    >
      {conflict !== '' && (
        <div className="banner warning shadow-conflict" role="alert">
          <span className="grow">{conflict}</span>
          <button
            type="button"
            className="button small"
            onClick={() => {
              setBase(desired)
              setConflict('')
            }}
          >
            I have seen it
          </button>
        </div>
      )}
      {leaves.length === 0 && added.length === 0 ? (
        <Empty title="Nothing is desired, nothing reported">
          <p>Add a value below: the device is told of it, and reports when it has followed.</p>
        </Empty>
      ) : (
        <table className="table shadow">
          <thead>
            <tr>
              <th>Value</th>
              <th>Desired</th>
              <th>Reported</th>
              <th>Delta</th>
            </tr>
          </thead>
          <tbody>
            {[...added.map(leafOfNew), ...shown].map((leaf) => (
              <LeafRow
                key={leaf.pointer}
                leaf={leaf}
                change={changes.get(leaf.pointer)}
                why={why.find(({ pointer }) => pointer === leaf.pointer)}
                editable={may !== 'no'}
                onChange={(value) => change(leaf.pointer, value)}
              />
            ))}
          </tbody>
        </table>
      )}
      <footer className="shadow-foot">
        {may === 'no' ? (
          <p className="quiet">You may look at shadows, but not change them.</p>
        ) : (
          <NewValue onAdd={(path, value) => change(pointerOf(path), value)} />
        )}
        {changes.size > 0 && (
          <div className="row shadow-apply">
            <span className="quiet">
              {changes.size} {changes.size === 1 ? 'change' : 'changes'}
            </span>
            <button type="button" className="button" onClick={() => setChanges(new Map())}>
              Discard
            </button>
            <button
              type="button"
              className="button primary"
              disabled={busy}
              onClick={() => void apply()}
            >
              Apply
            </button>
          </div>
        )}
      </footer>
    </Card>
  )
}

function leafOfNew(pointer: string): Leaf {
  const path = pointer.split('/').slice(1)
  return { path, pointer, desired: undefined, reported: undefined, standing: 'only-reported' }
}

interface LeafRowProps {
  readonly leaf: Leaf
  /** What the person wants instead; `null` takes it away. */
  readonly change: Json | undefined
  readonly why: DeltaLeaf | undefined
  readonly editable: boolean
  readonly onChange: (value: Json | undefined) => void
}

function LeafRow({ leaf, change, why, editable, onChange }: LeafRowProps) {
  const [editing, setEditing] = useState(false)
  const { path, desired, reported, standing } = leaf
  const name = path.join(' › ')
  return (
    <tr data-standing={standing} data-changed={change !== undefined}>
      <th scope="row">{name}</th>
      <td data-column="desired">
        {editing ? (
          <ValueInput
            name={name}
            value={change ?? desired ?? reported ?? ''}
            removable={desired !== undefined}
            onDone={(value) => {
              setEditing(false)
              if (value !== undefined) onChange(value)
            }}
          />
        ) : (
          <span className="row shadow-value">
            {change !== undefined ? (
              <>
                <ins>{change === null ? 'nothing' : writeValue(change)}</ins>
                <button type="button" className="link" onClick={() => onChange(undefined)}>
                  undo
                </button>
              </>
            ) : desired === undefined ? (
              <span className="quiet">–</span>
            ) : (
              <b>{writeValue(desired)}</b>
            )}
            {editable && (
              <button
                type="button"
                className="button ghost small icon"
                aria-label={`Change what is desired of ${name}`}
                onClick={() => setEditing(true)}
              >
                <PencilIcon />
              </button>
            )}
          </span>
        )}
      </td>
      <td data-column="reported">
        {reported === undefined ? <span className="quiet">–</span> : writeValue(reported)}
      </td>
      <td data-column="delta">
        <Why standing={standing} leaf={why} />
      </td>
    </tr>
  )
}

interface ValueInputProps {
  readonly name: string
  readonly value: Json
  readonly removable: boolean
  /** `undefined`: nothing was changed; `null`: it shall not be desired any more. */
  readonly onDone: (value: Json | undefined) => void
}

function ValueInput({ name, value, removable, onDone }: ValueInputProps) {
  const [text, setText] = useState(writeValue(value))
  return (
    <form
      className="row shadow-edit"
      onSubmit={(event) => {
        event.preventDefault()
        onDone(readValue(text))
      }}
    >
      <input
        className="input"
        // biome-ignore lint/a11y/noAutofocus: the person has just asked for this field
        autoFocus
        aria-label={`Desired value of ${name}`}
        spellCheck={false}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') onDone(undefined)
        }}
      />
      <button type="submit" className="button small primary">
        Set
      </button>
      {removable && (
        <button type="button" className="button small danger" onClick={() => onDone(null)}>
          Remove
        </button>
      )}
    </form>
  )
}

function NewValue({ onAdd }: { readonly onAdd: (path: readonly string[], value: Json) => void }) {
  const [path, setPath] = useState('')
  const [value, setValue] = useState('')
  function submit(event: FormEvent): void {
    event.preventDefault()
    onAdd(
      path
        .split('.')
        .map((step) => step.trim())
        .filter((step) => step !== ''),
      readValue(value),
    )
    setPath('')
    setValue('')
  }
  return (
    <form className="row shadow-new" onSubmit={submit}>
      <input
        className="input"
        aria-label="Name of a new value, with dots for what stands inside"
        placeholder="led.colour"
        required
        pattern="[^.\s].*"
        spellCheck={false}
        value={path}
        onChange={(event) => setPath(event.target.value)}
      />
      <input
        className="input"
        aria-label="Value"
        placeholder="red, 21.5, true, [1,2]"
        required
        spellCheck={false}
        value={value}
        onChange={(event) => setValue(event.target.value)}
      />
      <button type="submit" className="button">
        <PlusIcon /> Add
      </button>
    </form>
  )
}
