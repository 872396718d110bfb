import rhea from 'rhea'
import type { AmqpConnection, AmqpDelivery, AmqpHooks, AmqpSettlement } from './hooks.ts'
import type { AmqpLimits } from './limits.ts'
import { BATCH_FORMAT, isObject, readBatch, readMessage, textOf, toRhea } from './message.ts'
import { AmqpViolation } from './violation.ts'

export interface LinksOptions {
  readonly connection: AmqpConnection
  readonly hooks: AmqpHooks
  readonly limits: AmqpLimits
  /** What is not written yet. Unit: bytes. */
  readonly backlog: () => number
  readonly fault: (error: unknown) => void
}

/** The links of one connection, between the library and the hooks. */
export interface Links {
  senderOpened(context: rhea.EventContext): void
  receiverOpened(context: rhea.EventContext): void
  received(context: rhea.EventContext): void
  sendable(context: rhea.EventContext): void
  settled(
    context: rhea.EventContext,
    outcome: 'accepted' | 'rejected' | 'released' | 'modified' | undefined,
  ): void
  senderClosed(context: rhea.EventContext): void
  receiverClosed(context: rhea.EventContext): void
  /** What waited is written. */
  drained(): void
  /** The connection has ended. */
  end(): void
}

interface Inbound {
  readonly onMessage: (delivery: AmqpDelivery) => void
  readonly onClosed: () => void
  readonly maxMessageBytes: number
  /** What of the credit that was granted is not used. */
  credit: number
}

interface Outbound {
  readonly onCredit: () => void
  readonly onClosed: () => void
  readonly waiting: Map<rhea.Delivery, (settlement: AmqpSettlement) => void>
}

