import type { Address, Audience, Suppression } from './audience.ts'
import type { Notification, Severity } from './notification.ts'
import type { WeeklySpan } from './weekly-span.ts'

/** How somebody wants to be told of what a subscription brings. Times in ms. */
export interface InboxPolicy {
  /** The same again within so long is not told. */
  readonly dedupMs?: number | undefined
  /** An alarm that changes more often than this is told once, and again when it has come to rest. */
  readonly flaps?: { readonly most: number; readonly withinMs: number } | undefined
  readonly throttle?: { readonly most: number; readonly perMs: number } | undefined
  /** When nothing is told; what comes waits for the end. */
  readonly quiet?: readonly WeeklySpan[] | undefined
  /** IANA, of quiet hours. */
  readonly timeZone: string
  /** Whether the subscription itself says which; else it is that of the person. */
  readonly hasTimeZone?: boolean
  /** After one was told, what follows within so long is told together. */
  readonly digestMs?: number | undefined
  /** From this severity on nothing waits and nothing is too much; without it everything may. */
  readonly override?: Severity | undefined
  /** Who is told if nobody acknowledges. */
  readonly escalation?: readonly EscalationStep[] | undefined
}

export interface EscalationStep {
  /** Since the event. */
  readonly afterMs: number
  readonly to: Audience
}

/** What is remembered of one thing that was heard lately. */
export interface Heard {
  /** When it was last told, epoch ms; 0: not yet. */
  readonly toldAt: number
  /** What was told: the change of the alarm, and how much it matters. */
  readonly told: string
  /** When an alarm changed lately, epoch ms, oldest first. */
  readonly changes: readonly number[]
  /** The newest change that was not told because there were too many. */
  readonly untold?: Notification
}

/** An escalation that goes on until somebody acknowledges. */
export interface Escalation {
  readonly notification: Notification
  /** When the event was heard, epoch ms. */
  readonly since: number
  /** The next step of the chain. */
  readonly step: number
  /** Epoch ms. */
  readonly dueAt: number
}

/** What waits to be told together. */
export interface HeldNotification {
  readonly notification: Notification
  /** Epoch ms. */
  readonly since: number
}

/** What one recipient was told through one subscription, and what waits for him. */
export interface InboxState {
  readonly policy: InboxPolicy
  readonly recipientId: string
  readonly addresses: readonly Address[]
  /** By what happened, those heard longest ago first. */
  readonly heard: Readonly<Record<string, Heard>>
  /** When he was told, epoch ms, as far as a throttle asks. */
  readonly told: readonly number[]
  readonly held: readonly HeldNotification[]
  /** How many more wait than are kept, and since when, epoch ms. */
  readonly more: number
  readonly heldSince: number
  /** When what waits is told; what comes before it waits, too. Epoch ms; 0: nothing waits, and nothing has to. */
  readonly releaseAt: number
  readonly escalations: readonly Escalation[]
  /** What was not told lately, oldest first. */
  readonly suppressed?: readonly SuppressedNotification[]
}

/** That somebody was not told, and why. */
export interface SuppressedNotification {
  readonly key: string
  readonly reason: Suppression
  /** Epoch ms. */
  readonly at: number
}
