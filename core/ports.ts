// All that the core asks of a cloud, on one screen. What a port promises beyond its types stands
// here and, line for line, in its contract suite under test/contract.

import type { ColdRow } from './model/cold-row.ts'
import type { CommandContent, CommandRow } from './model/command.ts'
import type { DeadLetter } from './model/dead-letter.ts'
import type { DeviceRecord } from './model/device-record.ts'
import type { PublishEffect, ShadowEffect } from './model/effect.ts'
import type { Json } from './model/json.ts'
import type { LookupRequest } from './model/lookup.ts'
import type { MeasuredChange } from './model/measured-change.ts'
import type { Delivery } from './model/notification.ts'
import type {
  DeviceCredential,
  RegisteredDevice,
  SymmetricKeys,
} from './model/registered-device.ts'
import type { Series, SeriesQuery } from './model/series.ts'
import type { TelemetryRow } from './model/telemetry.ts'

/** One device's next record and the rows that belong to it. */
export interface Commit {
  readonly record: DeviceRecord
  /** The version that the record had when it was loaded; 0: it must not exist yet. */
  readonly expectedVersion: number
  readonly rows: readonly TelemetryRow[]
  /** Rows for the archive; empty unless the config asks for one. */
  readonly cold: readonly ColdRow[]
  /** Contents of commands: what comes is stored before the record names it, what goes is removed after. */
  readonly commands: readonly CommandRow[]
  /** Set where `replayMeasured` makes the record from the stored one and the rows: a store may write them alone. */
  readonly measured?: MeasuredChange | undefined
}

/** Keeps one record per device, and takes its telemetry rows by the same commit. */
export interface DeviceStore {
  /** The record, or `undefined` if there is none. Not found is never an error. */
  load(deviceId: string): Promise<DeviceRecord | undefined>

  /**
   * Stores the rows, telemetry and cold, and then the record, if the stored version is still the expected one. When it
   * resolves, all is durable. A row's key is (device, `at`, `messageId`): one that stands in the commit twice, or that an
   * attempt stored which then lost, is one row.
   * @throws CoreError `store.conflict` if another writer won: load again and run the step again. The record is
   * untouched; rows of a lost attempt do not count as `known`.
   * @throws CoreError `device.record_too_large` over `MAX_RECORD_CHARS`: nothing is stored.
   * @throws CoreError `store.unavailable` if the backend did not answer.
   */
  commit(commit: Commit): Promise<void>

  /** Ids of devices whose `dueAt` is not 0 and not after `now`, the longest due first. */
  due(now: number, limit: number): Promise<readonly string[]>

  /** Records in the order of their ids, after the given id; '' starts. */
  list(afterId: string, limit: number): Promise<readonly DeviceRecord[]>
}

/** Reads the rows that commits stored. */
export interface TelemetryStore {
  /** Those of the given rows that a commit has stored, as their message ids. */
  known(
    deviceId: string,
    rows: readonly Pick<TelemetryRow, 'at' | 'messageId'>[],
  ): Promise<ReadonlySet<string>>

  /** Rows with `from` <= at < `to` in the order of time, at most `limit`. Newest first if `descending`. */
  range(deviceId: string, query: TelemetryRange): Promise<readonly TelemetryRow[]>

  /**
   * Metrics of several devices in buckets: what `withSeries` makes of `range`, nearer to the rows where a store can.
   * `readSeries` checks the query first.
   * @throws CoreError `input.too_large` if there are more than `maxPoints` points.
   */
  series(query: SeriesQuery): Promise<readonly Series[]>

  /** How many rows are stored, of one device or of all (''). */
  count(deviceId: string): Promise<number>
}

/** The archive, written by commits. */
export interface ColdStore {
  /** Rows of one UTC day, `YYYY-MM-DD`, in the order in which they were stored, after the given position; 0 starts. */
  read(
    day: string,
    afterPosition: number,
    limit: number,
  ): Promise<readonly { readonly position: number; readonly row: ColdRow }[]>
}

export interface TelemetryRange {
  /** Epoch ms, inclusive. */
  readonly from: number
  /** Epoch ms, exclusive. */
  readonly to: number
  readonly limit: number
  readonly descending: boolean
}

