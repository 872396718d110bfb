import type { DeviceGate } from './device-gate.ts'
import { CoreError } from './errors.ts'
import type { DeadLetter } from './model/dead-letter.ts'
import type { OutboxEntry } from './model/effect.ts'
import type { Delivery } from './model/notification.ts'
import type { Ingest, Outcome, Uplink } from './model/uplink.ts'
import type { Ports } from './ports.ts'

/** What became of a redrive. */
export type RedriveResult = Outcome | { readonly status: 'queued' }

/** Sends one dead letter again. It is removed only once its message is stored or queued. */
export type Redrive = (id: string) => Promise<RedriveResult>

/**
 * Builds the use case that sends dead letters again.
 *
 * A message keeps its time of receipt, and is known by its dead letter's id if it has none, so that a second redrive is
 * a duplicate. One that fails again stays under its old id.
 * @throws CoreError `input.not_found` if there is no such dead letter; `input.malformed` if only its start was kept.
 */
export function createRedrive(
  ports: Ports,
  ingest: Ingest,
  gate: DeviceGate,
  /** Reads a message of a network again; `undefined` if no network brought it. */
  readAgain: (letter: DeadLetter, now: number) => Promise<Outcome | undefined> = async () =>
    undefined,
): Redrive {
  return async (id) => {
    const letter = await ports.deadLetters.get(id)
    if (letter === undefined)
      throw new CoreError(
        'input.not_found',
        `expected the id of a dead letter, found ${JSON.stringify(id)}`,
      )
    if (letter.payload.length < letter.payloadBytes) {
      throw new CoreError(
        'input.malformed',
        `only ${letter.payload.length} of ${letter.payloadBytes} bytes were kept: send it again from its source`,
      )
    }
    if (letter.source === 'notify') {
      await ports.notifications.enqueue([toDelivery(letter)])
      await ports.deadLetters.remove(id)
      return { status: 'queued' }
    }
    if (letter.source === 'outbox') {
      const { key, effect }: OutboxEntry = JSON.parse(new TextDecoder().decode(letter.payload))
      const { deviceId = '' } = letter
      // Groups of fleet-wide windows and inboxes are records that are no devices.
      const enter = deviceId.startsWith('$') ? gate.enter : gate.run
      const [result] = await enter(deviceId, [
        { kind: 'effect', key: `${key}+${letter.id}`, effect },
      ])
      if (result?.status === 'refused') throw new CoreError(result.code, result.message)
      await ports.deadLetters.remove(id)
      return { status: 'queued' }
    }
    const now = ports.clock.now()
    const at = letter.code === 'uplink.future_time' ? now : letter.receivedAt
    const outcome = (await readAgain(letter, at)) ?? (await ingest([toUplink(letter, now)])).at(0)
    if (outcome === undefined)
      throw new CoreError('store.unavailable', 'expected one outcome, found none')
    if (outcome.status === 'dead_lettered') await ports.deadLetters.remove(outcome.deadLetterId)
    else if (outcome.status !== 'retry') await ports.deadLetters.remove(id)
    return outcome.status === 'dead_lettered' ? { ...outcome, deadLetterId: id } : outcome
  }
}

/** What came from the future is judged by today's clock: its time may have come. */
function toUplink(letter: DeadLetter, now: number): Uplink {
  return {
    deviceId: letter.deviceId,
    topic: letter.topic,
    payload: letter.payload,
    contentType: letter.contentType,
    receivedAt: letter.code === 'uplink.future_time' ? now : letter.receivedAt,
    source: letter.source,
    deliveryId: letter.id,
    redelivered: true,
    ...(letter.messageId === undefined ? {} : { messageId: letter.messageId }),
    ...(letter.sentAt === undefined ? {} : { sentAt: letter.sentAt }),
    ...(letter.ruleId === undefined ? {} : { ruleId: letter.ruleId }),
  }
}

/**
 * A fresh key: the old one is known to the queue as settled. Receivers know it by the id that it had; and who sends it again
 * wants it sent, however late.
 */
function toDelivery(letter: DeadLetter): Delivery {
  const { notification, ...delivery }: Delivery = JSON.parse(
    new TextDecoder().decode(letter.payload),
  )
  const { expiresAt: _past, ...lasting } = notification
  return {
    ...delivery,
    notification: lasting,
    key: `${delivery.key}+${letter.id}`,
    id: delivery.id ?? delivery.key,
    attempts: 0,
  }
}
