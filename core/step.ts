import { acknowledge, judge, judgeTimer, type Verdict } from './alarms/judge.ts'
import { CoreError } from './errors.ts'
import type { AlarmState } from './model/alarm.ts'
import type { ColdRow } from './model/cold-row.ts'
import type { DeviceRecord, LastValue } from './model/device-record.ts'
import type { Effect, OutboxEntry } from './model/effect.ts'
import type {
  DesireInput,
  DeviceInput,
  InputResult,
  ShadowInput,
  TelemetryInput,
} from './model/input.ts'
import type { Json } from './model/json.ts'
import { isJsonObject } from './model/json.ts'
import type { ShadowDocument } from './model/shadow.ts'
import type { MetricValue, Telemetry, TelemetryRow } from './model/telemetry.ts'
import type { Action, Program, ProgramAlarm, ProgramRule } from './program.ts'
import type { MessageFacts, RuleMessage } from './rules/index.ts'
import {
  AWS_SHADOW,
  deleteShadow,
  getShadow,
  isShadowName,
  parseShadowRequest,
  readClientToken,
  readShadowRequest,
  reject,
  reportValues,
  type ShadowUpdate,
  shadowDelta,
  type UpdateOptions,
  updateShadow,
} from './shadow/index.ts'

/** Ids remembered per device: enough for what a transport sends again at once. Older ones are asked of the store. */
const RECENT_IDS = 48

/** A tick looks at effects that were left behind after so long. Unit: ms. */
const OUTBOX_DUE_MS = 15_000

/** More effects than this wait on no device: what exceeds it is refused and counted. */
export const MAX_OUTBOX = 1_000

/** What a step may know besides the record and the inputs. */
export interface StepContext {
  readonly program: Program
  /** Epoch ms. */
  readonly now: number
  /** Ids of messages, not newer than the record, whose rows a commit has stored. */
  readonly known: ReadonlySet<string>
  /** Whether measured values become reported state for this device. */
  readonly report: boolean
  readonly newId: () => string
  readonly random: () => number
}

/** What happened, for counters and logs. */
export interface StepEvents {
  /** How often each rule matched, by rule id. */
  readonly matched: ReadonlyMap<string, number>
  readonly failed: readonly {
    readonly ruleId: string
    readonly messageId: string
    readonly error: CoreError
  }[]
  readonly raised: number
  readonly cleared: number
}

export interface StepResult {
  /** The next record; the very same object if nothing changed. Its version is not yet counted up. */
  readonly record: DeviceRecord
  readonly rows: readonly TelemetryRow[]
  readonly cold: readonly ColdRow[]
  readonly results: readonly InputResult[]
  readonly events: StepEvents
}

/**
 * Moves one device on by some inputs, in their order.
 *
 * Pure: the same record, inputs and context give the same result; nothing that goes in is changed.
 * Total: a rule that fails on a message is reported in `events` and leaves everything else alone.
 */
export function step(
  record: DeviceRecord,
  inputs: readonly DeviceInput[],
  context: StepContext,
): StepResult {
  const draft = new Draft(record, context)
  const results = inputs.map((input) => apply(draft, input))
  return draft.close(results)
}

function apply(draft: Draft, input: DeviceInput): InputResult {
  switch (input.kind) {
    case 'telemetry':
      return applyTelemetry(draft, input)
    case 'presence':
      draft.presence(input.connected, input.at)
      return { status: 'accepted' }
    case 'shadow':
      return applyShadow(draft, input)
    case 'desire':
      return applyDesire(draft, input)
    case 'acknowledge':
      return applyAcknowledge(draft, input.alarmId, input.by, input.at)
    case 'effect':
      draft.emit(input.key, input.effect)
      return { status: 'accepted' }
    case 'timer':
      applyTimer(draft, input.at)
      return { status: 'accepted' }
  }
}

// One uplink: duplicate? → last values → rules → alarms → row

