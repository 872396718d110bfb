import { CoreError, type Delivery, renderText } from '../../core/index.ts'
import { type AwsClient, faultOf } from './client.ts'

/** Of so many unfinished deliveries it is remembered who has them. */
const MAX_UNFINISHED = 1_000

/** To whom a text goes: a telephone, or an endpoint or topic of SNS. */
export type TextKind = 'sms' | 'push'

/** Faults that go away. Source: Amazon SNS API reference, Publish. */
const PASSING = /Throttl|InternalError|KMSThrottling/

/**
 * Sends short texts through SNS. Who has one is not sent it again when the rest is tried once more, as long as this
 * process lives.
 *
 * @returns a function that throws CoreError `channel.rejected` if SNS refuses one for good, `channel.unavailable` otherwise.
 */
export function createTextSender(
  client: AwsClient,
): (kind: TextKind, to: readonly string[], delivery: Delivery) => Promise<void> {
  const taken = new Map<string, Set<string>>()

  async function sendOne(kind: TextKind, to: string, message: string): Promise<void> {
    const target =
      kind === 'sms' ? 'PhoneNumber' : to.split(':').length === 6 ? 'TopicArn' : 'TargetArn'
    const body = new URLSearchParams({
      Action: 'Publish',
      Version: '2010-03-31',
      Message: message,
      [target]: to,
    })
    const response = await client
      .send({
        service: 'sns',
        method: 'POST',
        path: '/',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: body.toString(),
      })
      .catch((cause: unknown) => {
        throw new CoreError('channel.unavailable', 'sns: no answer', { cause })
      })
    if (response.status === 200) return
    const { code, message: reason } = faultOf(response)
    const passing = response.status >= 500 || PASSING.test(code)
    throw new CoreError(
      passing ? 'channel.unavailable' : 'channel.rejected',
      `sns: ${response.status} ${code} ${reason}`.trim(),
    )
  }

  return async (kind, to, delivery) => {
    const had = taken.get(delivery.key) ?? new Set<string>()
    const message = renderText(delivery)
    const faults: unknown[] = []
    for (const one of to) {
      if (had.has(one)) continue
      try {
        await sendOne(kind, one, message)
        had.add(one)
      } catch (error) {
        faults.push(error)
      }
    }
    if (faults.length === 0) {
      taken.delete(delivery.key)
      return
    }
    taken.set(delivery.key, had)
    const [oldest] = taken.keys()
    if (taken.size > MAX_UNFINISHED && oldest !== undefined) taken.delete(oldest)
    // As long as one may still get it, it is tried again.
    throw faults.find((fault) => fault instanceof CoreError && fault.retryable) ?? faults[0]
  }
}
