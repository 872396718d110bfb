/** Bytes that break the protocol or a limit: the connection that sent them ends. */
export class AmqpViolation extends Error {
  override readonly name = 'AmqpViolation'
  /** The AMQP error condition. Source: AMQP 1.0, part 2, 2.8.15 to 2.8.18. */
  readonly condition: string

  constructor(condition: string, message: string) {
    super(message)
    this.condition = condition
  }
}

/** What stands there is no AMQP. */
export function malformed(message: string): AmqpViolation {
  return new AmqpViolation('amqp:decode-error', message)
}

/** More than is allowed. */
export function tooMuch(message: string): AmqpViolation {
  return new AmqpViolation('amqp:resource-limit-exceeded', message)
}
