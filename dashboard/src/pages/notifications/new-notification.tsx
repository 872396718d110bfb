import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Severity } from '../../api.ts'
import { administer, type Body, type NewNotification as Wish } from '../../api-administer.ts'
import { useMay } from '../../session/session.ts'
import { useAct } from '../../ui/act.ts'
import { Field, FormFault, faultAt, Tokens } from '../../ui/form.tsx'
import { PlusIcon, SendIcon } from '../../ui/icons.tsx'
import { Card } from '../../ui/parts.tsx'
import { Segments } from '../../ui/segments.tsx'
import { PreviewPane } from './preview-pane.tsx'

const SEVERITIES = [
  { value: 'info', label: 'Info' },
  { value: 'warning', label: 'Warning' },
  { value: 'critical', label: 'Critical' },
] as const

const PRIORITIES = [
  ['', 'by the severity'],
  ['0', '0, when there is time', 0],
  ['3', '3', 3],
  ['5', '5', 5],
  ['7', '7', 7],
  ['9', '9, before all others', 9],
] as const

/** The words in one more language. */
interface Words {
  readonly key: number
  readonly language: string
  readonly subject: string
  readonly text: string
}

interface Draft {
  readonly everybody: boolean
  readonly subscribers: boolean
  readonly people: readonly string[]
  readonly groups: readonly string[]
  readonly channels: readonly string[]
  readonly severity: Severity
  /** As the choice has it; '' for none. */
  readonly priority: string
  readonly deviceId: string
  readonly subject: string
  readonly text: string
  readonly words: readonly Words[]
}

const EMPTY: Draft = {
  everybody: false,
  subscribers: false,
  people: [],
  groups: [],
  channels: [],
  severity: 'info',
  priority: '',
  deviceId: '',
  subject: '',
  text: '',
  words: [],
}

/** Somebody is told something, now; beside it what each channel would send. */
export function NewNotification() {
  const may = useMay('notifications:write')
  const [draft, setDraft] = useState(EMPTY)
  const set = (change: Partial<Draft>): void => setDraft({ ...draft, ...change })
  const { people, groups, channels } = useKnown()
  const acting = useAct({
    run: () => administer.notify(bodyOf(draft)),
    done: 'It is on its way',
    failed: 'Nobody was told',
    refresh: [['notifications'], ['audit']],
    onDone: () => setDraft(EMPTY),
  })
  const fault = (pointer: string): string => faultAt(acting.error, pointer)
  const reaches =
    draft.everybody ||
    draft.subscribers ||
    draft.people.length + draft.groups.length + draft.channels.length > 0
  return (
    <div className="notify-board">
      <Card title="Tell somebody">
        <form
          className="stack"
          aria-label="New notification"
          onSubmit={(event) => {
            event.preventDefault()
            acting.mutate(undefined)
          }}
        >
          <div className="row notify-all">
            <label className="check">
              <input
                type="checkbox"
                checked={draft.everybody}
                onChange={({ target }) => set({ everybody: target.checked })}
              />
              Everybody
            </label>
            <label className="check">
              <input
                type="checkbox"
                checked={draft.subscribers}
                onChange={({ target }) => set({ subscribers: target.checked })}
              />
              Whose subscriptions ask for it
            </label>
          </div>
          <div className="form-grid notify-who">
            <Tokens
              label="People"
              placeholder="by id"
              values={draft.people}
              offers={people}
              onChange={(chosen) => set({ people: chosen })}
              fault={fault('/audience/people')}
            />
            <Tokens
              label="Groups of people"
              placeholder="by name"
              values={draft.groups}
              offers={groups}
              onChange={(chosen) => set({ groups: chosen })}
              fault={fault('/audience/groups')}
            />
            <Tokens
              label="Channels"
              placeholder={channels.length === 0 ? 'none in anyhub.yml' : channels.join(', ')}
              values={draft.channels}
              offers={channels}
              onChange={(chosen) => set({ channels: chosen })}
              fault={fault('/audience/channels')}
            />
          </div>
          <div className="form-grid notify-kind">
            <div className="field">
              <span>Severity</span>
              <div>
                <Segments
                  label="Severity"
                  options={SEVERITIES}
                  value={draft.severity}
                  onChange={(severity) => set({ severity })}
                />
              </div>
            </div>
            <Field label="Priority" fault={fault('/priority')}>
              {(props) => (
                <select
                  {...props}
                  className="input"
                  value={draft.priority}
                  onChange={({ target }) => set({ priority: target.value })}
                >
                  {PRIORITIES.map(([value, label]) => (
                    <option key={value} value={value}>
                      {label}
                    </option>
                  ))}
                </select>
              )}
            </Field>
            <Field label="About a device" fault={fault('/deviceId')}>
              {(props) => (
                <input
                  {...props}
                  className="input"
                  placeholder="none"
                  value={draft.deviceId}
                  onChange={({ target }) => set({ deviceId: target.value.trim() })}
                />
              )}
            </Field>
          </div>
          <Field label="Subject" fault={fault('/subject')}>
            {(props) => (
              <input
                {...props}
                className="input"
                required
                maxLength={1_000}
                value={draft.subject}
                onChange={({ target }) => set({ subject: target.value })}
              />
            )}
          </Field>
          <Field
            label="Text"
            hint="{{deviceId}}, {{severity}} and {{data.…}} are filled in"
            fault={fault('/text')}
          >
            {(props) => (
              <textarea
                {...props}
                className="input notify-text"
                rows={3}
                value={draft.text}
                onChange={({ target }) => set({ text: target.value })}
              />
            )}
          </Field>
          {draft.words.map((one) => (
            <OtherWords
              key={one.key}
              words={one}
              fault={fault(`/words/${one.language}`)}
              onChange={(next) =>
                set({ words: draft.words.map((other) => (other.key === one.key ? next : other)) })
              }
              onRemove={() => set({ words: draft.words.filter((other) => other.key !== one.key) })}
            />
          ))}
          <FormFault
            error={acting.error}
            fields={[
              '/audience/people',
              '/audience/groups',
              '/audience/channels',
              '/priority',
              '/deviceId',
              '/subject',
              '/text',
            ]}
          />
          <div className="row">
            <button
              type="button"
              className="button small ghost"
              onClick={() =>
                set({
                  words: [
                    ...draft.words,
                    {
                      key: 1 + Math.max(0, ...draft.words.map(({ key }) => key)),
                      language: '',
                      subject: '',
                      text: '',
                    },
                  ],
                })
              }
            >
              <PlusIcon /> Another language
            </button>
            <span className="grow" />
            <button
              type="submit"
              className="button primary"
              disabled={may === 'no' || !reaches || draft.subject === '' || acting.isPending}
              title={reaches ? undefined : 'Say first who is told'}
            >
              <SendIcon /> Send
            </button>
          </div>
        </form>
      </Card>
      <PreviewPane
        body={previewOf(draft)}
        languages={draft.words.flatMap(({ language }) => (language === '' ? [] : [language]))}
        channels={draft.channels}
      />
    </div>
  )
}

