import { type CommandQueue, nextCommandDue } from '../commands/queue.ts'
import { CoreError } from '../errors.ts'
import type { AlarmState } from '../model/alarm.ts'
import type { ColdRow } from '../model/cold-row.ts'
import type { CommandRow, CommandState } from '../model/command.ts'
import type { DeviceRecord, Presence } from '../model/device-record.ts'
import type { Effect, EffectOrigin, OutboxEntry } from '../model/effect.ts'
import type { InboxState } from '../model/inbox.ts'
import type { InputResult } from '../model/input.ts'
import type { MeasuredChange } from '../model/measured-change.ts'
import { isSameSeat, type NetworkSeat } from '../model/network-seat.ts'
import type { Notice } from '../model/notice.ts'
import type { LoggedChange, ShadowDocument } from '../model/shadow.ts'
import type { MetricValue, Telemetry, TelemetryRow } from '../model/telemetry.ts'
import type { WindowState } from '../model/window.ts'
import { inboxDue } from '../notifications/inbox.ts'
import { logChange, nextDesiredExpiry, reportValues } from '../shadow/index.ts'
import { nextWindowDue } from '../windows/window.ts'
import type { StepContext, StepResult } from './context.ts'
import { Measurements, nextRecentIds } from './measurements.ts'

/** A tick looks at effects that were left behind after so long. Unit: ms. */
const OUTBOX_DUE_MS = 15_000

/** Metrics that are remembered of one device; of more, those go that were not measured for the longest time. */
export const MAX_METRICS = 1_024

/** More effects than this wait on no device: what exceeds it is refused and counted. */
export const MAX_OUTBOX = 1_000

/** Effects that wait take up no more of a record than about this: telemetry has to find room. Unit: characters. */
export const MAX_OUTBOX_CHARS = 150_000

/** The record while a step works on it: each part is copied once, when it first changes. */
export class Draft {
  readonly context: StepContext
  readonly failed: { ruleId: string; messageId: string; error: CoreError }[] = []
  /** Messages that came for a closed window. */
  late = 0
  readonly #remembered: string[] = []
  readonly transitions = { raised: 0, cleared: 0 }
  /** What rules have not heard yet of what this step brought about. */
  readonly notices: Notice[] = []
  readonly logs: { level: 'info' | 'warn' | 'error'; text: string; key: string }[] = []
  readonly #before: DeviceRecord
  readonly #rows: TelemetryRow[] = []
  readonly #cold: ColdRow[] = []
  readonly #acceptedIds: string[] = []
  /** The same ids, from the first time that one is looked for among them. */
  #idsOfBatch: Set<string> | undefined
  #matched: Map<string, number> | undefined
  #routed: Map<string, number> | undefined
  #presence: Presence
  #seenAt: number
  #newestAt: number
  readonly #measurements: Measurements
  /** How often values were reported in this step, and whether a shadow changed in another way. */
  #reports = 0
  #shadowsSet = false
  #shadowLog: readonly LoggedChange[] | undefined
  /** True if the metrics were too many. */
  #forgot = false
  #alarms: Record<string, AlarmState> | undefined
  #shadows: Record<string, ShadowDocument> | undefined
  #windows: Record<string, WindowState> | undefined
  /** Where the device is behind a network, if that changed. */
  #seat: NetworkSeat | undefined
  #commands: CommandQueue | undefined
  #inbox: InboxState | undefined
  #suppressed: Map<string, number> | undefined
  /** True if a command waits that did not wait before. */
  commandsWait = false
  #commandRows: CommandRow[] | undefined
  #commandsEnded: Map<CommandState, number> | undefined
  #outbox: OutboxEntry[] | undefined
  #outboxChars = 0
  #hasRoom = true
  #crowded = false
  #notified = 0

  constructor(record: DeviceRecord, context: StepContext) {
    this.#before = record
    this.context = context
    this.#presence = record.presence
    this.#seenAt = record.presence.seenAt
    this.#newestAt = record.newestAt
    this.#measurements = new Measurements(record.last, context.report)
  }

