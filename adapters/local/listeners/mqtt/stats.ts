/** What the listener counts. All but the first five only grow. */
export interface Stats {
  connections: number
  sessions: number
  /** QoS 1 and 2 messages that wait or are in flight in sessions, and their bytes. */
  queuedMessages: number
  queuedBytes: number
  /** Bytes of inbound messages whose hook is under way. */
  unackedBytes: number
  connectsAccepted: number
  connectsRefused: number
  takeovers: number
  packetsMalformed: number
  /** Inbound PUBLISHes that were handed to the hook. */
  received: number
  /** Inbound PUBLISHes that the hook refused, and those on which it failed. */
  refused: number
  failed: number
  /** PUBLISHes written for subscribers. */
  sent: number
  /** QoS 0 messages for a subscriber whose socket does not keep up. */
  droppedQos0: number
  /** QoS 1 and 2 messages that a full queue lost. */
  droppedQueue: number
  droppedExpired: number
  /** Messages larger than their subscriber takes. */
  droppedTooLarge: number
  retainedRefused: number
}

export function createStats(): Stats {
  return {
    connections: 0,
    sessions: 0,
    queuedMessages: 0,
    queuedBytes: 0,
    unackedBytes: 0,
    connectsAccepted: 0,
    connectsRefused: 0,
    takeovers: 0,
    packetsMalformed: 0,
    received: 0,
    refused: 0,
    failed: 0,
    sent: 0,
    droppedQos0: 0,
    droppedQueue: 0,
    droppedExpired: 0,
    droppedTooLarge: 0,
    retainedRefused: 0,
  }
}
