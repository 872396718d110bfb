import { type ClaimedFeedback, type Core, CoreError, isDeviceId } from '../../../core/index.ts'
import { UNNAMED_COMMAND } from '../dialects/azure-command.ts'
import type {
  AmqpDelivery,
  AmqpInbound,
  AmqpMessage,
  AmqpOutbound,
} from '../listeners/amqp/index.ts'
import { textOf } from '../listeners/amqp/index.ts'
import { deviceOfAddress, type ServicePart } from './addresses.ts'
import { readAzureProperties } from './azure-message.ts'
import type { AmqpServices } from './services.ts'

/** Links of the back end: what it sends to devices, and what it hears of that. */
export interface ServiceLinks {
  attach(link: AmqpInbound | AmqpOutbound, part: ServicePart): void
  close(): void
}

const SEND_CREDIT = 200
const MAX_SEND_BYTES = 131_072
/** Source: Azure IoT Hub, feedback: one message holds up to 64 records, and a lock lasts 60 s. */
const RECORDS = 64
const LOCK_MS = 60_000
/** How often it is looked whether there is feedback. Unit: ms. */
const LOOK_MS = 500
/** Feedback messages that one link holds at a time. */
const MAX_HELD = 10

const ACKS = ['none', 'positive', 'negative', 'full'] as const