function applyTelemetry(draft: Draft, { telemetry }: TelemetryInput): InputResult {
  if (draft.isDuplicate(telemetry)) return { status: 'duplicate' }
  draft.accept(telemetry)
  const message = toRuleMessage(telemetry, draft.context)
  for (const rule of draft.context.program.rules.match(telemetry.topic))
    runRule(draft, rule, message, telemetry)
  for (const alarm of draft.context.program.alarms.match(telemetry.topic))
    judgeAlarm(draft, alarm, message, telemetry)
  return { status: 'accepted' }
}

function toRuleMessage(telemetry: Telemetry, context: StepContext): RuleMessage {
  const facts: MessageFacts = {
    topic: telemetry.topic,
    nowMs: telemetry.receivedAt,
    newId: context.newId,
    random: context.random,
    ...telemetry.facts,
  }
  return { body: telemetry.body, bytes: telemetry.bytes, facts }
}

function runRule(
  draft: Draft,
  { ruleId, rule, actions }: ProgramRule,
  message: RuleMessage,
  telemetry: Telemetry,
): void {
  try {
    const result = rule.evaluate(message)
    if (result.status === 'no_match') return
    draft.countMatch(ruleId)
    for (const [index, action] of actions.entries()) {
      runAction(
        draft,
        action,
        result.value,
        message,
        telemetry,
        `${ruleId}/${index}/${telemetry.messageId}`,
      )
    }
  } catch (error) {
    if (!(error instanceof CoreError)) throw error
    draft.failed.push({ ruleId, messageId: telemetry.messageId, error })
  }
}

function runAction(
  draft: Draft,
  action: Action,
  value: Json | Uint8Array | undefined,
  message: RuleMessage,
  telemetry: Telemetry,
  key: string,
): void {
  switch (action.kind) {
    case 'republish': {
      const payload =
        value instanceof Uint8Array
          ? toBase64(value)
          : value === undefined
            ? ''
            : JSON.stringify(value)
      const encoding = value instanceof Uint8Array ? 'base64' : 'utf8'
      const topic = action.topic.render(message)
      draft.emit(key, {
        kind: 'publish',
        topic,
        payload,
        encoding,
        qos: action.qos,
        retain: action.retain,
      })
      return
    }
    case 'notify':
      draft.emit(key, {
        kind: 'notify',
        notification: {
          key: `${draft.deviceId}/${key}/${telemetry.at}`,
          channelIds: action.channelIds,
          deviceId: draft.deviceId,
          severity: action.severity,
          subject: action.subject.render(message),
          text: action.text.render(message),
          at: telemetry.at,
          data: value instanceof Uint8Array || value === undefined ? null : value,
        },
      })
      return
    case 'setDesired': {
      const desired = action.state === undefined ? value : action.state(message)
      if (desired === undefined || desired instanceof Uint8Array || !isJsonObject(desired)) {
        throw new CoreError('rule.failed', 'setDesired: expected an object as desired state')
      }
      const deviceId = action.device === undefined ? draft.deviceId : action.device.render(message)
      if (deviceId === draft.deviceId)
        applyDesire(draft, {
          kind: 'desire',
          name: action.shadow,
          desired,
          at: telemetry.receivedAt,
        })
      else draft.emit(key, { kind: 'desire', deviceId, name: action.shadow, desired })
      return
    }
  }
}

function judgeAlarm(
  draft: Draft,
  alarm: ProgramAlarm,
  message: RuleMessage,
  telemetry: Telemetry,
): void {
  try {
    const raise = asBoolean(alarm.when.evaluate(message))
    const clear = alarm.clear === undefined ? not(raise) : asBoolean(alarm.clear.evaluate(message))
    const before = draft.alarms[alarm.alarmId]
    const judgement = { raise, clear, at: telemetry.at, receivedAt: telemetry.receivedAt }
    settle(
      draft,
      alarm,
      judge(before, judgement, alarm, () => alarm.text.render(message)),
      before,
    )
  } catch (error) {
    if (!(error instanceof CoreError)) throw error
    draft.failed.push({ ruleId: alarm.alarmId, messageId: telemetry.messageId, error })
  }
}

