import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { api, type Command, type Json, type MethodAnswer } from '../../api.ts'
import { useMay } from '../../session/session.ts'
import { useAct } from '../../ui/act.ts'
import { CodeBlock } from '../../ui/code-block.tsx'
import { SendIcon } from '../../ui/icons.tsx'
import { Age, Card, Empty, FaultBanner, Skeleton } from '../../ui/parts.tsx'
import { Segments } from '../../ui/segments.tsx'

const WAYS = [
  { value: 'command', label: 'Command' },
  { value: 'method', label: 'Direct method' },
] as const

/** Where a command stands, as a colour. */
const TONES: Readonly<Record<string, string>> = {
  Enqueued: 'info',
  Delivered: 'info',
  Completed: 'good',
  Rejected: 'critical',
  Expired: 'warning',
  DeliveryCountExceeded: 'critical',
  Purged: '',
}

/** What the device is asked to do, and how far that came. */
export function CommandsTab({ deviceId }: { readonly deviceId: string }) {
  const [way, setWay] = useState<'command' | 'method'>('command')
  return (
    <div className="device-columns reverse">
      <Card
        title="Send"
        actions={<Segments label="What to send" options={WAYS} value={way} onChange={setWay} />}
      >
        {way === 'command' ? (
          <CommandForm deviceId={deviceId} />
        ) : (
          <MethodForm deviceId={deviceId} />
        )}
      </Card>
      <CommandList deviceId={deviceId} />
    </div>
  )
}

/** The text as JSON; nothing where it is empty. */
function readPayload(text: string): { readonly value?: Json; readonly fault?: string } {
  if (text.trim() === '') return {}
  try {
    return { value: JSON.parse(text) }
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) }
  }
}

function CommandForm({ deviceId }: { readonly deviceId: string }) {
  const may = useMay('commands:write')
  const [name, setName] = useState('')
  const [payload, setPayload] = useState('')
  const [minutes, setMinutes] = useState('60')
  const read = readPayload(payload)
  const sending = useAct({
    run: () =>
      api.sendCommand(deviceId, {
        name,
        ttlSeconds: Number(minutes) * 60,
        ...(read.value === undefined ? {} : { payload: read.value }),
      }),
    done: 'The command waits for the device',
    failed: 'The command was not taken',
    refresh: [['commands', deviceId]],
    onDone: () => setPayload(''),
  })
  function submit(event: FormEvent): void {
    event.preventDefault()
    if (read.fault === undefined) sending.mutate(undefined)
  }
  return (
    <form className="stack" onSubmit={submit}>
      <label className="field">
        <span>Name</span>
        <input
          className="input"
          required
          placeholder="reboot"
          spellCheck={false}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </label>
      <PayloadField value={payload} fault={read.fault} onChange={setPayload} />
      <label className="field">
        <span>Waits at most, minutes</span>
        <input
          className="input"
          type="number"
          min="1"
          max="2880"
          value={minutes}
          onChange={(event) => setMinutes(event.target.value)}
        />
      </label>
      <div className="row">
        <button
          type="submit"
          className="button primary"
          disabled={may === 'no' || sending.isPending || read.fault !== undefined}
        >
          <SendIcon /> Send
        </button>
        <span className="quiet">It waits until the device is there.</span>
      </div>
    </form>
  )
}