export function createServiceLinks({ core }: Pick<AmqpServices, 'core'>): ServiceLinks {
  const { observer, clock, ids } = core.ports
  const readers = new Map<AmqpOutbound, { held: number }>()
  let timer: NodeJS.Timeout | undefined
  let looking = false

  function takeCommands(link: AmqpInbound): void {
    link.accept({
      credit: SEND_CREDIT,
      maxMessageBytes: MAX_SEND_BYTES,
      onMessage: (delivery) => void send(delivery),
    })
  }

  async function send(delivery: AmqpDelivery): Promise<void> {
    try {
      const deviceId = deviceOfAddress(delivery.message.to ?? '')
      if (deviceId === undefined || !isDeviceId(deviceId)) {
        delivery.reject(
          'amqp:not-found',
          'ErrorCode:DeviceNotFound; expected to: /devices/{id}/messages/devicebound',
        )
        return
      }
      await core.commands.send(deviceId, toRequest(delivery.message))
      delivery.accept()
    } catch (error) {
      const { condition, description } = faultOf(error)
      observer.count('amqp.refused', 1, { what: condition })
      delivery.reject(condition, description)
    }
  }

  function toRequest(message: AmqpMessage): Parameters<Core['commands']['send']>[1] {
    const { 'iothub-ack': asked, ...properties } = readAzureProperties(message).application
    const wanted = asked ?? textOf(message.applicationProperties['ack']) ?? 'none'
    const ack = ACKS.find((one) => one === wanted.toLowerCase())
    if (ack === undefined)
      throw new CoreError('command.invalid', `iothub-ack: expected one of ${ACKS.join(', ')}`)
    const { messageId, correlationId, contentType, expiresAt, ttlMs } = message
    return {
      name: UNNAMED_COMMAND,
      payload: message.body,
      properties,
      ack,
      sentBy: 'azure-iothub',
      ...(messageId === undefined || messageId === '' ? {} : { commandId: messageId }),
      ...(correlationId === undefined || correlationId === '' ? {} : { correlationId }),
      ...(contentType === undefined || contentType === '' ? {} : { contentType }),
      ...(expiresAt === undefined ? (ttlMs === undefined ? {} : { ttlMs }) : { expiresAt }),
    }
  }

  function tellFeedback(link: AmqpOutbound): void {
    readers.set(link, { held: 0 })
    link.accept({
      onCredit: look,
      onClosed() {
        readers.delete(link)
        if (readers.size === 0) {
          clearInterval(timer)
          timer = undefined
        }
      },
    })
    timer ??= setInterval(look, LOOK_MS)
    timer.unref()
    look()
  }

  function look(): void {
    if (looking) return
    looking = true
    lookOnce()
      .catch((error: unknown) =>
        observer.log('warn', 'feedback not read', {
          reason: error instanceof Error ? error.message : String(error),
        }),
      )
      .finally(() => {
        looking = false
      })
  }

  /** Each piece goes to one reader, which holds it until it says what it did, and at most for the time of the lock. */
  async function lookOnce(): Promise<void> {
    for (const [link, reader] of [...readers]) {
      while (reader.held < MAX_HELD && link.sendable()) {
        const claimed = await core.commands.claimFeedback(RECORDS, LOCK_MS)
        if (claimed.length === 0) return
        if (!link.sendable()) {
          await giveBack(claimed)
          break
        }
        reader.held++
        link.send(toFeedback(claimed), (settlement) => {
          reader.held--
          // Rejected is done with as well: it would be rejected again.
          const isDone = settlement === 'accepted' || settlement === 'rejected'
          void (isDone ? remove(claimed) : giveBack(claimed)).then(look)
        })
      }
    }
  }

  function toFeedback(claimed: readonly ClaimedFeedback[]) {
    const records = claimed.map(({ feedback }) => feedback)
    return {
      messageId: ids.next(clock.now()),
      contentType: 'application/vnd.microsoft.iothub.feedback.json',
      body: Buffer.from(JSON.stringify(records)),
    }
  }

  async function remove(claimed: readonly ClaimedFeedback[]): Promise<void> {
    await each(claimed, (id) => core.commands.removeFeedback(id))
  }

  async function giveBack(claimed: readonly ClaimedFeedback[]): Promise<void> {
    await each(claimed, (id) => core.commands.releaseFeedback(id))
  }

  async function each(
    claimed: readonly ClaimedFeedback[],
    run: (id: string) => Promise<unknown>,
  ): Promise<void> {
    const done = await Promise.allSettled(claimed.map(({ id }) => run(id)))
    if (done.some(({ status }) => status === 'rejected'))
      observer.log('warn', 'feedback not settled: it comes again', { records: claimed.length })
  }

  return {
    attach(link, part) {
      switch (part) {
        case 'devicebound':
          if (link.kind === 'inbound') takeCommands(link)
          else link.close('amqp:not-allowed', 'the back end sends here')
          return
        case 'feedback':
          if (link.kind === 'outbound') tellFeedback(link)
          else link.close('amqp:not-allowed', 'the back end receives here')
          return
        case 'filenotifications':
          link.close(
            'amqp:not-implemented',
            'there are no uploads of files, and no word about them',
          )
      }
    },

    close() {
      clearInterval(timer)
      timer = undefined
    },
  }
}

/**
 * A refusal in the words of the vendor.
 * Source: wire of azure-iothub 1.16, `translateError`: conditions become typed errors of the SDK.
 */
function faultOf(error: unknown): { readonly condition: string; readonly description: string } {
  const description = error instanceof Error ? error.message : String(error)
  if (!(error instanceof CoreError)) return { condition: 'amqp:internal-error', description }
  switch (error.code) {
    case 'input.not_found':
    case 'uplink.bad_device_id':
      return {
        condition: 'amqp:not-found',
        description: `ErrorCode:DeviceNotFound; ${description}`,
      }
    case 'command.queue_full':
      return {
        // The SDK knows this error by a condition that means many things elsewhere.
        condition: 'amqp:resource-limit-exceeded',
        description: `ErrorCode:DeviceMaximumQueueDepthExceeded; ${description}`,
      }
    case 'command.too_large':
      return {
        condition: 'amqp:link:message-size-exceeded',
        description: `ErrorCode:MessageTooLarge; ${description}`,
      }
    case 'command.invalid':
      return {
        condition: 'com.microsoft:argument-error',
        description: `ErrorCode:ArgumentInvalid; ${description}`,
      }
    default:
      return { condition: 'amqp:internal-error', description }
  }
}
