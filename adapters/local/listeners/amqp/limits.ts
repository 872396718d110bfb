/** How much one AMQP connection may ask for. */
export interface AmqpLimits {
  /** Longest frame that is taken; offered in `open`. Unit: bytes. */
  readonly frameBytes: number
  /** Longest message, all its frames together. Unit: bytes. */
  readonly messageBytes: number
  /** Parts of messages that are not whole yet, all links together. Unit: bytes. */
  readonly partBytes: number
  /** Encoded values of one message or frame: each becomes an object. */
  readonly values: number
  /** How deep values may nest. */
  readonly depth: number
  readonly sessions: number
  /** Links of one session. */
  readonly links: number
  /** Until it has proved who it is, a connection gets no more than this. */
  readonly unproven: {
    readonly sessions: number
    readonly links: number
    readonly messageBytes: number
  }
  /** A connection that has not proved who it is ends after so long. Unit: ms. */
  readonly proofMs: number
  /** Offered in `open`; a connection that says nothing for twice as long ends. Unit: ms. */
  readonly idleMs: number
  /** Reading waits while more than this is not written yet. Unit: bytes. */
  readonly pauseBytes: number
  /** A connection that reads so little that more than this waits for it ends. Unit: bytes. */
  readonly backlogBytes: number
  readonly connections: number
}

/** Source: Azure IoT Hub, quotas: messages of devices up to 256 KB; Event Hubs: up to 1 MB. */
export const AMQP_LIMITS: AmqpLimits = {
  frameBytes: 65_536,
  messageBytes: 1_048_576,
  partBytes: 4_194_304,
  values: 20_000,
  depth: 16,
  sessions: 64,
  links: 256,
  unproven: { sessions: 4, links: 8, messageBytes: 65_536 },
  proofMs: 20_000,
  idleMs: 120_000,
  pauseBytes: 1_048_576,
  backlogBytes: 16_777_216,
  connections: 20_000,
}
