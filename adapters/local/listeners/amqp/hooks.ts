import type { Duplex } from 'node:stream'
import type { AmqpMessage, AmqpOutgoing } from './message.ts'

/** What is known of a connection before it says a word. */
export interface AmqpTransport {
  readonly secure: boolean
  readonly remoteAddress: string | undefined
  /** DER. */
  readonly peerCertificate: Uint8Array | undefined
}

/** One connection. */
export interface AmqpConnection {
  readonly transport: AmqpTransport
  /** It has proved who it is: it may ask for more, and is not cut off for having said nothing. */
  prove(): void
  /** Says why, and ends. */
  close(condition: string, description: string): void
  readonly isOpen: boolean
}

interface AmqpLink {
  readonly connection: AmqpConnection
  readonly name: string
  /** '' if it names none. */
  readonly address: string
  readonly properties: Readonly<Record<string, unknown>>
  /** Ends the link, whether it was accepted or not. */
  close(condition: string, description: string): void
}

/** One message that came, and the way to answer for it. Answers after the first count for nothing. */
export interface AmqpDelivery {
  readonly message: AmqpMessage
  /** The messages, where it is a batch of several. */
  readonly batch: readonly AmqpMessage[] | undefined
  accept(): void
  reject(condition: string, description: string): void
  release(): void
}

/** A link on which the client sends. */
export interface AmqpInbound extends AmqpLink {
  readonly kind: 'inbound'
  accept(options: {
    /** So many messages at a time may be on their way or unanswered. */
    readonly credit: number
    readonly maxMessageBytes: number
    readonly onMessage: (delivery: AmqpDelivery) => void
    readonly onClosed?: () => void
  }): void
}

/** What the client did with a message. `lost`: the link ended before it said. */
export type AmqpSettlement = 'accepted' | 'rejected' | 'released' | 'modified' | 'lost'

/** A link on which the client receives. */
export interface AmqpOutbound extends AmqpLink {
  readonly kind: 'outbound'
  /** The address on the client's side; '' if it names none. */
  readonly target: string
  readonly filter: Readonly<Record<string, unknown>>
  readonly desiredCapabilities: readonly string[]
  accept(options: { readonly onCredit?: () => void; readonly onClosed?: () => void }): void
  /** Whether there is credit and room. */
  sendable(): boolean
  /** Sends, if the link is open; whoever cares is told once what became of it. */
  send(message: AmqpOutgoing | Buffer, onSettled?: (settlement: AmqpSettlement) => void): void
}

/** What the listener asks. */
export interface AmqpHooks {
  connected?(connection: AmqpConnection): void
  disconnected?(connection: AmqpConnection): void
  /** A link is to be accepted or closed, now or later. */
  attached(link: AmqpInbound | AmqpOutbound): void
  /** Whether a name and a password are right (SASL PLAIN). */
  login?(connection: AmqpConnection, username: string, password: string): boolean | Promise<boolean>
  readonly log?: ((event: AmqpLogEvent) => void) | undefined
}

/** Something that a person may want to read. */
export interface AmqpLogEvent {
  readonly event: 'amqp.closed' | 'amqp.fault'
  readonly reason: string
  readonly remoteAddress?: string
}

export interface AmqpListener {
  /** Takes a connection over. */
  attach(stream: Duplex, transport: AmqpTransport): void
  readonly connections: number
  /** Ends every connection. */
  close(): Promise<void>
}