  get deviceId(): string {
    return this.#before.deviceId
  }

  /** The device, and which of those that had its name. */
  get identity(): { readonly deviceId: string; readonly createdAt: number } {
    return this.#before
  }

  get commands(): CommandQueue {
    return this.#commands ?? this.#before.commands ?? NO_COMMANDS
  }

  setCommands(commands: CommandQueue): void {
    this.#commands = commands
  }

  get inbox(): InboxState | undefined {
    return this.#inbox ?? this.#before.inbox
  }

  setInbox(inbox: InboxState): void {
    this.#inbox = inbox
  }

  countSuppressed(reason: string): void {
    this.#suppressed ??= new Map()
    this.#suppressed.set(reason, (this.#suppressed.get(reason) ?? 0) + 1)
  }

  addCommandRow(row: CommandRow): void {
    this.#commandRows ??= []
    this.#commandRows.push(row)
  }

  countCommand(ended: CommandState): void {
    this.#commandsEnded ??= new Map()
    this.#commandsEnded.set(ended, (this.#commandsEnded.get(ended) ?? 0) + 1)
  }

  get alarms(): Readonly<Record<string, AlarmState>> {
    return this.#alarms ?? this.#before.alarms
  }

  alarm(alarmId: string): AlarmState | undefined {
    const { alarms } = this
    return Object.hasOwn(alarms, alarmId) ? alarms[alarmId] : undefined
  }

  get windows(): Readonly<Record<string, WindowState>> {
    return this.#windows ?? this.#before.windows
  }

  /** Keeps the windows of a rule; `undefined` forgets them. What came late is counted. */
  setWindow(ruleId: string, state: WindowState | undefined): void {
    this.late += (state?.late ?? 0) - (this.windows[ruleId]?.late ?? 0)
    this.#windows ??= { ...this.#before.windows }
    if (state === undefined) delete this.#windows[ruleId]
    else this.#windows[ruleId] = state
  }

