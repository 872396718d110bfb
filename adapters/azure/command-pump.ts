import type { Core, DeviceRecord, ReceivedCommand, Settlement } from '../../core/index.ts'
import { createWakes, settleHeld, type Wakes } from '../node/wakes.ts'
import type { DeviceBound } from './device-bound.ts'
import type { FeedbackRecord, Hub } from './hub.ts'

/** Brings commands to devices through the queue that IoT Hub has for each. */
export interface CommandPump extends Wakes {
  /** Hands what waits to the hub, for a device that is connected. */
  deliver(deviceId: string): Promise<void>
  /** Reads what became of commands, as long as there is something and until `until` (epoch ms); tells how many there were. */
  hear(until: number): Promise<number>
}

/** Commands of one device that are handed over at once. */
const AT_ONCE = 10

/** What the hub tells of the end of a command comes so late at most: its own batches, and the tick. Unit: ms. */
const FEEDBACK_MS = 300_000

/** What is as good as over does not go to the hub again. Unit: ms. */
const RETURN_MS = 60_000

/** The hub keeps no message for longer; a little less, for clocks differ. Unit: ms. */
const HUB_KEEPS_MS = 2 * 86_400_000 - 60_000

/** The command itself, where it has a name: a message to a device has none. Source: docs/azure.md. */
const NAME_PROPERTY = 'command'
const UNNAMED = 'message'

/**
 * The hub keeps a message until its device says what became of it, and tells us by feedback: so long we hold the command.
 */
export function createCommandPump(
  deviceBound: Pick<DeviceBound, 'send'>,
  hub: Pick<Hub, 'receiveFeedback' | 'completeFeedback'>,
  core: () => Core,
): CommandPump {
  async function deliver(deviceId: string): Promise<void> {
    const { commands, ports } = core()
    const record = await ports.devices.load(deviceId)
    if (record === undefined || !isReachable(record)) return
    const lockMs = holdOf(record, ports.clock.now())
    const received = await commands.receiveMany(deviceId, AT_ONCE, { lockMs })
    for (const [index, one] of received.entries()) {
      try {
        await send(deviceId, one)
      } catch (error) {
        for (const { lockToken } of received.slice(index))
          await commands.settle(deviceId, lockToken, 'release')
        throw error
      }
    }
    // Those that came meanwhile ask again; those that were too many do not.
    if (received.length === AT_ONCE) await deliver(deviceId)
  }

  function send(
    deviceId: string,
    { command, payload, properties, correlationId, contentType }: ReceivedCommand,
  ): Promise<void> {
    const { commandId, name, expiresAt } = command
    return deviceBound.send(deviceId, {
      messageId: commandId,
      payload,
      // Also where the sender wants to hear nothing: it is how we hear of its end.
      ack: 'full',
      expiresAt: Math.min(expiresAt, core().ports.clock.now() + HUB_KEEPS_MS),
      contentType,
      correlationId,
      properties: { ...(name === UNNAMED ? {} : { [NAME_PROPERTY]: name }), ...properties },
    })
  }

  /** What is of no command that the hub holds for us was sent by somebody else, or has ended. */
  async function settle({ deviceId, ...record }: FeedbackRecord): Promise<void> {
    const commandId = record.originalMessageId
    const [how, reason] = settlementOf(record)
    const { commands, ports } = core()
    const settled = await settleHeld(core(), { deviceId, commandId, how, reason })
    if (!settled || how !== 'release') return
    const left = await commands.get(deviceId, commandId)
    // It may wait for longer than the hub keeps anything: then it goes there once more.
    const again = left?.state === 'Enqueued' && left.expiresAt > ports.clock.now() + RETURN_MS
    if (again) wakes.ask(deviceId)
  }

  const wakes = createWakes(core, deliver)
  return {
    ...wakes,
    deliver,

    async hear(until) {
      const { clock } = core().ports
      let heard = 0
      do {
        const feedback = await hub.receiveFeedback()
        if (feedback === undefined) break
        for (const record of feedback.records) await settle(record)
        // Not before: what was not settled comes again.
        await hub.completeFeedback(feedback.lockToken)
        heard += feedback.records.length
      } while (clock.now() < until)
      return heard
    },
  }
}

/**
 * Whether the device may take a message: it is connected, or nobody tells of its connection and it is heard of: devices
 * that poll over HTTPS. For the others commands wait with us, where everybody sees that they wait.
 */
function isReachable({ presence, accepted }: DeviceRecord): boolean {
  return presence.connected || (presence.changedAt === 0 && accepted > 0)
}

/** Until the last of those that wait is over, and the hub has said so. Unit: ms. */
function holdOf({ commands = [] }: DeviceRecord, now: number): number {
  const ends = commands.flatMap(({ state, expiresAt }) => (state === 'Enqueued' ? [expiresAt] : []))
  return Math.max(0, ...ends.map((at) => at - now)) + FEEDBACK_MS
}

/** Source: IoT Hub, "Send cloud-to-device messages", status codes of feedback. */
function settlementOf({
  statusCode,
  description,
}: Omit<FeedbackRecord, 'deviceId'>): [how: Settlement, reason?: string] {
  switch (statusCode) {
    case 'Success':
      return ['complete']
    case 'Expired':
      // By our own clock it is over too: it ends as expired.
      return ['release']
    case 'Rejected':
      return description === '' || description === statusCode ? ['reject'] : ['reject', description]
    default:
      // DeliveryCountExceeded, Purged: the hub has given it up.
      return ['reject', statusCode]
  }
}