interface OtherWordsProps {
  readonly words: Words
  readonly fault: string
  readonly onChange: (words: Words) => void
  readonly onRemove: () => void
}

function OtherWords({ words, fault, onChange, onRemove }: OtherWordsProps) {
  return (
    <fieldset className="notify-words">
      <legend className="visually-hidden">
        In {words.language === '' ? 'another language' : words.language}
      </legend>
      <Field label="Language" fault={fault}>
        {(props) => (
          <input
            {...props}
            className="input"
            placeholder="de, en-GB"
            value={words.language}
            onChange={({ target }) => onChange({ ...words, language: target.value.trim() })}
          />
        )}
      </Field>
      <Field label="Subject in it">
        {(props) => (
          <input
            {...props}
            className="input"
            value={words.subject}
            onChange={({ target }) => onChange({ ...words, subject: target.value })}
          />
        )}
      </Field>
      <button type="button" className="button small ghost" onClick={onRemove}>
        Without it
      </button>
      <Field label="Text in it" className="notify-words-text">
        {(props) => (
          <textarea
            {...props}
            className="input notify-text"
            rows={2}
            value={words.text}
            onChange={({ target }) => onChange({ ...words, text: target.value })}
          />
        )}
      </Field>
    </fieldset>
  )
}

/** Who and what can be told, as far as this caller may know. */
function useKnown() {
  const may = useMay('people:read')
  const people = useQuery({
    queryKey: ['people', 'known', may],
    queryFn: () => administer.people({ limit: 1_000 }),
    enabled: may === 'yes',
    retry: false,
  })
  const channels = useQuery({
    queryKey: ['channels'],
    queryFn: () => administer.preview({}),
    retry: false,
  })
  const known = people.data?.people ?? []
  return {
    people: known.map(({ id }) => id),
    groups: [...new Set(known.flatMap(({ groups = [] }) => groups))].toSorted(),
    channels: (channels.data ?? []).map(({ channel }) => channel),
  }
}

function wordsOf({ words }: Draft): NonNullable<Wish['words']> {
  return Object.fromEntries(
    words
      .filter(({ language, subject, text }) => language !== '' && subject + text !== '')
      .map(({ language, subject, text }) => [
        language,
        { ...(subject === '' ? {} : { subject }), ...(text === '' ? {} : { text }) },
      ]),
  )
}

function bodyOf(draft: Draft): Wish {
  const { everybody, subscribers, people, groups, channels } = draft
  const { severity, deviceId, subject, text } = draft
  const priority = PRIORITIES.find(([value]) => value === draft.priority)?.[2]
  return {
    audience: {
      everybody,
      subscribers,
      people: [...people],
      groups: [...groups],
      channels: [...channels],
    },
    severity,
    subject,
    text,
    words: wordsOf(draft),
    ...(priority === undefined ? {} : { priority }),
    ...(deviceId === '' ? {} : { deviceId }),
  }
}

function previewOf(draft: Draft): Body {
  const { severity, deviceId, subject, text } = draft
  return {
    severity,
    words: wordsOf(draft),
    ...(subject === '' ? {} : { subject, text }),
    ...(deviceId === '' ? {} : { deviceId }),
  }
}
