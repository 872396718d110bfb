import type { Delivery, Severity } from '../../model/notification.ts'

/** What people read in a chat: a line that says what, one that says more, and the facts. */
export interface Words {
  readonly title: string
  readonly text: string
  readonly facts: readonly (readonly [name: string, value: string])[]
}

const MARKS: Readonly<Record<Severity, string>> = { info: 'ℹ️', warning: '⚠️', critical: '🚨' }

/** The words of a delivery. Control characters but line breaks never get into a chat. */
export function wordsOf({ notification }: Delivery): Words {
  const { subject, text, severity, deviceId, at } = notification
  return {
    title: clean(`${MARKS[severity]} ${subject}`, 200),
    text: clean(text, 2_000),
    facts: [
      ...(deviceId === '' ? [] : [['Device', deviceId] as const]),
      ['Severity', severity],
      ['Time', new Date(at).toISOString()],
    ],
  }
}

function clean(text: string, most: number): string {
  return text
    .replace(/[^\P{Cc}\n]+/gu, ' ')
    .slice(0, most)
    .toWellFormed()
}

/** So much of the beginning of a text that what is rendered with it has at most so many bytes, as far as that can be. */
export function fitting(text: string, maxBytes: number, render: (text: string) => string): string {
  const encoder = new TextEncoder()
  const over = encoder.encode(render(text)).length - maxBytes
  if (over <= 0) return text
  // No byte of a text is rendered as less than one.
  const room = Math.max(0, encoder.encode(text).length - over)
  return text.slice(0, encoder.encodeInto(text, new Uint8Array(room)).read)
}
