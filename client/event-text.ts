/** One event as it stands in a stream. */
export interface EventText {
  readonly event?: string
  /** Absent where only an id or a time was told. */
  readonly data?: string
  readonly id?: string
  /** Unit: ms. */
  readonly retry?: number
}

/** Reads a stream of server-sent events. Source: HTML Standard, 9.2.6. */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<EventText, void, undefined> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  let lines: string[] = []
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      rest += decoder.decode(value, { stream: true })
      // A carriage return at the end may be half of a line's end.
      const parts = rest.split(/\r\n|\n|\r(?!$)/)
      rest = parts.pop() ?? ''
      for (const line of parts) {
        if (line !== '') lines.push(line)
        else if (lines.length > 0) {
          const event = toText(lines)
          lines = []
          if (Object.keys(event).length > 0) yield event
        }
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

function toText(lines: readonly string[]): EventText {
  const data: string[] = []
  let event: EventText = {}
  for (const line of lines) {
    const [, field = '', value = ''] = /^([^:]*)(?::[ ]?([\s\S]*))?$/.exec(line) ?? []
    if (field === 'data') data.push(value)
    else if (field === 'event' && value !== '') event = { ...event, event: value }
    else if (field === 'id' && !value.includes('\0')) event = { ...event, id: value }
    else if (field === 'retry' && /^\d+$/.test(value)) event = { ...event, retry: Number(value) }
  }
  return data.length === 0 ? event : { ...event, data: data.join('\n') }
}