function MethodForm({ deviceId }: { readonly deviceId: string }) {
  const may = useMay('commands:write')
  const [name, setName] = useState('')
  const [payload, setPayload] = useState('')
  const [seconds, setSeconds] = useState('10')
  const [answer, setAnswer] = useState<MethodAnswer | undefined>(undefined)
  const read = readPayload(payload)
  const asking = useAct({
    run: () => api.invoke(deviceId, name, read.value ?? null, Number(seconds)),
    failed: 'The device did not answer',
    onDone: setAnswer,
  })
  function submit(event: FormEvent): void {
    event.preventDefault()
    setAnswer(undefined)
    if (read.fault === undefined) asking.mutate(undefined)
  }
  return (
    <form className="stack" onSubmit={submit}>
      <label className="field">
        <span>Method</span>
        <input
          className="input"
          required
          placeholder="readSettings"
          spellCheck={false}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </label>
      <PayloadField value={payload} fault={read.fault} onChange={setPayload} />
      <label className="field">
        <span>Waits for the answer, seconds</span>
        <input
          className="input"
          type="number"
          min="1"
          max="300"
          value={seconds}
          onChange={(event) => setSeconds(event.target.value)}
        />
      </label>
      <div className="row">
        <button
          type="submit"
          className="button primary"
          disabled={may === 'no' || asking.isPending || read.fault !== undefined}
        >
          <SendIcon /> {asking.isPending ? 'Waiting …' : 'Ask'}
        </button>
        <span className="quiet">The device has to be there now.</span>
      </div>
      {answer !== undefined && (
        <output className="method-answer">
          <span className={`badge ${answer.status < 400 ? 'good' : 'critical'}`}>
            status {answer.status}
          </span>
          <CodeBlock label="Answer" text={JSON.stringify(answer.payload ?? null, null, 2)} />
        </output>
      )}
    </form>
  )
}

interface PayloadFieldProps {
  readonly value: string
  readonly fault: string | undefined
  readonly onChange: (value: string) => void
}

function PayloadField({ value, fault, onChange }: PayloadFieldProps) {
  return (
    <label className="field">
      <span>Payload, JSON</span>
      <textarea
        className="input"
        rows={4}
        placeholder='{"delay": 5}'
        spellCheck={false}
        value={value}
        aria-invalid={fault !== undefined}
        onChange={(event) => onChange(event.target.value)}
      />
      {fault !== undefined && <span className="field-fault">{fault}</span>}
    </label>
  )
}

function CommandList({ deviceId }: { readonly deviceId: string }) {
  const may = useMay('commands:write')
  const asked = useQuery({
    queryKey: ['commands', deviceId],
    queryFn: () => api.commands(deviceId),
    refetchInterval: 2_000,
  })
  const purge = useAct({
    run: () => api.purgeCommands(deviceId),
    done: ({ purged }) => `${purged} commands were ended`,
    failed: 'The commands could not be ended',
    refresh: [['commands', deviceId]],
  })
  const commands = asked.data?.commands ?? []
  const waiting = commands.filter(({ state }) => state === 'Enqueued' || state === 'Delivered')
  return (
    <Card
      title="Commands"
      flush
      note={waiting.length === 0 ? undefined : `${waiting.length} waiting`}
      actions={
        waiting.length === 0 ? undefined : (
          <button
            type="button"
            className="button small danger"
            disabled={may === 'no' || purge.isPending}
            onClick={() => purge.mutate(undefined)}
          >
            End all
          </button>
        )
      }
    >
      {asked.isError ? (
        <FaultBanner error={asked.error} />
      ) : asked.isPending ? (
        <div className="card-body">
          <Skeleton />
        </div>
      ) : commands.length === 0 ? (
        <Empty title="No commands" icon={<SendIcon />}>
          <p>Those that wait, and those that ended lately, stand here.</p>
        </Empty>
      ) : (
        <ol className="lines">
          {commands.map((command) => (
            <CommandLine key={command.commandId} command={command} />
          ))}
        </ol>
      )}
    </Card>
  )
}

function CommandLine({ command }: { readonly command: Command }) {
  const { name, state, enqueuedAt, expiresAt, finishedAt, deliveries, sentBy, reason } = command
  const ended = finishedAt !== undefined
  return (
    <li className="line">
      <div className="line-head">
        <b>{name}</b>
        <span className={`badge ${TONES[state] ?? ''}`}>{state}</span>
        <span className="line-age">
          <Age at={finishedAt ?? enqueuedAt} />
        </span>
      </div>
      <span className="line-text">
        {sentBy === undefined ? '' : `by ${sentBy} · `}
        {command.bytes} bytes · {deliveries} {deliveries === 1 ? 'delivery' : 'deliveries'}
        {!ended && ` · waits until ${new Date(expiresAt).toLocaleTimeString('en-GB')}`}
        {reason === undefined ? '' : ` · ${reason}`}
      </span>
    </li>
  )
}
