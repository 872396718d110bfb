import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { administer, type Body, type Subscription } from '../../api-administer.ts'
import { useAct } from '../../ui/act.ts'
import { Field, FormFault, faultAt, Tokens } from '../../ui/form.tsx'
import { Modal } from '../../ui/modal.tsx'
import { RemoveButton } from '../../ui/remove-button.tsx'
import { Segments } from '../../ui/segments.tsx'
import { fieldOf, textOf, textsOf } from './subscription-words.ts'

const SEVERITIES = [
  { value: 'info', label: 'Everything' },
  { value: 'warning', label: 'From warning' },
  { value: 'critical', label: 'Critical' },
] as const

const EVENTS = ['alarm', 'rule', 'on-demand', 'health'] as const
const USUAL: readonly string[] = ['alarm', 'rule', 'on-demand']

/** What the form itself shows; the rest stands in the JSON. */
const SHOWN: readonly string[] = [
  'id',
  'to',
  'severity',
  'devices',
  'events',
  'quietHours',
  'timeZone',
]

interface SubscriptionDialogProps {
  readonly subscription: Subscription | undefined
  readonly onClose: () => void
}

/** Who wants to be told of what: made, changed or taken away. */
export function SubscriptionDialog({ subscription, onClose }: SubscriptionDialogProps) {
  const given = subscription ?? { id: '' }
  const to = fieldOf(given, 'to')
  const quiet = fieldOf(given, 'quietHours')
  const isPlainQuiet =
    quiet === undefined || (!Array.isArray(quiet) && fieldOf(quiet, 'days') === undefined)
  const [id, setId] = useState(given.id)
  const [people, setPeople] = useState(textsOf(fieldOf(to, 'people')))
  const [groups, setGroups] = useState(textsOf(fieldOf(to, 'groups')))
  const [channels, setChannels] = useState(textsOf(fieldOf(to, 'channels')))
  const [severity, setSeverity] = useState(
    () => SEVERITIES.find(({ value }) => value === fieldOf(given, 'severity'))?.value ?? 'info',
  )
  const [devices, setDevices] = useState(textOf(fieldOf(given, 'devices')) || '*')
  const [events, setEvents] = useState(() => {
    const found = textsOf(fieldOf(given, 'events'))
    return found.length === 0 ? USUAL : found
  })
  const [quietFrom, setQuietFrom] = useState(isPlainQuiet ? textOf(fieldOf(quiet, 'from')) : '')
  const [quietTo, setQuietTo] = useState(isPlainQuiet ? textOf(fieldOf(quiet, 'to')) : '')
  const [timeZone, setTimeZone] = useState(textOf(fieldOf(given, 'timeZone')))
  const [rest, setRest] = useState(() => {
    const others = Object.entries(given).filter(
      ([name]) => !SHOWN.includes(name) || (name === 'quietHours' && !isPlainQuiet),
    )
    return others.length === 0 ? '' : JSON.stringify(Object.fromEntries(others), null, 2)
  })
  const known = useQuery({
    queryKey: ['people', 'known', 'yes'],
    queryFn: () => administer.people({ limit: 1_000 }),
    retry: false,
  })
  const offered = useQuery({
    queryKey: ['channels'],
    queryFn: () => administer.preview({}),
    retry: false,
  })
  const parsed = readObject(rest)
  const acting = useAct({
    run: () => {
      const addresses = fieldOf(to, 'addresses')
      return administer.putSubscription(id, {
        ...(typeof parsed === 'string' ? {} : parsed),
        to: { people, groups, channels, ...(addresses === undefined ? {} : { addresses }) },
        severity,
        devices: devices.trim() === '' ? '*' : devices.trim(),
        ...(isSame(events, USUAL) ? {} : { events }),
        ...(quietFrom === '' || quietTo === ''
          ? {}
          : { quietHours: { from: quietFrom, to: quietTo } }),
        ...(timeZone === '' ? {} : { timeZone }),
      })
    },
    done: `${id} is kept`,
    failed: 'Nothing was changed',
    refresh: [['subscriptions']],
    onDone: onClose,
  })
  const fault = (pointer: string): string => faultAt(acting.error, pointer)
  const everybody = known.data?.people ?? []
  return (
    <Modal
      open
      wide
      onClose={onClose}
      title={subscription === undefined ? 'New subscription' : subscription.id}
    >
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
                disabled={subscription !== undefined}
                value={id}
                onChange={({ target }) => setId(target.value)}
              />
            )}
          </Field>
          <Field
            label="Devices"
            hint="a pattern; * stands for any characters"
            fault={fault('/devices')}
          >
            {(props) => (
              <input
                {...props}
                className="input mono"
                value={devices}
                onChange={({ target }) => setDevices(target.value)}
              />
            )}
          </Field>
        </div>
        <div className="form-grid">
          <Tokens
            label="People"
            values={people}
            offers={everybody.map((one) => one.id)}
            onChange={setPeople}
            fault={fault('/to/people')}
          />
          <Tokens
            label="Groups of people"
            values={groups}
            offers={[...new Set(everybody.flatMap((one) => one.groups ?? []))]}
            onChange={setGroups}
            fault={fault('/to/groups')}
          />
          <Tokens
            label="Channels"
            values={channels}
            offers={(offered.data ?? []).map(({ channel }) => channel)}
            onChange={setChannels}
            fault={fault('/to/channels')}
          />
        </div>
        <div className="row events">
          <Segments label="Severity" options={SEVERITIES} value={severity} onChange={setSeverity} />
          {EVENTS.map((event) => (
            <label key={event} className="check">
              <input
                type="checkbox"
                checked={events.includes(event)}
                onChange={({ target }) =>
                  setEvents(
                    target.checked ? [...events, event] : events.filter((one) => one !== event),
                  )
                }
              />
              {event}
            </label>
          ))}
        </div>
        {fault('/events') !== '' && <p className="field-fault">{fault('/events')}</p>}
        <div className="form-grid">
          <Field label="Quiet from" fault={fault('/quietHours')}>
            {(props) => (
              <input
                {...props}
                type="time"
                className="input"
                value={quietFrom}
                onChange={({ target }) => setQuietFrom(target.value)}
              />
            )}
          </Field>
          <Field label="Quiet until">
            {(props) => (
              <input
                {...props}
                type="time"
                className="input"
                value={quietTo}
                onChange={({ target }) => setQuietTo(target.value)}
              />
            )}
          </Field>
          <Field label="Time zone" fault={fault('/timeZone')}>
            {(props) => (
              <input
                {...props}
                className="input"
                placeholder="that of the person, or UTC"
                value={timeZone}
                onChange={({ target }) => setTimeZone(target.value.trim())}
              />
            )}
          </Field>
        </div>
        <Field
          label="More, as JSON"
          hint="tags, alarms, schedule, language, words, priority, dedup, flaps, throttle, digest, override, escalation"
          fault={typeof parsed === 'string' ? parsed : ''}
        >
          {(props) => (
            <textarea
              {...props}
              className="input"
              rows={4}
              spellCheck={false}
              placeholder={'{"digest": "10m", "tags": {"site": "west"}}'}
              value={rest}
              onChange={({ target }) => setRest(target.value)}
            />
          )}
        </Field>
        <FormFault
          error={acting.error}
          fields={[
            '/id',
            '/devices',
            '/to/people',
            '/to/groups',
            '/to/channels',
            '/events',
            '/quietHours',
            '/timeZone',
          ]}
        />
        <div className="dialog-foot">
          {subscription !== undefined && (
            <RemoveButton
              name={id}
              run={() => administer.removeSubscription(subscription.id)}
              refresh={[['subscriptions']]}
              onDone={onClose}
            />
          )}
          <button type="button" className="button" onClick={onClose}>
            Close
          </button>
          <button
            type="submit"
            className="button primary"
            disabled={typeof parsed === 'string' || acting.isPending}
          >
            Save
          </button>
        </div>
      </form>
    </Modal>
  )
}

/** The object that a text is, or why it is none. */
function readObject(text: string): Body | string {
  if (text.trim() === '') return {}
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return Object.fromEntries(Object.entries(value))
    return 'expected an object in braces'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one) => b.includes(one))
}
