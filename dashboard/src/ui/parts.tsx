import { type ReactNode, useState } from 'react'
import type { Severity } from '../api.ts'
import { formatAge, formatTime } from '../format.ts'
import { PRESENCE_TEXTS, type PresenceShown } from '../live/device.ts'
import { useNow } from '../live/live.ts'
import { QuietIcon } from './icons.tsx'

interface CardProps {
  readonly title: string
  /** Beside the title. */
  readonly note?: ReactNode
  /** At the right end of the head. */
  readonly actions?: ReactNode
  /** Without padding: for lists and tables that reach the edges. */
  readonly flush?: boolean
  readonly className?: string
  readonly children: ReactNode
}

/** A part of a page with a title. */
export function Card({ title, note, actions, flush = false, className = '', children }: CardProps) {
  return (
    <section className={`card ${className}`} aria-label={title}>
      <header className="card-head">
        <h2>{title}</h2>
        {note !== undefined && <span className="note">{note}</span>}
        {actions}
      </header>
      <div className={flush ? 'card-body flush' : 'card-body'}>{children}</div>
    </section>
  )
}

interface EmptyProps {
  readonly title: string
  readonly icon?: ReactNode
  readonly children?: ReactNode
}

/** What stands where nothing is yet: it says what to do. */
export function Empty({ title, icon = <QuietIcon />, children }: EmptyProps) {
  return (
    <div className="empty">
      {icon}
      <h3>{title}</h3>
      {children}
    </div>
  )
}

/** Lines of a list that is on its way. */
export function Skeleton({ lines = 3 }: { readonly lines?: number }) {
  return (
    <div className="stack" aria-hidden="true">
      {Array.from({ length: lines }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines without content never change places
        <span key={index} className="skeleton" style={{ width: `${92 - ((index * 17) % 40)}%` }} />
      ))}
    </div>
  )
}

/** How long ago something was; the time itself when pointed at. Epoch ms. */
export function Age({ at }: { readonly at: number }) {
  const now = useNow()
  return (
    <time
      dateTime={at > 0 ? new Date(at).toISOString() : undefined}
      title={at > 0 ? formatTime(at) : undefined}
    >
      {formatAge(at, Math.max(now, at))}
    </time>
  )
}

export function SeverityBadge({
  severity,
  children,
}: {
  readonly severity: Severity
  readonly children?: ReactNode
}) {
  return <span className={`badge ${severity}`}>{children ?? severity}</span>
}

export function PresenceDot({ presence }: { readonly presence: PresenceShown }) {
  return (
    <span
      className={`dot ${presence}`}
      role="img"
      aria-label={PRESENCE_TEXTS[presence]}
      title={PRESENCE_TEXTS[presence]}
    />
  )
}

/** A line to be run elsewhere, with a button that copies it. */
export function CopyLine({ text, label }: { readonly text: string; readonly label: string }) {
  const [copied, setCopied] = useState('')
  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(text)
      setCopied('Copied')
    } catch {
      setCopied('Not allowed')
    }
    setTimeout(() => setCopied(''), 2_000)
  }
  return (
    <div className="copy">
      <code>{text}</code>
      <button type="button" className="button small" onClick={() => void copy()} aria-label={label}>
        {copied === '' ? 'Copy' : copied}
      </button>
    </div>
  )
}

/** Why something could not be shown, and a way to try again. */
export function FaultBanner({
  error,
  onAgain,
}: {
  readonly error: unknown
  readonly onAgain?: () => void
}) {
  return (
    <div className="banner critical" role="alert">
      <span className="grow">{error instanceof Error ? error.message : String(error)}</span>
      {onAgain !== undefined && (
        <button type="button" className="button small" onClick={onAgain}>
          Try again
        </button>
      )}
    </div>
  )
}
