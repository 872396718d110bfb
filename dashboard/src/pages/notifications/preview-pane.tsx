import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { administer, type Body, type Preview } from '../../api-administer.ts'
import { CodeBlock } from '../../ui/code-block.tsx'
import { Card, Empty, Skeleton } from '../../ui/parts.tsx'
import { Segments } from '../../ui/segments.tsx'
import { useLater } from '../../ui/use-later.ts'

interface PreviewPaneProps {
  readonly body: Body
  /** The languages that the words are there in. */
  readonly languages: readonly string[]
  /** Only these; all of them if none is named. */
  readonly channels: readonly string[]
}

/** What each channel would send, while it is written. */
export function PreviewPane({ body, languages, channels }: PreviewPaneProps) {
  const [chosen, setChosen] = useState('')
  const language = languages.includes(chosen) ? chosen : ''
  const later = useLater(JSON.stringify({ ...body, ...(language === '' ? {} : { language }) }))
  const asked = useQuery({
    queryKey: ['preview', later],
    queryFn: () => administer.preview(JSON.parse(later)),
    placeholderData: keepPreviousData,
    retry: false,
  })
  const shown = (asked.data ?? []).filter(
    ({ channel }) => channels.length === 0 || channels.includes(channel),
  )
  return (
    <Card
      title="What they read"
      actions={
        languages.length > 0 && (
          <Segments
            label="Language"
            options={[
              { value: '', label: 'others' },
              ...[...new Set(languages)].map((one) => ({ value: one, label: one })),
            ]}
            value={language}
            onChange={setChosen}
          />
        )
      }
    >
      {asked.isPending ? (
        <Skeleton lines={5} />
      ) : asked.isError ? (
        <p className="field-fault" role="status">
          {asked.error.message}
        </p>
      ) : shown.length === 0 ? (
        <Empty title="No channel yet">
          <p>
            Channels stand in anyhub.yml: email, SMS, voice, push, Slack, Teams, Telegram, webhooks,
            MQTT, queues.
          </p>
        </Empty>
      ) : (
        <ul className="stack" aria-label="Previews">
          {shown.map((preview) => (
            <PreviewOf key={preview.channel} preview={preview} />
          ))}
        </ul>
      )}
    </Card>
  )
}

function PreviewOf({ preview: { channel, type, content } }: { readonly preview: Preview }) {
  const subject = textAt(content, 'subject')
  const text = textAt(content, 'text')
  const isWords = text !== undefined && Object.keys(Object(content)).length <= 2
  return (
    <li className="preview">
      <p className="preview-head">
        <b>{channel}</b> <span className="tag">{type}</span>
      </p>
      {isWords ? (
        <>
          {subject !== undefined && <p className="preview-subject">{subject}</p>}
          <p className="preview-text">{text}</p>
        </>
      ) : (
        <CodeBlock label={`What ${channel} sends`} text={JSON.stringify(content, null, 2)} />
      )}
    </li>
  )
}

function textAt(content: unknown, name: string): string | undefined {
  const found = Object.entries(Object(content)).find(([key]) => key === name)?.[1]
  return typeof found === 'string' ? found : undefined
}