export function createLinks({ connection, hooks, limits, backlog, fault }: LinksOptions): Links {
  const inbound = new Map<rhea.Receiver, Inbound>()
  const outbound = new Map<rhea.Sender, Outbound>()

  /** Answers that wait for a turn of their own, and what the present turn has said. */
  const answers: { readonly isAccepted: boolean; readonly settle: () => void }[] = []
  let said: boolean | undefined

  /**
   * The library tells two answers of one turn that are not alike as if both were the first: each turn gets answers of
   * one kind, and of refusals one.
   */
  function settleInTurn(isAccepted: boolean, settle: () => void): void {
    if (answers.length > 0 || (said !== undefined && !(said && isAccepted))) {
      answers.push({ isAccepted, settle })
      return
    }
    if (said === undefined) setImmediate(nextTurn)
    said = isAccepted
    call(settle)
  }

  function nextTurn(): void {
    said = undefined
    for (const { isAccepted, settle } of answers.splice(0)) settleInTurn(isAccepted, settle)
  }

  /** Calls ours, from which nothing may escape into the library. */
  function call(run: () => void): void {
    try {
      run()
    } catch (error) {
      fault(error)
    }
  }

  function closeSender(sender: rhea.Sender): void {
    const state = outbound.get(sender)
    if (state === undefined) return
    outbound.delete(sender)
    for (const tell of state.waiting.values()) call(() => tell('lost'))
    state.waiting.clear()
    call(state.onClosed)
  }

  function closeReceiver(receiver: rhea.Receiver): void {
    const state = inbound.get(receiver)
    if (state === undefined) return
    inbound.delete(receiver)
    call(state.onClosed)
  }

  function closeLink(link: rhea.Sender | rhea.Receiver, condition: string, text: string): void {
    if (!connection.isOpen) return
    call(() => link.close({ condition, description: text }))
  }

  return {
    senderOpened({ sender }) {
      if (sender === undefined) return
      const { source, target } = sender
      const filter: unknown = source?.filter
      call(() =>
        hooks.attached({
          kind: 'outbound',
          connection,
          name: sender.name,
          address: textOf(source?.address) ?? '',
          target: textOf(target?.address) ?? '',
          properties: plainMap(sender.properties),
          filter: plainMap(filter),
          desiredCapabilities: [sender.desired_capabilities].flat().map(String),
          accept({ onCredit = () => undefined, onClosed = () => undefined }) {
            outbound.set(sender, { onCredit, onClosed, waiting: new Map() })
            sender.set_source(echo(source))
            sender.set_target(echo(target))
          },
          close(condition, description) {
            closeLink(sender, condition, description)
            closeSender(sender)
          },
          sendable: () =>
            connection.isOpen &&
            outbound.has(sender) &&
            backlog() < limits.pauseBytes &&
            sender.sendable(),
          send(message, onSettled) {
            const state = outbound.get(sender)
            if (state === undefined || !connection.isOpen || !sender.is_open()) {
              onSettled?.('lost')
              return
            }
            try {
              const delivery = Buffer.isBuffer(message)
                ? sender.send(message, undefined, 0)
                : sender.send(toRhea(message))
              if (onSettled !== undefined) state.waiting.set(delivery, onSettled)
            } catch (error) {
              // More waits than the library keeps: the peer asks, and takes no answers.
              onSettled?.('lost')
              fault(error)
            }
          },
        }),
      )
    },

    receiverOpened({ receiver }) {
      if (receiver === undefined) return
      const { source, target } = receiver
      call(() =>
        hooks.attached({
          kind: 'inbound',
          connection,
          name: receiver.name,
          address: textOf(target?.address) ?? '',
          properties: plainMap(receiver.properties),
          accept({ credit, maxMessageBytes, onMessage, onClosed = () => undefined }) {
            inbound.set(receiver, { onMessage, onClosed, maxMessageBytes, credit })
            receiver.set_source(echo(source))
            receiver.set_target(echo(target))
            receiver.add_credit(credit)
          },
          close(condition, description) {
            closeLink(receiver, condition, description)
            closeReceiver(receiver)
          },
        }),
      )
    },

    received({ receiver, delivery, message }) {
      if (receiver === undefined || delivery === undefined) return
      const state = inbound.get(receiver)
      if (state === undefined || state.credit <= 0)
        throw new AmqpViolation(
          'amqp:link:transfer-limit-exceeded',
          'expected messages that were asked for',
        )
      state.credit--
      let answered = false
      /** Whoever has got his answer may send one more. */
      const answer = (isAccepted: boolean, settle: () => void): void => {
        if (answered) return
        answered = true
        settleInTurn(isAccepted, () => {
          if (!connection.isOpen || !inbound.has(receiver)) return
          settle()
          state.credit++
          receiver.add_credit(1)
        })
      }
      const reject = (condition: string, description: string): void =>
        answer(false, () => delivery.reject({ condition, description }))
      const isBatch = delivery.format === BATCH_FORMAT
      if (delivery.format !== 0 && !isBatch) {
        reject('amqp:not-implemented', 'expected a message of format 0 or a batch')
        return
      }
      const raw: unknown = message
      const batch = isBatch && Buffer.isBuffer(raw) ? readBatch(raw) : undefined
      const decoded = readMessage(isBatch && Buffer.isBuffer(raw) ? rhea.message.decode(raw) : raw)
      const size = batch?.reduce((sum, one) => sum + one.body.length, 0) ?? decoded.body.length
      if (size > state.maxMessageBytes) {
        reject(
          'amqp:link:message-size-exceeded',
          `expected a message of at most ${state.maxMessageBytes} bytes, found ${size}`,
        )
        return
      }
      state.onMessage({
        message: decoded,
        batch,
        accept: () => answer(true, () => delivery.accept()),
        reject,
        release: () => answer(false, () => delivery.release()),
      })
    },

    sendable({ sender }) {
      const state = sender === undefined ? undefined : outbound.get(sender)
      if (state !== undefined) state.onCredit()
    },

    settled({ sender, delivery }, outcome) {
      if (sender === undefined || delivery === undefined) return
      const state = outbound.get(sender)
      const tell = state?.waiting.get(delivery)
      // A peer that says what it did and waits for us to settle.
      if (outcome !== undefined && !delivery.remote_settled) delivery.update(true)
      if (tell === undefined) return
      state?.waiting.delete(delivery)
      // Settled without a word: it was taken.
      tell(outcome ?? 'accepted')
    },

    senderClosed({ sender }) {
      if (sender !== undefined) closeSender(sender)
    },

    receiverClosed({ receiver }) {
      if (receiver !== undefined) closeReceiver(receiver)
    },

    drained() {
      for (const { onCredit } of [...outbound.values()]) call(onCredit)
    },

    end() {
      for (const sender of [...outbound.keys()]) closeSender(sender)
      for (const receiver of [...inbound.keys()]) closeReceiver(receiver)
    },
  }
}

function plainMap(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) && !Array.isArray(value) && !Buffer.isBuffer(value) ? value : {}
}

/** A terminus as the peer has asked for it, as far as it is told back. */
function echo(terminus: unknown): { address: string } {
  const address = isObject(terminus) ? terminus['address'] : undefined
  return { address: typeof address === 'string' ? address : '' }
}