/** The way to devices and other subscribers. */
export interface Downlink {
  /** Hands one message to the broker. Resolves when the broker has it. Who is offline is the broker's business. */
  publish(message: PublishEffect, key: string): Promise<void>
  /**
   * Commands wait for a device: whoever holds a connection of it takes them from its queue. Resolves when they are told;
   * nobody there is no error, for who connects looks for himself.
   */
  command(deviceId: string): Promise<void>
  /** Sends a push about a shadow, on the topics of the device's dialect. */
  shadow(message: ShadowEffect, key: string): Promise<void>
}

/** Deliveries that wait for their channel. */
export interface NotificationQueue {
  /** Adds deliveries. One whose key is in the queue, or was in it within the last day, is not added again. */
  enqueue(deliveries: readonly Delivery[]): Promise<void>
  /**
   * Takes up to `limit` that are due and hides them for `leaseMs`; unless settled until then they come again. What is
   * urgent goes before the rest, and within a class the longest due first; one in four of those taken has waited longest.
   */
  claim(now: number, limit: number, leaseMs: number): Promise<readonly Delivery[]>
  /** Sent, or given up: it is gone, and its key stays known for a day. */
  settle(key: string): Promise<void>
  /** Puts it back, to be claimed at `dueAt` (epoch ms) with one more attempt counted. What is settled stays so. */
  retry(key: string, dueAt: number): Promise<void>
  /** The same without an attempt: it was not tried. */
  hold(key: string, dueAt: number): Promise<void>
}

/** Tables of small items, which rules write and look up. */
export interface TableStore {
  /** The item, or `undefined` if there is none. */
  get(table: string, key: string): Promise<Json | undefined>
  put(table: string, key: string, item: Json): Promise<void>
  remove(table: string, key: string): Promise<void>
  /** Items in the order of their keys, after the given key; '' starts. */
  list(
    table: string,
    afterKey: string,
    limit: number,
  ): Promise<readonly { readonly key: string; readonly item: Json }[]>
}

/** Queues that rules fill and other programs empty with the cloud's own means. */
export interface QueueSender {
  /** Appends an entry. One whose key is in the queue already is not added again. */
  send(queue: string, body: Json, key: string): Promise<void>
}

/** Contents of commands, written by commits. */
export interface CommandStore {
  /** The content, or `undefined` if there is none (any more). */
  content(deviceId: string, contentId: string): Promise<CommandContent | undefined>
}

/** Reads queues that this system fills for its own users, such as the feedback about commands. */
export interface QueueReader {
  /** Takes up to `limit` entries, oldest first, and hides them for `leaseMs`; unless removed until then they come again. */
  claim(queue: string, limit: number, leaseMs: number): Promise<readonly QueueEntry[]>
  /** The entry is done with. Gives false if it is none. */
  remove(queue: string, id: string): Promise<boolean>
  /** The entry is there for others again, at once. */
  release(queue: string, id: string): Promise<void>
}

export interface QueueEntry {
  readonly id: string
  /** Epoch ms. */
  readonly at: number
  readonly body: Json
}

/** Calls of methods: one question to a device that is there, and its answer. */
export interface Methods {
  /**
   * Waits `connectTimeoutMs` for the device to be there, and `responseTimeoutMs` for its answer.
   * @throws CoreError `method.device_offline` or `method.timed_out`.
   */
  invoke(deviceId: string, call: MethodCall): Promise<MethodAnswer>
}

export interface MethodCall {
  readonly name: string
  readonly payload: Json
  readonly connectTimeoutMs: number
  readonly responseTimeoutMs: number
}

/** What the device said; the status is its own. */
export interface MethodAnswer {
  readonly status: number
  readonly payload: Json
}

/** Answers what rules ask of the world: `get_secret`, `aws_lambda`, `get_registry_data`. */
export interface LookupSource {
  /** The answer, or `undefined` if there is none: the function is then Undefined in the rule. */
  answer(request: LookupRequest): Promise<Json | undefined>
}

/** Sends one delivery through its channel. */
export interface ChannelSender {
  /**
   * Resolves when the other side has taken it.
   * @throws CoreError `channel.unavailable` if trying later may help; `details.retryAfterMs` where the other side said when.
   * @throws CoreError `channel.rejected` or `channel.forbidden_address` if trying again cannot help.
   * @throws CoreError `channel.gone` if nothing may be sent to its address any more, or to none of several.
   */
  send(delivery: Delivery, sending?: Sending): Promise<void>
}