/** Takes over the verdict on one alarm and tells whoever is to be told. */
function settle(
  draft: Draft,
  alarm: ProgramAlarm,
  verdict: Verdict,
  before: AlarmState | undefined,
): void {
  if (verdict.state !== before) draft.setAlarm(alarm.alarmId, verdict.state)
  const { state, transition } = verdict
  if (state === undefined || transition === undefined) return
  draft.transitions[transition]++
  if (alarm.channelIds.length === 0 || (transition === 'cleared' && !alarm.notifyCleared)) return
  const at = (transition === 'raised' ? state.raisedAt : state.clearedAt) ?? state.since
  const key = `alarm/${alarm.alarmId}/${state.raisedAt ?? state.since}/${transition}`
  draft.emit(key, {
    kind: 'notify',
    notification: {
      key: `${draft.deviceId}/${key}`,
      channelIds: alarm.channelIds,
      deviceId: draft.deviceId,
      severity: transition === 'cleared' ? 'info' : state.severity,
      subject: `${alarm.alarmId} ${transition} on ${draft.deviceId}`,
      text: transition === 'cleared' ? `Cleared: ${state.text}` : state.text,
      at,
      data: {
        alarmId: alarm.alarmId,
        status: state.status,
        since: state.since,
        raisedAt: state.raisedAt ?? null,
      },
    },
  })
}

function asBoolean(value: Json | undefined): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined
}

function not(value: boolean | undefined): boolean | undefined {
  return value === undefined ? undefined : !value
}

// Shadows

function applyShadow(draft: Draft, input: ShadowInput): InputResult {
  const options = { at: Math.floor(input.at / 1_000), dialect: AWS_SHADOW }
  if (!isShadowName(input.name, AWS_SHADOW)) {
    return answered(false, reject(AWS_SHADOW.rejections.invalidName, options))
  }
  const current = draft.shadow(input.name)
  if (input.operation === 'update') {
    const parsed = parseShadowRequest(input.body, options)
    if ('rejected' in parsed) return answered(false, parsed.rejected)
    return applyUpdate(draft, input.name, parsed.request, options)
  }
  const clientToken = readClientToken(input.body, AWS_SHADOW)
  const query = { ...options, name: input.name, thingName: draft.deviceId, clientToken }
  if (input.operation === 'get') {
    const answer = getShadow(current, query)
    return 'rejected' in answer ? answered(false, answer.rejected) : answered(true, answer.accepted)
  }
  const deletion = deleteShadow(current, query)
  if ('rejected' in deletion) return answered(false, deletion.rejected)
  draft.setShadow(input.name, deletion.document)
  return answered(true, deletion.accepted)
}

function applyUpdate(
  draft: Draft,
  name: string,
  request: ShadowUpdate,
  options: UpdateOptions,
): InputResult {
  const change = updateShadow(draft.shadow(name), request, options)
  if ('rejected' in change) return answered(false, change.rejected)
  draft.setShadow(name, change.document)
  const target = { kind: 'shadow' as const, deviceId: draft.deviceId, name }
  const key = `shadow/${name}/${change.document.version}`
  if (change.delta !== undefined)
    draft.emit(`${key}/delta`, { ...target, event: 'delta', body: change.delta })
  draft.emit(`${key}/documents`, { ...target, event: 'documents', body: change.documents })
  return answered(true, change.accepted)
}

function answered(accepted: boolean, body: Json): InputResult {
  return { status: 'answered', accepted, body }
}

/** Merges a wish of a rule into the desired state; one that is already there changes nothing and is not sent again. */
function applyDesire(draft: Draft, input: DesireInput): InputResult {
  if (!isJsonObject(input.desired)) {
    return {
      status: 'refused',
      code: 'shadow.bad_request',
      message: 'expected an object as desired state',
    }
  }
  const current = draft.shadow(input.name)
  if (current?.desired !== undefined && shadowDelta(input.desired, current.desired) === undefined)
    return { status: 'accepted' }
  const options = { at: Math.floor(input.at / 1_000), dialect: AWS_SHADOW }
  const parsed = readShadowRequest({ state: { desired: input.desired } }, options)
  const result =
    'rejected' in parsed
      ? answered(false, parsed.rejected)
      : applyUpdate(draft, input.name, parsed.request, options)
  if (result.status !== 'answered' || result.accepted) return { status: 'accepted' }
  return {
    status: 'refused',
    code: 'shadow.bad_request',
    message: `desired state refused: ${JSON.stringify(result.body)}`,
  }
}