  /** True if this key was remembered lately, or is remembered now. */
  remember(key: string): boolean {
    if (this.#acceptedIds.includes(key) || this.#before.recentIds.includes(key)) return true
    this.#remembered.push(key)
    return false
  }

  /** How many messages the device has sent so far, those of this step among them. */
  get accepted(): number {
    return this.#before.accepted + this.#acceptedIds.length
  }

  /** The names of measured values that are reported, where they are. */
  get measured(): Readonly<Record<string, unknown>> | undefined {
    return this.context.report ? this.#measurements.last : undefined
  }

  get shadowNames(): readonly string[] {
    return Object.keys(this.#shadows ?? this.#before.shadows)
  }

  /** The shadow of that name, with what was measured in this step already reported. */
  shadow(name: string): ShadowDocument | undefined {
    this.#flushReported()
    const shadows = this.#shadows ?? this.#before.shadows
    return Object.hasOwn(shadows, name) ? shadows[name] : undefined
  }

  /** The presence but for `seenAt`, which may lie behind: most messages ask for no more. */
  get connection(): Omit<Presence, 'seenAt'> {
    return this.#presence
  }

  /** What is known of the presence of the device at this point of the step. */
  get presence(): Presence {
    if (this.#seenAt !== this.#presence.seenAt)
      this.#presence = { ...this.#presence, seenAt: this.#seenAt }
    return this.#presence
  }

  setPresence(presence: Presence): void {
    this.#presence = presence
    this.#seenAt = presence.seenAt
  }

  isDuplicate({ messageId: id, identity, redelivered, at }: Telemetry): boolean {
    if (identity === 'none' || (identity === 'delivery' && !redelivered)) return false
    // Equal bytes have equal times, and the record knows the newest time of those that it took.
    if (identity === 'content' && at > this.#newestAt) return false
    if (this.context.known.has(id) || this.#before.recentIds.includes(id)) return true
    if (this.#acceptedIds.length === 0) return false
    this.#idsOfBatch ??= new Set(this.#acceptedIds)
    return this.#idsOfBatch.has(id)
  }

  /** Counts a new message, keeps its row and those of its values that are newer than the ones at hand. */
  accept(telemetry: Telemetry): void {
    const { at, messageId, metrics } = telemetry
    this.#idsOfBatch?.add(messageId)
    this.#acceptedIds.push(messageId)
    this.#rows.push({ at, messageId, metrics })
    if (this.context.program.config.cold.enabled) {
      const { receivedAt, topic, body } = telemetry
      this.#cold.push({ deviceId: this.deviceId, at, receivedAt, messageId, topic, body })
    }
    if (telemetry.receivedAt > this.#seenAt) this.#seenAt = telemetry.receivedAt
    if (telemetry.timed && at > this.#newestAt) this.#newestAt = at
    this.#measurements.take(at, metrics)
    const { seat } = telemetry
    if (seat === undefined || isSameSeat(this.#seat ?? this.#before.seat, seat)) return
    this.#seat = seat
    // What waited for a device of which nobody knew where it is can go now.
    if (this.commands.some(({ state }) => state === 'Enqueued')) this.commandsWait = true
  }

  setAlarm(alarmId: string, state: AlarmState | undefined): void {
    this.#alarms ??= { ...this.#before.alarms }
    if (state === undefined) delete this.#alarms[alarmId]
    else setOwn(this.#alarms, alarmId, state)
  }

  setShadow(name: string, document: ShadowDocument): void {
    this.#shadowsSet = true
    const log = this.#shadowLog ?? this.#before.shadowLog ?? NO_CHANGES
    this.#shadowLog = logChange(log, name, this.shadow(name), document)
    this.#shadows ??= { ...this.#before.shadows }
    setOwn(this.#shadows, name, document)
  }

  /** Notes that a rule or an alarm failed on a message. What is no error of the core is a bug, and is thrown. */
  fail(ruleId: string, messageId: string, error: unknown): CoreError {
    if (!(error instanceof CoreError)) throw error
    this.failed.push({ ruleId, messageId, error })
    return error
  }

  /** Keeps a row that a rule made, beside that of its message. */
  addRow(row: TelemetryRow): void {
    this.#rows.push(row)
  }

  addCold(row: ColdRow): void {
    this.#cold.push(row)
  }

  countMatch(ruleId: string): void {
    this.#matched ??= new Map()
    this.#matched.set(ruleId, (this.#matched.get(ruleId) ?? 0) + 1)
  }

  countRoute(routeId: string): void {
    this.#routed ??= new Map()
    this.#routed.set(routeId, (this.#routed.get(routeId) ?? 0) + 1)
  }

  /**
   * @throws CoreError `device.outbox_full` if too much waits already: many messages acted in one step, or the downlink
   * has been away for long.
   */
  emit(key: string, effect: Effect, origin?: EffectOrigin): void {
    if (this.#outbox === undefined) {
      this.#outbox = [...this.#before.outbox]
      for (const entry of this.#outbox) this.#outboxChars += charsOf(entry.effect)
      this.#hasRoom =
        this.#outbox.length < MAX_OUTBOX / 2 && this.#outboxChars < MAX_OUTBOX_CHARS / 2
    }
    const chars = this.#outboxChars + charsOf(effect) + (origin?.base64OriginalPayload.length ?? 0)
    if (this.#outbox.length >= MAX_OUTBOX || chars > MAX_OUTBOX_CHARS) {
      this.#crowded = this.#hasRoom
      throw new CoreError(
        'device.outbox_full',
        `expected at most ${MAX_OUTBOX} effects of together ${MAX_OUTBOX_CHARS} characters waiting, found more`,
      )
    }
    this.#outboxChars = chars
    const entry = { key, effect, at: this.context.now, attempts: 0 }
    this.#outbox.push(origin === undefined ? entry : { ...entry, origin })
    if (effect.kind === 'notify') this.#notified++
  }

  close(results: readonly InputResult[]): StepResult {
    this.#forgetMetrics()
    const before = this.#before
    this.#flushReported()
    const events = {
      matched: this.#matched ?? NO_MATCHES,
      routed: this.#routed ?? NO_MATCHES,
      failed: this.failed,
      notified: this.#notified,
      suppressed: this.#suppressed ?? NO_MATCHES,
      crowded: this.#crowded,
      logs: this.logs,
      late: this.late,
      raised: this.transitions.raised,
      cleared: this.transitions.cleared,
      commandsWait: this.commandsWait,
      commandsEnded: this.#commandsEnded ?? NO_ENDS,
    }
    const commandRows = this.#commandRows ?? NO_ROWS
    const changed =
      this.#acceptedIds.length > 0 ||
      this.#presence !== before.presence ||
      this.#alarms !== undefined ||
      this.#shadows !== undefined ||
      this.#windows !== undefined ||
      this.#commands !== undefined ||
      this.#inbox !== undefined ||
      this.#outbox !== undefined
    if (!changed)
      return {
        record: before,
        rows: this.#rows,
        cold: this.#cold,
        commandRows,
        results,
        events,
        measured: undefined,
      }
    const outbox = this.#outbox ?? before.outbox
    const alarms = this.alarms
    const shadows = this.#shadows ?? before.shadows
    const { presence, commands, inbox } = this
    const seat = this.#seat ?? before.seat
    const record: DeviceRecord = {
      deviceId: before.deviceId,
      version: before.version,
      createdAt: before.createdAt,
      presence,
      accepted: this.accepted,
      newestAt: this.#newestAt,
      last: this.#measurements.last,
      recentIds: nextRecentIds(before.recentIds, this.#newIds()),
      shadows,
      alarms,
      windows: this.windows,
      outbox,
      dueAt: nextDue({ alarms, outbox, windows: this.windows, presence, commands, shadows, inbox }),
    }
    // Most devices never have one: their records do not grow.
    const queued = commands.length === 0 ? record : { ...record, commands }
    const seated = seat === undefined ? queued : { ...queued, seat }
    const log = this.#shadowLog ?? before.shadowLog
    const logged = log === undefined || log.length === 0 ? seated : { ...seated, shadowLog: log }
    const whole = inbox === undefined ? logged : { ...logged, inbox }
    return {
      record: whole,
      rows: this.#rows,
      cold: this.#cold,
      commandRows,
      results,
      events,
      measured: this.#hasOnlyMeasured() ? this.#measuredChange(record) : undefined,
    }
  }

  #newIds(): readonly string[] {
    return this.#remembered.length === 0
      ? this.#acceptedIds
      : [...this.#acceptedIds, ...this.#remembered]
  }

  /** Whether messages were taken in and nothing else came of them, as far as this step changes the record by itself. */
  #hasOnlyMeasured(): boolean {
    return (
      this.#acceptedIds.length > 0 &&
      this.#acceptedIds.length === this.#rows.length &&
      this.#remembered.length === 0 &&
      !this.#forgot &&
      this.#seat === undefined &&
      this.#alarms === undefined &&
      this.#reports <= 1 &&
      !this.#shadowsSet &&
      this.#windows === undefined &&
      this.#commands === undefined &&
      this.#inbox === undefined &&
      this.#commandRows === undefined &&
      this.#outbox === undefined
    )
  }

  /** What the rows do not tell of a step that has only measured; `undefined` where more than that follows from the time. */
  #measuredChange({ presence, newestAt, dueAt }: DeviceRecord): MeasuredChange | undefined {
    const before = this.#before
    const { connected, changedAt, gateway, judged } = before.presence
    if (
      presence.connected !== connected ||
      presence.changedAt !== changedAt ||
      presence.gateway !== gateway ||
      presence.judged !== judged ||
      dueAt !== before.dueAt
    )
      return undefined
    return {
      seenAt: presence.seenAt,
      newestAt,
      reportedAt: this.context.report ? this.#now : 0,
    }
  }

  /** Epoch s: what shadows count in. */
  get #now(): number {
    return Math.floor(this.context.now / 1_000)
  }

  /** Bounds what is remembered of a device that goes on making up names, in the last values and in what is reported. */
  #forgetMetrics(): void {
    const forgotten = this.#measurements.forgetOldest(MAX_METRICS)
    if (forgotten.length === 0) return
    this.#forgot = true
    if (!this.context.report) return
    const shown = this.shadow('')?.reported ?? {}
    const gone: Record<string, MetricValue | null> = {}
    for (const metric of forgotten)
      if (Object.hasOwn(shown, metric) && typeof shown[metric] !== 'object')
        setOwn(gone, metric, null)
    this.#report(gone)
  }

  /** Measured values become reported state once per step, not once per message. */
  #flushReported(): void {
    const reported = this.#measurements.takeReported()
    if (reported !== undefined) this.#report(reported)
  }

  #report(values: Readonly<Record<string, MetricValue | null>>): void {
    this.#reports++
    this.#shadows ??= { ...this.#before.shadows }
    this.#shadows[''] = reportValues(this.#shadows[''], values, this.#now)
  }
}

const NO_COMMANDS: CommandQueue = []
const NO_CHANGES: readonly LoggedChange[] = []
const NO_ROWS: readonly CommandRow[] = []
const NO_ENDS: ReadonlyMap<CommandState, number> = new Map()
const NO_MATCHES: ReadonlyMap<string, number> = new Map()

/** Sets an own key: devices choose names, `__proto__` too. */
function setOwn<T>(target: Record<string, T>, key: string, value: T): void {
  if (key === '__proto__')
    Object.defineProperty(target, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    })
  else target[key] = value
}

/** What an entry takes besides its texts. Unit: characters. */
const ENTRY_CHARS = 200

/** About how many characters an effect takes in the JSON of its record. */
function charsOf(effect: Effect): number {
  switch (effect.kind) {
    case 'publish':
      // Quotes of a payload that is JSON are escaped once more.
      return ENTRY_CHARS + effect.topic.length + effect.payload.length * 1.25
    case 'notify': {
      const { key, subject, text, data } = effect.notification
      return (
        ENTRY_CHARS + 2 * key.length + subject.length + text.length + JSON.stringify(data).length
      )
    }
    default:
      return ENTRY_CHARS + JSON.stringify(effect).length
  }
}

/** Epoch ms at which the tick has to come: a desired value that expires, a pending alarm, an open window, a presence, or effects left behind. 0: never. */
export function nextDue({
  alarms,
  outbox,
  windows,
  presence,
  commands,
  shadows,
  inbox,
}: Pick<DeviceRecord, 'alarms' | 'outbox' | 'windows' | 'presence' | 'commands' | 'shadows'> & {
  readonly inbox?: InboxState | undefined
}): number {
  let due = presence.judged?.dueAt ?? 0
  const earliest = (at: number): void => {
    if (due === 0 || at < due) due = at
  }
  for (const name in shadows) {
    const shadow = shadows[name]
    const at = shadow === undefined ? undefined : nextDesiredExpiry(shadow)
    if (at !== undefined) earliest(at * 1_000)
  }
  for (const alarmId in alarms) {
    const state = alarms[alarmId]
    if (state?.dueAt !== undefined) earliest(state.dueAt)
    const shelf = state?.care?.shelf
    if (shelf !== undefined) earliest(shelf.until)
  }
  for (const ruleId in windows) {
    const state = windows[ruleId]
    if (state !== undefined && state.panes.length > 0) earliest(nextWindowDue(state))
  }
  if (commands !== undefined && commands.length > 0) {
    const at = nextCommandDue(commands)
    if (at > 0) earliest(at)
  }
  if (inbox !== undefined) {
    const at = inboxDue(inbox)
    if (at > 0) earliest(at)
  }
  for (const entry of outbox) earliest(entry.attempts === 0 ? entry.at + OUTBOX_DUE_MS : entry.at)
  return due
}
