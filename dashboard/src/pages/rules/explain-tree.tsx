import type { Explained, RuleExplanation } from '../../api.ts'
import { formatJson } from './format-json.ts'

/** So deep a tree is open at first. */
const OPEN_DEPTH = 4

/** How a rule came to what it did with one message: every part with its value. */
export function ExplainTree({ explanation }: { readonly explanation: RuleExplanation }) {
  const { topic, set, where, select } = explanation
  return (
    <section className="explain" aria-label="How it came to that">
      <Clause name="FROM">
        <div className="explain-leaf">
          <code>{topic.filter}</code>
          <Value is={topic.matched ? 'true' : 'false'}>
            {topic.matched ? `fits ${topic.topic}` : `does not fit ${topic.topic}`}
          </Value>
        </div>
      </Clause>
      {set.length > 0 && (
        <Clause name="SET">
          {set.map((part) => (
            <Part key={part.text} part={part} depth={0} />
          ))}
        </Clause>
      )}
      {where !== undefined && (
        <Clause name="WHERE">
          <Part part={where} depth={0} />
        </Clause>
      )}
      <Clause name="SELECT">
        {select.map((part) => (
          <Part key={part.text} part={part} depth={OPEN_DEPTH - 1} />
        ))}
      </Clause>
    </section>
  )
}

function Clause({ name, children }: { readonly name: string; readonly children: React.ReactNode }) {
  return (
    <div className="explain-clause">
      <span className="explain-name">{name}</span>
      <div className="grow">{children}</div>
    </div>
  )
}

function Part({ part, depth }: { readonly part: Explained; readonly depth: number }) {
  const { text, parts = [], note } = part
  const line = (
    <>
      <code>{text}</code>
      <Value is={kindOf(part)}>
        {part.undefined === undefined ? formatJson(part.value ?? null) : part.undefined}
      </Value>
      {note !== undefined && <span className="quiet">{note}</span>}
    </>
  )
  if (parts.length === 0) return <div className="explain-leaf">{line}</div>
  return (
    <details className="explain-part" open={depth < OPEN_DEPTH}>
      <summary>{line}</summary>
      <div className="explain-inner">
        {parts.map((inner, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: parts of one expression never change places
          <Part key={index} part={inner} depth={depth + 1} />
        ))}
      </div>
    </details>
  )
}

type Kind = 'true' | 'false' | 'undefined' | 'other'

function kindOf(part: Explained): Kind {
  if (part.undefined !== undefined) return 'undefined'
  return part.value === true ? 'true' : part.value === false ? 'false' : 'other'
}

function Value({ is, children }: { readonly is: Kind; readonly children: React.ReactNode }) {
  return <span className={`explain-value ${is}`}>{children}</span>
}
