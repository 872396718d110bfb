import type { Core } from '../../../core/index.ts'
import { azureError } from './azure-error.ts'

/** Source: Azure IoT Hub, feedback: one message holds up to 64 records, and a lock lasts 60 s. */
const RECORDS = 64
const LOCK_MS = 60_000

/** Shape: `/messages/servicebound/feedback[/{lock}[/abandon]]`. */
export const FEEDBACK = /^\/messages\/servicebound\/feedback(?:\/([^/]+)(\/abandon)?)?\/?$/i

/** Feedback as back ends fetch it over HTTPS, one message of records at a time. */
export type FeedbackHttp = (method: string, path: string) => Promise<Response>

/** Source: IoT Hub service REST reference, receive, complete and abandon feedback notification. */
export function createFeedbackHttp({ commands, ports }: Core): FeedbackHttp {
  const { clock, ids } = ports
  /** Records that somebody holds, by the lock that he was given. */
  const held = new Map<string, { readonly ids: readonly string[]; readonly until: number }>()

  async function receive(): Promise<Response> {
    const now = clock.now()
    // What was held for too long is there for others again, by itself.
    for (const [lock, { until }] of held) if (until <= now) held.delete(lock)
    const claimed = await commands.claimFeedback(RECORDS, LOCK_MS)
    if (claimed.length === 0) return new Response(null, { status: 204 })
    const lock = ids.next(now)
    held.set(lock, { ids: claimed.map(({ id }) => id), until: now + LOCK_MS })
    return Response.json(
      claimed.map(({ feedback }) => feedback),
      { headers: { etag: `"${lock}"` } },
    )
  }

  async function settle(lock: string, run: (id: string) => Promise<unknown>): Promise<Response> {
    const found = held.get(lock)
    if (found === undefined || found.until <= clock.now())
      return azureError(412, 'DeviceMessageLockLost', 'expected a lock that is held')
    for (const id of found.ids) await run(id)
    held.delete(lock)
    return new Response(null, { status: 204 })
  }

  return async (method, path) => {
    const [, lock, abandon] = FEEDBACK.exec(path) ?? []
    if (lock === undefined && method === 'GET') return receive()
    if (lock !== undefined && abandon === undefined && method === 'DELETE')
      return settle(lock, commands.removeFeedback)
    if (lock !== undefined && abandon !== undefined && method === 'POST')
      return settle(lock, commands.releaseFeedback)
    return azureError(405, 'ArgumentInvalid', `${method} is not served here`)
  }
}