function applyAcknowledge(draft: Draft, alarmId: string, by: string, at: number): InputResult {
  const state = draft.alarms[alarmId]
  if (state?.status !== 'active') {
    return {
      status: 'refused',
      code: 'input.not_found',
      message: `expected an active alarm, found ${state?.status ?? 'none'}`,
    }
  }
  draft.setAlarm(alarmId, acknowledge(state, by, at))
  return { status: 'accepted' }
}

function applyTimer(draft: Draft, now: number): void {
  for (const [alarmId, state] of Object.entries(draft.alarms)) {
    const alarm = draft.context.program.alarmsById.get(alarmId)
    if (alarm === undefined) draft.setAlarm(alarmId, undefined)
    else settle(draft, alarm, judgeTimer(state, now), state)
  }
}

/** The record while a step works on it: each part is copied once, when it first changes. */
class Draft {
  readonly context: StepContext
  readonly failed: { ruleId: string; messageId: string; error: CoreError }[] = []
  readonly transitions = { raised: 0, cleared: 0 }
  readonly #before: DeviceRecord
  readonly #rows: TelemetryRow[] = []
  readonly #cold: ColdRow[] = []
  readonly #matched = new Map<string, number>()
  readonly #idsOfBatch = new Set<string>()
  readonly #acceptedIds: string[] = []
  #presence: DeviceRecord['presence']
  #seenAt: number
  #newestAt: number
  #last: Record<string, LastValue> | undefined
  #reported: Record<string, MetricValue> | undefined
  #alarms: Record<string, AlarmState> | undefined
  #shadows: Record<string, ShadowDocument> | undefined
  #outbox: OutboxEntry[] | undefined

  constructor(record: DeviceRecord, context: StepContext) {
    this.#before = record
    this.context = context
    this.#presence = record.presence
    this.#seenAt = record.presence.seenAt
    this.#newestAt = record.newestAt
  }

  get deviceId(): string {
    return this.#before.deviceId
  }

  get alarms(): Readonly<Record<string, AlarmState>> {
    return this.#alarms ?? this.#before.alarms
  }

  /** The shadow of that name, with what was measured in this step already reported. */
  shadow(name: string): ShadowDocument | undefined {
    this.#flushReported()
    const shadows = this.#shadows ?? this.#before.shadows
    return Object.hasOwn(shadows, name) ? shadows[name] : undefined
  }

  presence(connected: boolean, at: number): void {
    this.#seenAt = Math.max(this.#seenAt, at)
    this.#presence = { ...this.#presence, connected, changedAt: at }
  }

