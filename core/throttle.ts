import type { DeviceGate } from './device-gate.ts'
import { CoreError } from './errors.ts'
import { type Delivery, SEVERITIES } from './model/notification.ts'
import { placeRecordId } from './notifications/fan-out.ts'
import type { Ports } from './ports.ts'
import type { Program } from './program.ts'

/** Whether a delivery may be sent as far as its channel's throttle is concerned: on each way on which it comes. */
export type Admit = (delivery: Delivery) => Promise<boolean>

/**
 * Builds the use case behind `throttle` of a channel: each place counts for itself, in a record of its own, whatever the
 * subscription. A place is an own address, or a recipient.
 */
export function createAdmit(
  { clock }: Pick<Ports, 'clock'>,
  { config }: Pick<Program, 'config'>,
  gate: Pick<DeviceGate, 'enter'>,
): Admit {
  return async ({ id, key, attempts, channelId, recipientId = channelId, to, notification }) => {
    const channel = Object.hasOwn(config.channels, channelId)
      ? config.channels[channelId]
      : undefined
    const throttle = channel?.throttle
    // What is tried again was let pass before; who takes it out of the dead letters wants it sent.
    if (throttle === undefined || attempts > 0 || id !== undefined) return true
    const { most, per: perMs, override } = throttle
    const isUrgent =
      override !== 'never' &&
      SEVERITIES.indexOf(notification.severity) >= SEVERITIES.indexOf(override)
    const [result] = await gate.enter(placeRecordId(channelId, recipientId, to), [
      {
        kind: 'admit',
        key,
        throttle: { most, perMs },
        recipientId,
        isUrgent,
        at: clock.now(),
      },
    ])
    if (result?.status === 'accepted') return true
    if (result?.status === 'refused' && result.code === 'channel.throttled') return false
    if (result?.status === 'refused') throw new CoreError(result.code, result.message)
    throw new CoreError('store.unavailable', 'expected an answer of the throttle, found none')
  }
}
