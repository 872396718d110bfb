/**
 * Where a command is on its way. `Delivered`: a device holds it, under a lock that ends; the last five are ends.
 * Source: Azure IoT Hub, cloud-to-device message life cycle (there `Invisible` and `Dead lettered`).
 */
export const COMMAND_STATES = [
  'Enqueued',
  'Delivered',
  'Completed',
  'Rejected',
  'Expired',
  'DeliveryCountExceeded',
  'Purged',
] as const
export type CommandState = (typeof COMMAND_STATES)[number]

/** Which ends the sender wants to be told of: none, completion, any other end, or all. */
export const COMMAND_ACKS = ['none', 'positive', 'negative', 'full'] as const
export type CommandAck = (typeof COMMAND_ACKS)[number]

/** What a device, or the transport for it, says about a command that it holds. */
export const SETTLEMENTS = ['complete', 'reject', 'abandon', 'release'] as const
export type Settlement = (typeof SETTLEMENTS)[number]

/** The hold of one device on one command. */
export interface CommandLock {
  readonly token: string
  /** Epoch ms from which on the command waits again. */
  readonly until: number
}

/** One command as its device's record has it: all but the content. Times are epoch ms. */
export interface CommandEntry {
  readonly commandId: string
  readonly name: string
  readonly state: CommandState
  /** Names the row of the content. */
  readonly contentId: string
  readonly enqueuedAt: number
  /** A command that waits is not handed out from here on. */
  readonly expiresAt: number
  /** Deliveries that counted and came to nothing. */
  readonly deliveries: number
  readonly maxDeliveries: number
  /** 0 to 9; the higher one goes first. */
  readonly priority: number
  readonly ack: CommandAck
  /** Content and properties. */
  readonly bytes: number
  readonly sentBy?: string
  /** When the device was registered that it is for, where feedback is wanted: tells one life of a device from the next. */
  readonly registeredAt?: number
  readonly lock?: CommandLock
  readonly finishedAt?: number
  /** Why it ended, where somebody said so. */
  readonly reason?: string
}

/** What is sent, kept in a row of its own. */
export interface CommandContent {
  readonly payload: Uint8Array
  readonly contentType?: string
  readonly correlationId?: string
  readonly properties: Readonly<Record<string, string>>
}

/** The content of a command that is queued, or `undefined` for one that is needed no longer. */
export interface CommandRow {
  readonly contentId: string
  readonly content: CommandContent | undefined
}

/** A command that may be queued. */
export interface QueuedCommand {
  /** Made up unless given. */
  readonly commandId?: string
  readonly name: string
  readonly content: CommandContent
  readonly bytes: number
  /** Epoch ms. */
  readonly expiresAt: number
  readonly priority: number
  readonly maxDeliveries: number
  readonly ack: CommandAck
  readonly sentBy?: string
  /** Epoch ms. */
  readonly registeredAt?: number
}

/** What everybody may know of a command. */
export interface CommandInfo extends Omit<CommandEntry, 'contentId' | 'lock' | 'registeredAt'> {
  readonly deviceId: string
  /** Epoch ms until which the device holds it. */
  readonly lockedUntil?: number
}

/** A command in the hands of its device, or of a transport for it. */
export interface ReceivedCommand extends CommandContent {
  readonly command: CommandInfo
  /** Serves once, until `lockedUntil`. */
  readonly lockToken: string
  /** Epoch ms. */
  readonly lockedUntil: number
  /** Deliveries that counted before this one. */
  readonly deliveryCount: number
}

/** Whether a command has not ended. */
export function isPending({ state }: CommandEntry): boolean {
  return state === 'Enqueued' || state === 'Delivered'
}

/** What a sender is told of an end. Source: Azure IoT Hub, feedback messages. */
export interface CommandFeedback {
  readonly originalMessageId: string
  readonly deviceId: string
  /** Tells one life of a device from the next: when it was registered, else when its record was made. Epoch ms. */
  readonly deviceGenerationId: string
  readonly statusCode: 'Success' | 'Expired' | 'DeliveryCountExceeded' | 'Rejected' | 'Purged'
  readonly description: string
  /** When the feedback was made, ISO 8601. */
  readonly enqueuedTimeUtc: string
}

/** The queue in which feedback waits for whoever reads it. */
export const FEEDBACK_QUEUE = '$feedback'