/** What a sender asks and tells on the way. Without it no address is known as gone, and nobody hears of one. */
export interface Sending {
  /** Whether nothing may be sent to this address any more. */
  isGone(address: string): Promise<boolean>
  /** The other side says that there is no such address any more. `masked` is what may be logged of it. */
  gone(address: string, masked: string, reason: string): void
  /** The other side has it, and will say when it is done with it; unless it does within `withinMs`, it is sent again. */
  keep(withinMs: number): void
}

/** Uplinks and deliveries that cannot be processed, kept with their bytes until somebody decides. */
export interface DeadLetters {
  put(letter: DeadLetter): Promise<void>
  get(id: string): Promise<DeadLetter | undefined>
  /** Newest first, before the given id; '' starts. */
  list(beforeId: string, limit: number): Promise<readonly DeadLetter[]>
  remove(id: string): Promise<void>
  count(): Promise<number>
}

/** Keeps who is registered. */
export interface Registry {
  /**
   * Adds a device whose version is 1.
   * @throws CoreError `device.exists` if there is one of this id: nothing is changed.
   */
  create(device: RegisteredDevice): Promise<void>
  get(deviceId: string): Promise<RegisteredDevice | undefined>
  /** Devices in the order of their ids, after the given id; '' starts. */
  list(afterId: string, limit: number): Promise<readonly RegisteredDevice[]>
  /**
   * Puts a device in place of the one whose version is one less.
   * @throws CoreError `store.conflict` if there is none such: get it again.
   */
  update(device: RegisteredDevice): Promise<void>
  /** Gives false if there was none. */
  remove(deviceId: string): Promise<boolean>
}

/** Makes what a device proves itself with. The secret parts are handed out once and kept nowhere. */
export interface CredentialIssuer {
  certificate(deviceId: string): Promise<IssuedCertificate>
  token(): Promise<IssuedToken>
  /**
   * Keys that sign; the credential holds them too. Those given are taken, missing ones are made.
   * @throws CoreError `input.malformed` if one is not base64 of 16 to 64 bytes.
   */
  key(given?: {
    readonly primary?: string | undefined
    readonly secondary?: string | undefined
  }): Promise<IssuedKey>
  /**
   * Reads the public key of a pair that the device made.
   * @throws CoreError `input.malformed` if it is none that devices may sign with.
   */
  publicKey(pem: string): Promise<DeviceCredential>
}

export interface IssuedKey {
  readonly credential: DeviceCredential
  readonly keys: SymmetricKeys
}

export interface IssuedCertificate {
  readonly credential: DeviceCredential
  /** PEM; the common name is the device id. */
  readonly certificate: string
  /** PEM, PKCS #8. */
  readonly privateKey: string
  /** PEM of the authority that a device trusts. */
  readonly authority: string
}

export interface IssuedToken {
  readonly credential: DeviceCredential
  readonly token: string
}

/** Time, ids and chance: the core has none of its own. */
export interface Clock {
  /** Epoch ms, UTC. */
  now(): number
}

export interface IdSource {
  /** Sortable by time, unique. */
  next(now: number): string
  /** 0 <= random < 1, for jitter and for rules. */
  random(): number
}

/** Counters and timings, in the words of style.md §4. Never throws. */
export interface Observer {
  count(name: string, by: number, facts?: Readonly<Record<string, string>>): void
  /** How long something took. Unit: ms. */
  time(name: string, ms: number): void
  /** Something that a person may want to read, with facts already safe to print. */
  log(
    level: 'info' | 'warn' | 'error',
    message: string,
    facts?: Readonly<Record<string, string | number>>,
  ): void
}

/** What one cloud offers, all of it. */
export interface Ports {
  readonly devices: DeviceStore
  readonly telemetry: TelemetryStore
  readonly cold: ColdStore
  readonly downlink: Downlink
  readonly notifications: NotificationQueue
  readonly tables: TableStore
  readonly queues: QueueSender & QueueReader
  readonly commands: CommandStore
  readonly methods: Methods
  readonly lookups: LookupSource
  readonly channels: ChannelSender
  readonly deadLetters: DeadLetters
  readonly registry: Registry
  readonly issuer: CredentialIssuer
  readonly clock: Clock
  readonly ids: IdSource
  readonly observer: Observer
  /**
   * True where the process outlives the call (a server): effects may then be performed after the acknowledgement.
   * False where the host freezes it (a function): they are performed before the call returns.
   */
  readonly longLived: boolean
}
