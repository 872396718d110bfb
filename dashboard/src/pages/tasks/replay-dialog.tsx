import { useState } from 'react'
import { administer } from '../../api-administer.ts'
import { useAct } from '../../ui/act.ts'
import { Field, FormFault, faultAt } from '../../ui/form.tsx'
import { Modal } from '../../ui/modal.tsx'
import { DropZone } from './drop-zone.tsx'

const FIELDS = ['/device', '/time', '/timeUnit', '/topic', '/payload']

const UNITS = [
  { value: 'ms', label: 'milliseconds since 1970' },
  { value: 's', label: 'seconds since 1970' },
  { value: 'iso', label: 'ISO 8601' },
] as const

/** Takes recorded messages in, as if their devices had sent them. */
export function ReplayDialog({ onClose }: { readonly onClose: () => void }) {
  const [file, setFile] = useState<File>()
  const [device, setDevice] = useState('deviceId')
  const [time, setTime] = useState('at')
  const [timeUnit, setTimeUnit] = useState<(typeof UNITS)[number]['value']>('ms')
  const [topic, setTopic] = useState('')
  const [payload, setPayload] = useState('')
  const acting = useAct({
    run: (chosen: File) =>
      administer.startReplay(chosen, {
        device,
        time,
        timeUnit,
        ...(topic === '' ? {} : { topic }),
        ...(payload === '' ? {} : { payload }),
      }),
    failed: 'Nothing was played',
    refresh: [['tasks']],
    onDone: onClose,
  })
  const fault = (pointer: string): string => faultAt(acting.error, pointer)
  return (
    <Modal
      open
      wide
      onClose={onClose}
      title="Replay messages"
      text="JSON lines; each says which device sent it and when. Rules and alarms see them as they saw the first. The same recording again is known for duplicates."
    >
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          if (file !== undefined) acting.mutate(file)
        }}
      >
        <DropZone
          what="a recording (.jsonl)"
          accept=".jsonl,.ndjson,application/x-ndjson,application/jsonl"
          file={file}
          onFile={setFile}
        />
        <div className="form-grid">
          <Field
            label="Device"
            hint="field, /pointer, or =id for all lines"
            fault={fault('/device')}
          >
            {(props) => (
              <input
                {...props}
                className="input mono"
                value={device}
                onChange={({ target }) => setDevice(target.value)}
              />
            )}
          </Field>
          <Field label="Time" hint="field or /pointer" fault={fault('/time')}>
            {(props) => (
              <input
                {...props}
                className="input mono"
                value={time}
                onChange={({ target }) => setTime(target.value)}
              />
            )}
          </Field>
          <Field label="Time is in" fault={fault('/timeUnit')}>
            {(props) => (
              <select
                {...props}
                className="input"
                value={timeUnit}
                onChange={({ target }) =>
                  setTimeUnit(UNITS.find(({ value }) => value === target.value)?.value ?? 'ms')
                }
              >
                {UNITS.map(({ value, label }) => (
                  <option key={value} value={value}>
                    {label}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Field label="Topic" hint="{id} stands for the device" fault={fault('/topic')}>
            {(props) => (
              <input
                {...props}
                className="input mono"
                placeholder="devices/{id}/telemetry"
                value={topic}
                onChange={({ target }) => setTopic(target.value)}
              />
            )}
          </Field>
          <Field label="Message" hint="field or /pointer" fault={fault('/payload')}>
            {(props) => (
              <input
                {...props}
                className="input mono"
                placeholder="the whole line"
                value={payload}
                onChange={({ target }) => setPayload(target.value)}
              />
            )}
          </Field>
        </div>
        <FormFault error={acting.error} fields={FIELDS} />
        <div className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            Close
          </button>
          <button
            type="submit"
            className="button primary"
            disabled={file === undefined || acting.isPending}
          >
            {acting.isPending ? 'Sending …' : 'Replay'}
          </button>
        </div>
      </form>
    </Modal>
  )
}
