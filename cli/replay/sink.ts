import type { LocalCounts } from '../../adapters/local/index.ts'
import { isJsonObject, type Json } from '../../core/index.ts'
import type { FaultyLine, RecordedMessage } from './read-message.ts'

/** What the cloud made of the messages. `null`: it does not say. */
export interface Received {
  readonly stored: number | null
  readonly duplicates: number | null
  readonly deadLetters: number | null
  readonly matched: Readonly<Record<string, number>> | null
  readonly alarms: number | null
  readonly notifications: number | null
}

/** A cloud that takes messages. The order of the messages of one device is kept. */
export interface Sink {
  /**
   * Sends one message, and resolves when there is room for the next.
   * @throws CoreError `channel.unavailable` if the cloud went away for good.
   */
  send(message: RecordedMessage): Promise<void> | undefined
  /** Sends now what was gathered so far: the recording pauses. */
  flush(): void
  /**
   * Resolves when everything is acknowledged.
   * @throws CoreError as `send`.
   */
  finish(): Promise<Received>
  /** Lets go of everything. Never throws. */
  close(): Promise<void>
}

/** Told of a line that could be read but not sent. */
export type OnFault = (fault: FaultyLine) => void

/** A running cloud to send to. */
export interface RemoteTarget {
  readonly url: string
  /** The admin's token, for a cloud that wants to know who sends. */
  readonly token: string | undefined
  readonly onFault: OnFault
}

/** Reads the counters that a cloud sends. `undefined` if they are none. */
export function readCounts(value: Json): LocalCounts | undefined {
  if (!isJsonObject(value)) return undefined
  const counters = readNumbers(value['counters'])
  const matched = readNumbers(value['matched'])
  return counters === undefined || matched === undefined ? undefined : { counters, matched }
}

function readNumbers(value: Json | undefined): Record<string, number> | undefined {
  if (!isJsonObject(value)) return undefined
  const numbers: Record<string, number> = {}
  for (const [name, number] of Object.entries(value))
    if (typeof number === 'number') numbers[name] = number
  return numbers
}

/** What came to the counters in between; everything `null` where the cloud does not tell them. */
export function receivedBetween(
  before: LocalCounts | undefined,
  after: LocalCounts | undefined,
): Received {
  if (before === undefined || after === undefined) return UNKNOWN
  const of = (name: string): number => (after.counters[name] ?? 0) - (before.counters[name] ?? 0)
  const matched: Record<string, number> = {}
  for (const [ruleId, times] of Object.entries(after.matched))
    matched[ruleId] = times - (before.matched[ruleId] ?? 0)
  return {
    stored: of('uplink.accepted'),
    duplicates: of('uplink.duplicate'),
    deadLetters: of('uplink.rejected'),
    matched,
    alarms: of('alarm.raised'),
    notifications: of('notification.asked'),
  }
}

export const NO_COUNTS: LocalCounts = { counters: {}, matched: {} }

const UNKNOWN: Received = {
  stored: null,
  duplicates: null,
  deadLetters: null,
  matched: null,
  alarms: null,
  notifications: null,
}
