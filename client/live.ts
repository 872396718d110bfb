import { type EventText, readEvents } from './event-text.ts'
import { problemOf } from './problem.ts'

/** One event of the live stream. */
export interface LiveEvent {
  /** Such as `snapshot`, `devices`, `stats`, `messages` or `alarms`. */
  readonly event: string
  readonly data: unknown
  readonly id?: string
}

export interface LiveOptions {
  /** Only what one device sends and is told. */
  readonly device?: string
  /** Ends it. */
  readonly signal?: AbortSignal
  /** Where no answer says otherwise. Unit: ms. */
  readonly retryMs?: number
}

/** How a stream is asked for. */
export interface LiveSource {
  readonly baseUrl: string
  readonly fetch: (request: Request) => Promise<Response>
  readonly headers: Readonly<Record<string, string>>
  readonly credentials: 'same-origin' | 'include'
}

const LONGEST_RETRY_MS = 30_000

/**
 * What happens, as it happens. A stream that ends or breaks is asked for again, from where it was.
 * @throws AnyhubProblem if the API says no.
 */
export async function* liveEvents(
  { baseUrl, fetch, headers, credentials }: LiveSource,
  { device, signal, retryMs = 1_000 }: LiveOptions,
): AsyncGenerator<LiveEvent, void, undefined> {
  const query = device === undefined ? '' : `?device=${encodeURIComponent(device)}`
  let lastId = ''
  let wait = retryMs
  let failures = 0
  while (!isOver(signal)) {
    try {
      const answer = await fetch(
        new Request(`${baseUrl}/live${query}`, {
          headers: {
            ...headers,
            accept: 'text/event-stream',
            ...(lastId === '' ? {} : { 'last-event-id': lastId }),
          },
          credentials,
          ...(signal === undefined ? {} : { signal }),
        }),
      )
      if (isRefusal(answer.status)) throw problemOf(answer.status, await bodyOf(answer))
      if (answer.ok && answer.body !== null) {
        for await (const text of readEvents(answer.body)) {
          failures = 0
          if (text.retry !== undefined) wait = text.retry
          if (text.id !== undefined) lastId = text.id
          if (text.data !== undefined) yield toEvent(text, text.data)
        }
      } else failures++
    } catch (error) {
      if (isOver(signal)) return
      if (error instanceof Error && error.name === 'AnyhubProblem') throw error
      failures++
    }
    await pause(Math.min(wait * 2 ** Math.min(failures, 10), LONGEST_RETRY_MS), signal)
  }
}

function isOver(signal: AbortSignal | undefined): boolean {
  return signal?.aborted ?? false
}

/** Too many requests pass by themselves; other refusals do not. */
function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && status !== 429
}

async function bodyOf(answer: Response): Promise<unknown> {
  try {
    return await answer.json()
  } catch {
    return undefined
  }
}

function toEvent({ event = 'message', id }: EventText, data: string): LiveEvent {
  return { event, data: JSON.parse(data), ...(id === undefined ? {} : { id }) }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done)
  })
}
