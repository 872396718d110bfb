import type { GatewayState, PresencePlan } from '../devices/presence.ts'
import type { CoreError } from '../errors.ts'
import type { ColdRow } from '../model/cold-row.ts'
import type { CommandRow, CommandState } from '../model/command.ts'
import type { DeviceRecord } from '../model/device-record.ts'
import type { HearsShadow } from '../model/effect.ts'
import type { InputResult } from '../model/input.ts'
import type { JsonObject } from '../model/json.ts'
import type { MeasuredChange } from '../model/measured-change.ts'
import type { Telemetry, TelemetryRow } from '../model/telemetry.ts'
import type { Program } from '../program.ts'
import type { Lookups } from '../rules/index.ts'

/** What a step may know besides the record and the inputs. */
export interface StepContext {
  readonly program: Program
  /** Epoch ms. */
  readonly now: number
  /** Ids of messages, not newer than the record, whose rows a commit has stored. */
  readonly known: ReadonlySet<string>
  /** Whether measured values become reported state for this device. */
  readonly report: boolean
  /** What its presence is judged by. */
  readonly presence: PresencePlan
  /** What is known of its gateways; asked only where the judgement depends on it. */
  readonly gateway: GatewayState
  /** The tags that the device was registered with, where routes may ask for them. */
  readonly registeredTags?: JsonObject | undefined
  /** Answers to what the rules ask of the world. */
  readonly lookups: Lookups | undefined
  /** Keys of notifications of which somebody took note, or that are over, where a chain of escalation goes on. */
  readonly settled?: ReadonlySet<string> | undefined
  readonly newId: () => string
  readonly random: () => number
  /** Whether anybody listens to what is told of a shadow; without it somebody may. */
  readonly hearsShadow?: HearsShadow | undefined
}

/** What happened, for counters and logs. */
export interface StepEvents {
  /** How often each rule matched, by rule id. */
  readonly matched: ReadonlyMap<string, number>
  /** How often each route took a message, by route id. */
  readonly routed: ReadonlyMap<string, number>
  readonly failed: readonly {
    readonly ruleId: string
    readonly messageId: string
    readonly error: CoreError
  }[]
  readonly raised: number
  readonly cleared: number
  /** Notifications asked for, before they are fanned out to channels. */
  readonly notified: number
  /** Notifications that somebody is not told, by why. */
  readonly suppressed: ReadonlyMap<string, number>
  /** True if effects found no room although there was some: the inputs fit in several steps. */
  readonly crowded: boolean
  /** Messages that came for a window that was closed. */
  readonly late: number
  /** True if a command waits for the device that did not wait before. */
  readonly commandsWait: boolean
  /** Commands that ended, by how. */
  readonly commandsEnded: ReadonlyMap<CommandState, number>
  /** Lines that rules asked for. */
  readonly logs: readonly {
    readonly level: 'info' | 'warn' | 'error'
    readonly text: string
    readonly key: string
  }[]
}

export interface StepResult {
  /** The next record; the very same object if nothing changed. Its version is not yet counted up. */
  readonly record: DeviceRecord
  readonly rows: readonly TelemetryRow[]
  readonly cold: readonly ColdRow[]
  readonly commandRows: readonly CommandRow[]
  readonly results: readonly InputResult[]
  readonly events: StepEvents
  /** Set where messages were taken in and nothing else came of them. */
  readonly measured: MeasuredChange | undefined
}

/** What rules, alarms and their actions go back to: a message, the close of a window, or a change of presence. */
export interface ActionSource {
  readonly topic: string
  readonly messageId: string
  readonly at: number
  readonly receivedAt: number
  readonly bytes: Uint8Array
  readonly facts?: Telemetry['facts']
}
