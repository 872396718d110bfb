import { CoreError } from './errors.ts'
import { isAckToken, readAckToken } from './notifications/ack-token.ts'
import type { Ports } from './ports.ts'
import type { Program } from './program.ts'

/** A receiver says that it is done with a delivery. From then on it is gone: nobody is sent it again. */
export type AcknowledgeDelivery = (id: string, token: string) => Promise<void>

/**
 * Builds the use case behind channels with `ack: processed`.
 *
 * The token is all that is asked for: it was sent with the delivery, is good for that one alone, and says nothing to others.
 * @throws CoreError `input.not_found` if it is no token of this delivery. Once more is no error.
 */
export function createAcknowledgeDelivery(
  { notifications, observer }: Pick<Ports, 'notifications' | 'observer'>,
  { config }: Pick<Program, 'config'>,
): AcknowledgeDelivery {
  return async (id, token) => {
    const claim = readAckToken(token)
    const channel =
      claim !== undefined && Object.hasOwn(config.channels, claim.channelId)
        ? config.channels[claim.channelId]
        : undefined
    if (
      claim === undefined ||
      claim.id !== id ||
      channel?.type !== 'webhook' ||
      channel.ack !== 'processed' ||
      channel.secret === undefined ||
      !isAckToken(channel.secret, claim, token)
    )
      throw new CoreError('input.not_found', 'expected the token that came with this delivery')
    await notifications.settle(claim.key)
    observer.count('notification.acknowledged', 1, { channelId: claim.channelId })
  }
}
