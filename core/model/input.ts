import type { CoreError, ErrorCode } from '../errors.ts'
import type { AlarmChange } from './alarm.ts'
import type { Address } from './audience.ts'
import type { CommandEntry, QueuedCommand, Settlement } from './command.ts'
import type { Effect, OutboxEntry } from './effect.ts'
import type { InboxPolicy } from './inbox.ts'
import type { Json, JsonObject } from './json.ts'
import type { Notification } from './notification.ts'
import type { Telemetry } from './telemetry.ts'
import type { WindowMessage } from './window.ts'

/** A decoded uplink. */
export interface TelemetryInput {
  readonly kind: 'telemetry'
  readonly telemetry: Telemetry
}

/** The device connected or its connection ended. */
export interface PresenceInput {
  readonly kind: 'presence'
  readonly connected: boolean
  /** Epoch ms. */
  readonly at: number
  /** Whether the device itself said so. Unless given: if it connected, for a connection that is lost is no sign of life. */
  readonly heard?: boolean
  /** The gateway whose connection it shares. */
  readonly gateway?: string
}

/** The device was registered, or its registration ended. */
export interface LifecycleInput {
  readonly kind: 'lifecycle'
  readonly event: 'registered' | 'removed'
  /** Epoch ms. */
  readonly at: number
}

/** A request about one shadow, from the device or from the API. `body` is not yet validated. */
export interface ShadowInput {
  readonly kind: 'shadow'
  readonly operation: 'get' | 'update' | 'delete'
  /** '' is the classic shadow. */
  readonly name: string
  /** The request document as it was sent; '' where the operation has none. */
  readonly body: string | Uint8Array
  /** Epoch ms. */
  readonly at: number
  /** Who asks, in words for people. */
  readonly by?: string
  /** When the desired values of an update stop being wanted, epoch ms. */
  readonly expiresAt?: number
  /** The desired values of an update go as soon as the device reports them. */
  readonly once?: boolean
}

/** A change of the device twin: by the device what it reports, by the back end what is desired and the tags. */
export interface TwinInput {
  readonly kind: 'twin'
  /** By section; `null` empties it. Not yet validated. */
  readonly patches: {
    readonly desired?: JsonObject | null
    readonly reported?: JsonObject | null
    readonly tags?: JsonObject | null
  }
  /** True: the sections named take the place of the old ones. */
  readonly replace?: boolean
  /** The version of the whole twin that must be the current one. */
  readonly ifVersion?: number
  /** Who wants it, in words for people. */
  readonly by?: string
  /** Epoch ms. */
  readonly at: number
}

/** The cloud that owns the shadow tells what it is now; the device knows it from there. */
export interface MirrorInput {
  readonly kind: 'mirror'
  /** '' is the classic one. */
  readonly name: string
  readonly state: {
    readonly desired?: JsonObject
    readonly reported?: JsonObject
    /** Left as they are where the owner says nothing of them. */
    readonly tags?: JsonObject
  }
  /** The owner's version. */
  readonly version: number
  /**
   * True: `state` is only what changed since the version before, null for what is gone. Where that version was never seen
   * the change is refused with `shadow.version_conflict`: then all of it is wanted.
   */
  readonly partial?: boolean
  /** Epoch ms. */
  readonly at: number
}

/** A rule, on this or another device, wants a change of the desired state. */
export interface DesireInput {
  readonly kind: 'desire'
  readonly name: string
  readonly desired: Json
  /** Who wants it, in words for people. */
  readonly by?: string
  /** For how long it is wanted; without it for ever. */
  readonly forMs?: number
  /** It goes as soon as the device reports it. */
  readonly once?: boolean
  readonly at: number
}

/** Someone does something about an alarm. */
export interface AlarmInput {
  readonly kind: 'alarm'
  readonly alarmId: string
  readonly change: AlarmChange
  readonly by: string
  readonly at: number
}

/** An effect that was set aside, to be performed again. */
export interface EffectInput {
  readonly kind: 'effect'
  readonly key: string
  readonly effect: Effect
}

/** A message of some device for the windows of a fleet-wide group. */
export interface WindowInput {
  readonly kind: 'window'
  readonly ruleId: string
  readonly message: WindowMessage
  /** The key of the effect that brought it: it is taken in once. */
  readonly key: string
}

/** One more delivery for a place of a channel that takes only so many. */
export interface AdmitInput {
  readonly kind: 'admit'
  /** Of the delivery. */
  readonly key: string
  readonly throttle: { readonly most: number; readonly perMs: number }
  readonly recipientId: string
  /** It passes whatever was told before, and counts. */
  readonly isUrgent: boolean
  /** Epoch ms. */
  readonly at: number
}

/** Something that one recipient is to be told, as his subscription wants it. */
export interface InboxInput {
  readonly kind: 'inbox'
  readonly policy: InboxPolicy
  readonly recipientId: string
  readonly addresses: readonly Address[]
  readonly notification: Notification
  /** Epoch ms. */
  readonly at: number
}

/** An effect of a rule was given up: the rule's error action is due. */
export interface FailureInput {
  readonly kind: 'failure'
  readonly entry: OutboxEntry
  readonly reason: string
  readonly at: number
}

/** A command for the device. */
export interface EnqueueInput {
  readonly kind: 'enqueue'
  readonly command: QueuedCommand
  readonly at: number
}

/** Somebody who speaks for the device takes the next command. */
export interface LockInput {
  readonly kind: 'lock'
  readonly lockMs: number
  readonly at: number
}

/** Whoever holds a command says what became of it, or goes on holding it. */
export type SettleInput = {
  readonly kind: 'settle'
  readonly lockToken: string
  readonly at: number
  /** Told to the sender. */
  readonly reason?: string
} & ({ readonly how: Settlement } | { readonly how: 'renew'; readonly lockMs: number })

/** All commands that have not ended are to end. */
export interface PurgeInput {
  readonly kind: 'purge'
  readonly at: number
}

/** Time has passed: timers of the record that are due fire. */
export interface TimerInput {
  readonly kind: 'timer'
  readonly at: number
}

/** Everything that can change a device. */
export type DeviceInput =
  | TelemetryInput
  | PresenceInput
  | LifecycleInput
  | ShadowInput
  | MirrorInput
  | TwinInput
  | DesireInput
  | AlarmInput
  | EffectInput
  | FailureInput
  | WindowInput
  | InboxInput
  | AdmitInput
  | EnqueueInput
  | LockInput
  | SettleInput
  | PurgeInput
  | TimerInput

/** What became of one input: a value for its sender, in the order of the inputs. */
export type InputResult =
  | { readonly status: 'accepted' }
  | { readonly status: 'duplicate' }
  /** The answer of a shadow request, as its dialect-free body. */
  | { readonly status: 'answered'; readonly accepted: boolean; readonly body: Json }
  /** The commands that the input was about, as they are now. */
  | { readonly status: 'commands'; readonly commands: readonly CommandEntry[] }
  /** Nothing of this input is stored, and trying again would not help. */
  | { readonly status: 'refused'; readonly code: ErrorCode; readonly message: string }
  /** The store went away after earlier inputs were stored: nothing of this one is; it may be tried again. */
  | { readonly status: 'unstored'; readonly error: CoreError }
