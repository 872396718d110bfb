import { CoreError, type Delivery, renderText, type Sending } from '../../core/index.ts'
import { createRecipients } from '../node/recipients.ts'
import { type AwsClient, faultOf } from './client.ts'

/** To whom a text goes: a telephone, or an endpoint or topic of SNS. */
export type TextKind = 'sms' | 'push'

/** Faults that go away. Source: Amazon SNS API reference, Publish. */
const PASSING = /Throttl|InternalError|KMSThrottling/

/** The app was removed, or its owner opted out. Source: the same page. */
const GONE = /^EndpointDisabled/

/**
 * Sends short texts through SNS. Who has one is not sent it again when the rest is tried once more, as long as this
 * process lives.
 *
 * @returns a function that throws CoreError `channel.rejected` if SNS refuses one for good, `channel.unavailable` otherwise.
 */
export function createTextSender(
  client: AwsClient,
): (kind: TextKind, to: readonly string[], delivery: Delivery, sending?: Sending) => Promise<void> {
  const toEach = createRecipients()

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
    const refused = GONE.test(code) ? 'channel.gone' : 'channel.rejected'
    throw new CoreError(
      passing ? 'channel.unavailable' : refused,
      `sns: ${response.status} ${code} ${reason}`.trim(),
    )
  }

  return (kind, to, delivery, sending) => {
    const message = renderText(delivery)
    const tellIfGone = async (one: string): Promise<void> => {
      try {
        await sendOne(kind, one, message)
      } catch (error) {
        if (error instanceof CoreError && error.code === 'channel.gone')
          sending?.gone(one, `…${one.slice(-4)}`, error.message)
        throw error
      }
    }
    return toEach(delivery, to, tellIfGone, sending)
  }
}