  isDuplicate(telemetry: Telemetry): boolean {
    const id = telemetry.messageId
    if (
      telemetry.identity === 'none' ||
      (telemetry.identity === 'delivery' && !telemetry.redelivered)
    )
      return false
    if (this.#idsOfBatch.has(id) || this.context.known.has(id)) return true
    return this.#before.recentIds.includes(id)
  }

  /** Counts a new message, keeps its row and those of its values that are newer than the ones at hand. */
  accept(telemetry: Telemetry): void {
    const { at, messageId, metrics } = telemetry
    this.#idsOfBatch.add(messageId)
    this.#acceptedIds.push(messageId)
    this.#rows.push({ at, messageId, metrics })
    if (this.context.program.config.cold.enabled) {
      const { receivedAt, topic, body } = telemetry
      this.#cold.push({ deviceId: this.deviceId, at, receivedAt, messageId, topic, body })
    }
    this.#seenAt = Math.max(this.#seenAt, telemetry.receivedAt)
    if (telemetry.timed && at > this.#newestAt) this.#newestAt = at
    this.#last ??= { ...this.#before.last }
    if (this.context.report) this.#reported ??= {}
    const reported = this.#reported
    for (const metric in metrics) {
      const value = metrics[metric]
      const before = Object.hasOwn(this.#last, metric) ? this.#last[metric] : undefined
      if (value === undefined || (before !== undefined && before.at > at)) continue
      this.#last[metric] = { value, at }
      if (reported !== undefined) reported[metric] = value
    }
  }

  setAlarm(alarmId: string, state: AlarmState | undefined): void {
    this.#alarms ??= { ...this.#before.alarms }
    if (state === undefined) delete this.#alarms[alarmId]
    else this.#alarms[alarmId] = state
  }

  setShadow(name: string, document: ShadowDocument): void {
    this.#shadows ??= { ...this.#before.shadows }
    this.#shadows[name] = document
  }

  countMatch(ruleId: string): void {
    this.#matched.set(ruleId, (this.#matched.get(ruleId) ?? 0) + 1)
  }

  /** @throws CoreError `rule.limit` if too much waits already: the downlink has been away for long. */
  emit(key: string, effect: Effect): void {
    this.#outbox ??= [...this.#before.outbox]
    if (this.#outbox.length >= MAX_OUTBOX) {
      throw new CoreError(
        'rule.limit',
        `expected at most ${MAX_OUTBOX} effects waiting, found one more`,
      )
    }
    this.#outbox.push({ key, effect, at: this.context.now, attempts: 0 })
  }

  close(results: readonly InputResult[]): StepResult {
    this.#flushReported()
    const before = this.#before
    const events = { matched: this.#matched, failed: this.failed, ...this.transitions }
    const changed =
      this.#acceptedIds.length > 0 ||
      this.#presence !== before.presence ||
      this.#alarms !== undefined ||
      this.#shadows !== undefined ||
      this.#outbox !== undefined
    if (!changed) return { record: before, rows: this.#rows, cold: this.#cold, results, events }
    const outbox = this.#outbox ?? before.outbox
    const alarms = this.alarms
    const record: DeviceRecord = {
      deviceId: before.deviceId,
      version: before.version,
      createdAt: before.createdAt,
      presence: { ...this.#presence, seenAt: this.#seenAt },
      accepted: before.accepted + this.#acceptedIds.length,
      newestAt: this.#newestAt,
      last: this.#last ?? before.last,
      recentIds: this.#recentIds(),
      shadows: this.#shadows ?? before.shadows,
      alarms,
      outbox,
      dueAt: nextDue(alarms, outbox),
    }
    return { record, rows: this.#rows, cold: this.#cold, results, events }
  }

  #recentIds(): readonly string[] {
    const added = this.#acceptedIds
    if (added.length === 0) return this.#before.recentIds
    if (added.length >= RECENT_IDS) return added.slice(-RECENT_IDS)
    return [...this.#before.recentIds.slice(added.length - RECENT_IDS), ...added]
  }

  /** Measured values become reported state once per step, not once per message. */
  #flushReported(): void {
    const reported = this.#reported
    this.#reported = undefined
    if (reported === undefined) return
    this.#shadows ??= { ...this.#before.shadows }
    this.#shadows[''] = reportValues(
      this.#shadows[''],
      reported,
      Math.floor(this.context.now / 1_000),
    )
  }
}

/** Epoch ms at which the tick has to come: a pending alarm, or effects left behind. 0: never. */
export function nextDue(
  alarms: Readonly<Record<string, AlarmState>>,
  outbox: readonly OutboxEntry[],
): number {
  let due = 0
  const earliest = (at: number): void => {
    if (due === 0 || at < due) due = at
  }
  for (const alarmId in alarms) {
    const state = alarms[alarmId]
    if (state?.status === 'pending' && state.dueAt !== undefined) earliest(state.dueAt)
  }
  for (const entry of outbox) earliest(entry.attempts === 0 ? entry.at + OUTBOX_DUE_MS : entry.at)
  return due
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Source: RFC 4648, section 4. */
function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (let index = 0; index < bytes.length; index += 3) {
    const second = bytes[index + 1]
    const third = bytes[index + 2]
    const word = ((bytes[index] ?? 0) << 16) | ((second ?? 0) << 8) | (third ?? 0)
    text += BASE64.charAt(word >> 18) + BASE64.charAt((word >> 12) & 63)
    text += second === undefined ? '=' : BASE64.charAt((word >> 6) & 63)
    text += third === undefined ? '=' : BASE64.charAt(word & 63)
  }
  return text
}
