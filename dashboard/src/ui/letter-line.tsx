import { Link } from 'wouter'
import { api, type DeadLetter } from '../api.ts'
import { useMay } from '../session/session.ts'
import { useAct } from './act.ts'
import { CodeBlock } from './code-block.tsx'
import { Age } from './parts.tsx'

const MAX_PAYLOAD = 2_000

/** One dead letter: why, from where, and when opened its bytes and what can be done. */
export function LetterLine({ letter }: { readonly letter: DeadLetter }) {
  const may = useMay('dead-letters:write')
  const redrive = useAct({
    run: () => api.redrive(letter.id),
    done: 'Sent again, and taken in',
    failed: 'It still cannot be taken in',
    refresh: [['dead-letters']],
  })
  const discard = useAct({
    run: () => api.discard(letter.id),
    done: 'Thrown away',
    failed: 'It could not be thrown away',
    refresh: [['dead-letters']],
  })
  const payload = letter.payloadText ?? letter.payloadHex ?? ''
  return (
    <li className="line letter">
      <details>
        <summary>
          <span className="line-head">
            <span className="letter-from">
              {letter.deviceId ?? (letter.topic === '' ? 'nobody' : letter.topic)}
            </span>
            <span className="tag">{letter.source}</span>
            <span className="line-age">
              <Age at={letter.at} />
            </span>
          </span>
          <span className="line-text">{letter.reason}</span>
        </summary>
        <CodeBlock
          label="Its bytes"
          text={
            payload.length > MAX_PAYLOAD
              ? `${payload.slice(0, MAX_PAYLOAD)} …`
              : payload || '(no bytes)'
          }
        />
        <p className="quiet">
          {letter.code} · {letter.topic} · {letter.payloadBytes} bytes
        </p>
        <div className="row">
          <button
            type="button"
            className="button small"
            disabled={may === 'no' || redrive.isPending}
            onClick={() => redrive.mutate(undefined)}
          >
            Send again
          </button>
          <button
            type="button"
            className="button small danger"
            disabled={may === 'no' || discard.isPending}
            onClick={() => discard.mutate(undefined)}
          >
            Throw away
          </button>
          {letter.deviceId !== undefined && (
            <Link
              className="button small ghost"
              href={`/devices/${encodeURIComponent(letter.deviceId)}`}
            >
              Device
            </Link>
          )}
        </div>
      </details>
    </li>
  )
}
