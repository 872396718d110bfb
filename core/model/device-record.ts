import type { AlarmState } from './alarm.ts'
import type { CommandEntry } from './command.ts'
import type { OutboxEntry } from './effect.ts'
import type { InboxState } from './inbox.ts'
import type { NetworkSeat } from './network-seat.ts'
import type { LoggedChange, ShadowDocument } from './shadow.ts'
import type { MetricValue } from './telemetry.ts'
import type { WindowState } from './window.ts'

/** The newest value of one metric, and its event time in epoch ms. */
export interface LastValue {
  readonly value: MetricValue
  readonly at: number
}

/** Whether the device holds a connection, and when it was last heard of. */
export interface Presence {
  readonly connected: boolean
  /** Epoch ms of the last connect or disconnect; 0 if there was none yet. */
  readonly changedAt: number
  /** Epoch ms of the last sign of life of any kind. */
  readonly seenAt: number
  /** The gateway whose connection it shares, while or after it did. */
  readonly gateway?: string
  /** What follows from the facts above; absent until there is something to judge. */
  readonly judged?: JudgedPresence
}

/**
 * Whether a device is there. `late`: it is connected, but silent for longer than it promised; `unreachable`: it is not
 * heard of, and neither is its gateway, so that nothing is known of it.
 */
export type PresenceStatus = 'unknown' | 'online' | 'late' | 'offline' | 'unreachable'

/** The judgement on a device, kept so that everything is told once. */
export interface JudgedPresence {
  readonly status: PresenceStatus
  /** Whether it promised to be heard of at an interval, and is judged by that and not by its connection. */
  readonly byInterval: boolean
  /** The status that rules were told last. */
  readonly told: PresenceStatus
  /** Epoch ms from which on the status has been this one. */
  readonly since: number
  /** How often rules were told something. */
  readonly sequence: number
  /** Connections that came back before anybody was told that they had ended, since something was told. */
  readonly flaps: number
  /** Epoch ms at which it has to be judged again; 0 if never. */
  readonly dueAt: number
}

/**
 * All that the core remembers of one device, in one document under 300 KB.
 *
 * What is unbounded (telemetry, dead letters, queued notifications) has rows of its own.
 */
export interface DeviceRecord {
  readonly deviceId: string
  /** Counts commits; 0 means that it was never stored. */
  readonly version: number
  /** Epoch ms. */
  readonly createdAt: number
  readonly presence: Presence
  /** How many messages were accepted, duplicates not counted. */
  readonly accepted: number
  /** Newest event time accepted, epoch ms; 0 before the first. Only messages not newer can be duplicates of stored rows. */
  readonly newestAt: number
  readonly last: Readonly<Record<string, LastValue>>
  /** Ids of the messages accepted lately, oldest first. */
  readonly recentIds: readonly string[]
  /** Shadows by name; '' is the classic one. */
  readonly shadows: Readonly<Record<string, ShadowDocument>>
  /** What changed in them lately, the newest last; absent until something did. Measured values that are reported do not count. */
  readonly shadowLog?: readonly LoggedChange[]
  /** Alarm states by alarm id. */
  readonly alarms: Readonly<Record<string, AlarmState>>
  /** Open windows by rule id. */
  readonly windows: Readonly<Record<string, WindowState>>
  /** Commands in the order in which they came, those that ended lately among them; absent until there is one. */
  readonly commands?: readonly CommandEntry[]
  /** Where it is behind a network; absent for devices that come by themselves. */
  readonly seat?: NetworkSeat
  /** Only of records that are no devices: what one recipient is told through one subscription. */
  readonly inbox?: InboxState
  /** Only of records that are no devices: until when somebody holds a right that one has at a time. Epoch ms; 0: nobody. */
  readonly leaseUntil?: number
  readonly outbox: readonly OutboxEntry[]
  /** Epoch ms at which the tick has to look at this device; 0 if never. */
  readonly dueAt: number
}

/** A device that was never heard of. */
export function newDeviceRecord(deviceId: string, now: number): DeviceRecord {
  return {
    deviceId,
    version: 0,
    createdAt: now,
    presence: { connected: false, changedAt: 0, seenAt: 0 },
    accepted: 0,
    newestAt: 0,
    last: {},
    recentIds: [],
    shadows: {},
    alarms: {},
    windows: {},
    outbox: [],
    dueAt: 0,
  }
}
