import rhea from 'rhea'
import type { AmqpMessage, AmqpOutbound } from '../listeners/amqp/index.ts'

/** The ways back to whoever asks something on one connection, by what he calls them. */
export interface Replies {
  add(link: AmqpOutbound): void
  /** Sends an answer to where the question wants it; it is lost if there is no such way. */
  answer(question: AmqpMessage, address: string, status: ReplyStatus, value?: unknown): void
}

export interface ReplyStatus {
  readonly code: number
  readonly description: string
  /** The AMQP condition of a fault. */
  readonly condition?: string
}

export function createReplies(): Replies {
  const links = new Set<AmqpOutbound>()

  /** Source: wire of azure-iot-amqp-base 2.5 and @azure/core-amqp 4: the name of a link, its target, or neither. */
  function find(replyTo: string | undefined, address: string): AmqpOutbound | undefined {
    const all = [...links]
    return (
      all.find((link) => link.name === replyTo) ??
      all.find((link) => link.target !== '' && link.target === replyTo) ??
      all.findLast((link) => link.address === address)
    )
  }

  return {
    add(link) {
      links.add(link)
      link.accept({ onClosed: () => links.delete(link) })
    },
    answer(question, address, { code, description, condition }, value) {
      find(question.replyTo, address)?.send({
        correlationId: question.rawMessageId ?? question.rawCorrelationId ?? '',
        applicationProperties: {
          'status-code': rhea.types.wrap_int(code),
          'status-description': description,
          // Source: wire of @azure/core-amqp: it reads both spellings.
          statusCode: rhea.types.wrap_int(code),
          statusDescription: description,
          ...(condition === undefined
            ? {}
            : { errorCondition: condition, 'error-condition': condition }),
        },
        value,
      })
    },
  }
}
