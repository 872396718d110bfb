import { messageFingerprint } from './codecs/message-id.ts'
import { checkCommand } from './commands/check.ts'
import {
  asksGateway,
  DEFAULT_PRESENCE,
  type GatewayState,
  gatewayState,
  type PresencePlan,
} from './devices/presence.ts'
import { CoreError } from './errors.ts'
import { asksTheWorld, createFetchLookups, type FetchLookups } from './lookup.ts'
import { isDeviceId } from './model/device-id.ts'
import { type DeviceRecord, newDeviceRecord } from './model/device-record.ts'
import type { ForwardedEffect, HearsShadow, OutboxEntry, PerformedEffect } from './model/effect.ts'
import type { DeviceInput, InputResult } from './model/input.ts'
import { isJsonObject } from './model/json.ts'
import type { NetworkSeat } from './model/network-seat.ts'
import type { Notification } from './model/notification.ts'
import type { Telemetry } from './model/telemetry.ts'
import { backoffMs, MAX_ATTEMPTS } from './notifications/backoff.ts'
import { toQueue } from './notifications/fan-out.ts'
import { dueEscalations } from './notifications/inbox.ts'
import { NOTIFICATIONS_TABLE } from './notifications/tables.ts'
import type { Commit, Ports } from './ports.ts'
import type { Program, ProgramSource } from './program.ts'
import type { Lookups } from './rules/index.ts'
import { step } from './step.ts'
import type { StepContext, StepEvents, StepResult } from './steps/context.ts'
import { nextDue } from './steps/draft.ts'
import { toRuleMessage } from './steps/telemetry.ts'

/** How often a lost race is run again before the transport is asked to send again. */
const MAX_RACES = 10

/** Inputs of one device that are taken into one step at most. */
const MAX_BATCH = 512

/** A record over this size fits no longer into every store. Unit: characters of its JSON. */
export const MAX_RECORD_CHARS = 300_000

/** The one way to change a device: load → step → commit → perform. */
export interface DeviceGate {
  /**
   * Runs inputs of one device in order. Inputs that arrive while the device is busy are taken together into its next
   * step. Resolves once the result is durable (and, where the host may freeze the process, performed).
   * @throws CoreError `store.*` if nothing of these inputs was stored; `uplink.bad_device_id` if no device may be
   * called so.
   */
  run(deviceId: string, inputs: readonly DeviceInput[]): Promise<readonly InputResult[]>
  /** As `run`, for whoever waits for many devices and needs no promise of each. */
  submit(deviceId: string, job: Job): void
  /** As `run`, for records that are no devices too: fleet-wide groups, inboxes of recipients. */
  enter(recordId: string, inputs: readonly DeviceInput[]): Promise<readonly InputResult[]>
  /** Performs what an earlier run left behind, and fires timers that are due. */
  catchUp(deviceId: string): Promise<void>
  /** Resolves when no device is busy. */
  idle(): Promise<void>
}

/** Inputs of one device, and who waits for them: one of the two is called, once, and must not throw. */
export interface Job {
  readonly inputs: readonly DeviceInput[]
  readonly resolve: (results: readonly InputResult[]) => void
  readonly reject: (error: unknown) => void
}

/** The way of commands to devices behind networks. */
export interface NetworkWay {
  serves(seat: NetworkSeat): boolean
  /** Hands over all that waits; what fails is logged there, and waits on. */
  deliver(deviceId: string, seat: NetworkSeat): Promise<void>
}

/** What a host may know that spares work. */
export interface GateOptions {
  readonly hearsShadow?: HearsShadow | undefined
  /** Takes the commands of devices that are behind a network. */
  readonly networkDownlinks?: NetworkWay | undefined
  /** The record that a load would give, where it is at hand; without it every step loads. */
  readonly recordAtHand?: ((deviceId: string) => DeviceRecord | undefined) | undefined
}

/** What a step has to ask of others; most steps need none of it. */
type Facts = Pick<StepContext, 'known' | 'gateway' | 'registeredTags' | 'lookups' | 'settled'>

/** A program, and what of it decides how a step is prepared. */
interface Work {
  readonly program: Program
  /** Whether its rules ask the world. */
  readonly asks: boolean
  readonly asksTwin: boolean
  readonly fetchLookups: FetchLookups
}

/** What a step left behind; no record where nothing was stored. */
interface Committed {
  readonly record: DeviceRecord | undefined
  readonly results: readonly InputResult[]
  /** True if a command waits for the device that did not wait before. */
  readonly wait: boolean
}

/** What became of outbox entries since the last commit: `undefined` is done, an entry is put off. */
type Performed = Map<string, OutboxEntry | undefined>

/** Builds the gate of one process. Its only state are the inputs in flight. */
export function createDeviceGate(
  ports: Ports,
  programs: ProgramSource,
  { hearsShadow, networkDownlinks, recordAtHand = () => undefined }: GateOptions = {},
): DeviceGate {
  /** Devices that are busy in this process, at most one step each, with the jobs that wait. */
  const lanes = new Map<string, Job[]>()
  /** Entries to strike off with the next commit of their device. */
  const performed = new Map<string, Performed>()
  let work = workOf(ports, programs.current)
  /** Wishes for other devices that are on their way. */
  const underWay = new Set<string>()
  /** Devices for which more waits than the delivery under way has seen. */
  const more = new Set<string>()
  let waiters: (() => void)[] = []

  /** The program in force now. A step keeps to the one that it began with. */
  function workNow(): Work {
    const { current } = programs
    if (work.program !== current) work = workOf(ports, current)
    return work
  }

  function run(deviceId: string, inputs: readonly DeviceInput[]): Promise<readonly InputResult[]> {
    return new Promise((resolve, reject) => submit(deviceId, { inputs, resolve, reject }))
  }

  function submit(deviceId: string, job: Job): void {
    if (isDeviceId(deviceId)) {
      queue(deviceId, job)
      return
    }
    const found = `found one of ${deviceId.length} characters that is none`
    job.reject(new CoreError('uplink.bad_device_id', `expected a device id, ${found}`))
  }

  /** As `run`, for records that are no devices too: fleet-wide groups. */
  function enter(
    deviceId: string,
    inputs: readonly DeviceInput[],
  ): Promise<readonly InputResult[]> {
    return new Promise((resolve, reject) => queue(deviceId, { inputs, resolve, reject }))
  }

  function queue(deviceId: string, job: Job): void {
    const waiting = lanes.get(deviceId)
    if (waiting !== undefined) {
      waiting.push(job)
      return
    }
    const lane: Job[] = []
    lanes.set(deviceId, lane)
    start(deviceId, lane, [job])
  }

  /** Serves what came meanwhile; the device is free if nothing did. */
  function goOn(deviceId: string, lane: Job[]): void {
    if (lane.length > 0) {
      start(deviceId, lane, takeBatch(lane))
      return
    }
    lanes.delete(deviceId)
    wakeIfIdle()
  }

  function start(deviceId: string, lane: Job[], jobs: readonly Job[]): void {
    const inputs =
      jobs.length === 1 && jobs[0] !== undefined
        ? jobs[0].inputs
        : jobs.flatMap((job) => job.inputs)
    if (!startAtOnce(deviceId, lane, jobs, inputs)) void startSlowly(deviceId, lane, jobs, inputs)
  }

  async function startSlowly(
    deviceId: string,
    lane: Job[],
    jobs: readonly Job[],
    inputs: readonly DeviceInput[],
  ): Promise<void> {
    try {
      await serve(deviceId, lane, jobs, inputs)
    } catch (error) {
      for (const job of jobs) job.reject(error)
    }
    goOn(deviceId, lane)
  }

  /**
   * The short way of most steps: all that they need is at hand, and they wait for nothing but their commit. Gives false,
   * and nothing is done, where it is not; what does not go well here is done again the long way.
   */
  function startAtOnce(
    deviceId: string,
    lane: Job[],
    jobs: readonly Job[],
    inputs: readonly DeviceInput[],
  ): boolean {
    if (!ports.longLived || performed.has(deviceId)) return false
    const stored = recordAtHand(deviceId)
    if (stored === undefined || stored.outbox.length > 0) return false
    const now = ports.clock.now()
    const by = workNow()
    if (doubtfulOf(stored, inputs).length > 0 || asksOthers(stored, now, by)) return false
    let outcome: StepResult
    try {
      outcome = step(stored, inputs, contextOf(stored, now, NO_FACTS, by))
    } catch {
      return false
    }
    if (outcome.events.crowded && inputs.length > 1) return false
    const wait = outcome.events.commandsWait
    if (outcome.record === stored) {
      answer(jobs, outcome.results)
      void followUp(deviceId, lane, stored, wait)
      return true
    }
    const commit = commitOf(outcome, stored, stored)
    ports.devices.commit(commit).then(
      () => {
        report(deviceId, outcome.events)
        answer(jobs, outcome.results)
        if (commit.record.outbox.length === 0 && !wait) goOn(deviceId, lane)
        else void followUp(deviceId, lane, commit.record, wait)
      },
      (error) => {
        if (isConflict(error)) ports.observer.count('device.conflict', 1)
        if (isConflict(error) || isOfInputs(error)) {
          void startSlowly(deviceId, lane, jobs, inputs)
          return
        }
        for (const job of jobs) job.reject(error)
        goOn(deviceId, lane)
      },
    )
    return true
  }

  async function followUp(
    deviceId: string,
    lane: Job[],
    record: DeviceRecord,
    wait: boolean,
  ): Promise<void> {
    try {
      await finish(deviceId, lane, record, wait)
    } finally {
      goOn(deviceId, lane)
    }
  }

  function wakeIfIdle(): void {
    if (lanes.size > 0 || underWay.size > 0) return
    for (const wake of waiters) wake()
    waiters = []
  }

  async function serve(
    deviceId: string,
    lane: readonly Job[],
    jobs: readonly Job[],
    inputs: readonly DeviceInput[],
  ): Promise<void> {
    const { record, results, wait } = await settle(deviceId, inputs)
    if (ports.longLived) answer(jobs, results)
    await finish(deviceId, lane, record, wait)
    if (!ports.longLived) answer(jobs, results)
  }

  function answer(jobs: readonly Job[], results: readonly InputResult[]): void {
    let from = 0
    for (const job of jobs) {
      const to = from + job.inputs.length
      const ofJob = jobs.length === 1 ? results : results.slice(from, to)
      const [first] = ofJob
      if (first?.status === 'unstored') job.reject(first.error)
      else job.resolve(ofJob)
      from = to
    }
  }

  async function finish(
    deviceId: string,
    lane: readonly Job[],
    record: DeviceRecord | undefined,
    wait: boolean,
  ): Promise<void> {
    if (record !== undefined) await perform(record)
    if (wait) await wake(deviceId, record?.seat)
    // Who comes next strikes off what was performed with his own commit; if nobody waits, this is the one more write.
    if (performed.has(deviceId) && lane.length === 0) await strike(deviceId, record)
  }

  /**
   * One step for all inputs, or, where that is too much for one record, several: then an input that is at fault fails
   * alone. What the store does not take any more after it has taken some is told input by input.
   */
  async function settle(deviceId: string, inputs: readonly DeviceInput[]): Promise<Committed> {
    try {
      return await commitStep(deviceId, inputs)
    } catch (error) {
      if (!isOfInputs(error) || inputs.length === 0) throw error
      if (inputs.length === 1) {
        const refused: InputResult = { status: 'refused', code: error.code, message: error.message }
        return { record: undefined, results: [refused], wait: false }
      }
    }
    const half = inputs.length >> 1
    const first = await settle(deviceId, inputs.slice(0, half))
    if (first.record !== undefined) await perform(first.record)
    const rest = inputs.slice(half)
    const second = await settle(deviceId, rest).catch((error) => unstored(rest, error))
    return {
      record: second.record,
      results: [...first.results, ...second.results],
      wait: first.wait || second.wait,
    }
  }

  /** What the last commit did not strike off, the next one has to. */
  async function commitStep(
    deviceId: string,
    inputs: readonly DeviceInput[],
    newest?: DeviceRecord,
  ): Promise<Committed> {
    const done = performed.get(deviceId) ?? NOTHING
    performed.delete(deviceId)
    try {
      return await commitOrThrow(deviceId, inputs, done, newest)
    } catch (error) {
      const meanwhile = performed.get(deviceId) ?? NOTHING
      if (done.size > 0) performed.set(deviceId, new Map([...done, ...meanwhile]))
      throw error
    }
  }

  async function commitOrThrow(
    deviceId: string,
    inputs: readonly DeviceInput[],
    done: Performed,
    newest: DeviceRecord | undefined,
  ): Promise<Committed> {
    const stale = programs.refresh()
    if (stale !== undefined) await stale
    const by = workNow()
    for (let race = 0; ; race++) {
      const now = ports.clock.now()
      // Who has just committed need not read again: if it is old by now, the race is lost and it is read.
      const stored =
        (race === 0 ? newest : undefined) ??
        (await ports.devices.load(deviceId)) ??
        newDeviceRecord(deviceId, now)
      const record = strikeOff(stored, done)
      const facts = await factsOf(record, inputs, now, by)
      const outcome = stepOrThrow(record, inputs, contextOf(record, now, facts, by))
      if (outcome.events.crowded && inputs.length > 1) {
        throw new CoreError('device.outbox_full', 'expected fewer effects of one step')
      }
      const wait = outcome.events.commandsWait
      if (outcome.record === stored) return { record: stored, results: outcome.results, wait }
      const commit = commitOf(outcome, record, stored)
      try {
        await ports.devices.commit(commit)
      } catch (error) {
        if (!isConflict(error) || race >= MAX_RACES) throw error
        ports.observer.count('device.conflict', 1)
        continue
      }
      report(deviceId, outcome.events)
      return { record: commit.record, results: outcome.results, wait }
    }
  }

  function contextOf(
    { deviceId }: DeviceRecord,
    now: number,
    { known, gateway, registeredTags, lookups, settled }: Facts,
    { program }: Work,
  ): StepContext {
    const type = program.deviceType(deviceId)
    return {
      program,
      now,
      known,
      report: type?.report ?? false,
      presence: type?.presence ?? DEFAULT_PRESENCE,
      gateway,
      registeredTags,
      lookups,
      settled,
      newId: () => ports.ids.next(now),
      random: ports.ids.random,
      hearsShadow,
    }
  }

  /** Whether a step needs more than the record to start from, besides what is known of its messages. */
  function asksOthers(record: DeviceRecord, now: number, { asks, asksTwin }: Work): boolean {
    return (
      asks ||
      asksTwin ||
      escalationsOf(record, now).length > 0 ||
      asksGateway(record.presence, planOf(record), now)
    )
  }

  function planOf({ deviceId }: DeviceRecord): PresencePlan {
    return programs.current.deviceType(deviceId)?.presence ?? DEFAULT_PRESENCE
  }

  async function factsOf(
    record: DeviceRecord,
    inputs: readonly DeviceInput[],
    now: number,
    { asks, asksTwin, fetchLookups }: Work,
  ): Promise<Facts> {
    const doubtful = doubtfulOf(record, inputs)
    const plan = planOf(record)
    return {
      known: doubtful.length === 0 ? NONE : await ports.telemetry.known(record.deviceId, doubtful),
      gateway: asksGateway(record.presence, plan, now)
        ? await gatewayOf(record, plan, now)
        : undefined,
      registeredTags: asksTwin ? await registeredTagsOf(record) : undefined,
      lookups: asks ? await lookupsOf(inputs, fetchLookups) : undefined,
      settled: await settledOf(record, now),
    }
  }

  /** Of what somebody took note, or what is over, where a chain of escalation would go on. */
  async function settledOf(
    record: DeviceRecord,
    now: number,
  ): Promise<ReadonlySet<string> | undefined> {
    const due = escalationsOf(record, now)
    if (due.length === 0) return undefined
    const settled = await Promise.all(due.map(({ notification }) => isSettled(notification)))
    return new Set(due.filter((_, at) => settled[at]).map(({ notification }) => notification.key))
  }

  async function isSettled({ event, deviceId }: Notification): Promise<boolean> {
    if (event?.kind === 'on-demand') {
      const item = await ports.tables.get(NOTIFICATIONS_TABLE, event.id)
      return isJsonObject(item) && item['acknowledged'] !== undefined
    }
    if (event?.kind !== 'alarm') return false
    const alarms = (await ports.devices.load(deviceId))?.alarms ?? {}
    const state = Object.hasOwn(alarms, event.id) ? alarms[event.id] : undefined
    return (
      state?.status !== 'active' ||
      state.acknowledgedAt !== undefined ||
      (state.raisedAt ?? state.since) !== event.raisedAt
    )
  }

  /** Until a twin has tags of its own, those of the registry count. */
  async function registeredTagsOf({ deviceId, shadows }: DeviceRecord) {
    if (shadows['']?.tags !== undefined) return undefined
    return (await ports.registry.get(deviceId))?.tags
  }

  /** Looks at the gateways of a device that would be judged lost: it is not, if they are. */
  async function gatewayOf(
    { deviceId, presence }: DeviceRecord,
    plan: PresencePlan,
    now: number,
  ): Promise<GatewayState> {
    const gatewayIds =
      presence.gateway !== undefined
        ? [presence.gateway]
        : presence.changedAt === 0
          ? ((await ports.registry.get(deviceId))?.gateways ?? [])
          : []
    let known: GatewayState
    for (const gatewayId of gatewayIds) {
      const gateway = await ports.devices.load(gatewayId)
      const gatewayPlan = programs.current.deviceType(gatewayId)?.presence ?? DEFAULT_PRESENCE
      const shared = presence.gateway !== undefined
      const facts = { presence: gateway?.presence, plan: gatewayPlan, shared }
      const state = gatewayState(facts, plan, now)
      if (state === 'up') return state
      known ??= state
    }
    return known
  }

  /** The step is pure: an exception that is none of the core's is a bug that this input meets each time. */
  function stepOrThrow(...args: Parameters<typeof step>): StepResult {
    try {
      return step(...args)
    } catch (cause) {
      if (cause instanceof CoreError) throw cause
      ports.observer.log('error', 'a step failed', {
        deviceId: args[0].deviceId,
        inputs: args[1].length,
        reason: reasonOf(cause),
      })
      throw new CoreError('device.step_failed', 'expected a step to go well: this is a bug here', {
        cause,
      })
    }
  }

  function lookupsOf(
    inputs: readonly DeviceInput[],
    fetchLookups: FetchLookups,
  ): Promise<Lookups | undefined> {
    const facts = { newId: () => '', random: ports.ids.random, lookups: undefined }
    return fetchLookups(
      inputs.flatMap((input) =>
        input.kind === 'telemetry' ? [toRuleMessage(input.telemetry, facts)] : [],
      ),
    )
  }

  /** Performs the outbox in order. What fails stays in it, with the time of the next try. */
  async function perform(record: DeviceRecord): Promise<void> {
    if (record.outbox.length === 0) return
    const { deviceId } = record
    for (const entry of record.outbox) {
      if (entry.attempts > 0 && entry.at > ports.clock.now()) continue
      const { effect } = entry
      if (effect.kind === 'desire' || effect.kind === 'window' || effect.kind === 'command') {
        forward(deviceId, entry, effect)
        continue
      }
      try {
        await performOne(deviceId, entry.key, effect)
        mark(deviceId, entry.key, undefined)
      } catch (error) {
        await leaveBehind(deviceId, entry, error)
      }
    }
  }

  function performOne(deviceId: string, key: string, effect: PerformedEffect): Promise<void> {
    switch (effect.kind) {
      case 'publish':
        return ports.downlink.publish(effect, `${deviceId}/${key}`)
      case 'shadow':
        return ports.downlink.shadow(effect, `${deviceId}/${key}`)
      case 'notify':
        return ports.notifications.enqueue(toQueue(effect.notification, programs.current.audience))
      case 'deliver':
        return ports.notifications.enqueue(effect.deliveries)
      case 'wake':
        return ports.downlink.command(effect.deviceId)
      case 'queue':
        return ports.queues.send(effect.queue, effect.body, `${deviceId}/${key}`)
      case 'table':
        return ports.tables.put(effect.table, effect.key, effect.item)
    }
  }

  /** Not awaited here: two devices that wish something of each other would wait for each other for ever. */
  function forward(deviceId: string, entry: OutboxEntry, effect: ForwardedEffect): void {
    const flight = `${deviceId}/${entry.key}`
    if (underWay.has(flight)) return
    underWay.add(flight)
    const send = async (): Promise<readonly InputResult[]> => {
      const input = toInput(effect, flight, programs.current, ports.clock.now())
      return (effect.kind === 'window' ? enter : run)(effect.deviceId, [input])
    }
    void send()
      .then(([result]) => {
        if (result?.status === 'refused') throw new CoreError(result.code, result.message)
        mark(deviceId, entry.key, undefined)
      })
      .catch((error) => leaveBehind(deviceId, entry, error))
      .then(() => enter(deviceId, []))
      .catch((error) =>
        ports.observer.log('warn', 'outbox not struck off yet', {
          deviceId,
          reason: reasonOf(error),
        }),
      )
      .finally(() => {
        underWay.delete(flight)
        wakeIfIdle()
      })
  }

  /** The queue itself is durable: only where nobody can be told now, the word waits in the outbox. */
  async function wake(deviceId: string, seat: NetworkSeat | undefined): Promise<void> {
    if (seat !== undefined && networkDownlinks?.serves(seat)) {
      deliver(deviceId, seat, networkDownlinks)
      return
    }
    try {
      await ports.downlink.command(deviceId)
    } catch (error) {
      const key = `wake/${ports.ids.next(ports.clock.now())}`
      const input: DeviceInput = { kind: 'effect', key, effect: { kind: 'wake', deviceId } }
      // Not awaited: this device is busy with what asks for it.
      void enter(deviceId, [input]).catch(() =>
        ports.observer.log('warn', 'nobody told of a command', {
          deviceId,
          reason: reasonOf(error),
        }),
      )
    }
  }

  /** Not awaited: handing over takes steps of the device, which is busy with what asks for it. */
  function deliver(deviceId: string, seat: NetworkSeat, way: NetworkWay): void {
    const flight = `${deviceId}/network`
    if (underWay.has(flight)) {
      more.add(deviceId)
      return
    }
    underWay.add(flight)
    void way.deliver(deviceId, seat).finally(() => {
      underWay.delete(flight)
      if (more.delete(deviceId)) deliver(deviceId, seat, way)
      else wakeIfIdle()
    })
  }

  function mark(deviceId: string, key: string, next: OutboxEntry | undefined): void {
    const entries = performed.get(deviceId)
    if (entries === undefined) performed.set(deviceId, new Map([[key, next]]))
    else entries.set(key, next)
  }

  async function strike(deviceId: string, newest: DeviceRecord | undefined): Promise<void> {
    try {
      await commitStep(deviceId, [], newest)
    } catch (error) {
      // The effects are done, and their keys make a second time harmless: the tick strikes them off.
      ports.observer.log('warn', 'outbox not struck off yet', { deviceId, reason: reasonOf(error) })
    }
  }

  async function leaveBehind(deviceId: string, entry: OutboxEntry, error: unknown): Promise<void> {
    const attempts = entry.attempts + 1
    const now = ports.clock.now()
    ports.observer.count('effect.failed', 1, { kind: entry.effect.kind })
    const hopeless = error instanceof CoreError && !error.retryable
    const givenUp =
      (hopeless || attempts >= MAX_ATTEMPTS) && (await setAside(deviceId, entry, attempts, error))
    if (!givenUp) {
      const at = now + backoffMs(attempts, ports.ids.random())
      mark(deviceId, entry.key, { ...entry, attempts, at })
      return
    }
    mark(deviceId, entry.key, undefined)
    if (entry.origin !== undefined) {
      // Not awaited: this device is busy with what is given up here.
      void enter(deviceId, [{ kind: 'failure', entry, reason: reasonOf(error), at: now }]).catch(
        () => undefined,
      )
    }
  }

  /** Keeps an effect that is given up; `false` if it cannot be kept now. */
  async function setAside(
    deviceId: string,
    entry: OutboxEntry,
    attempts: number,
    error: unknown,
  ): Promise<boolean> {
    const now = ports.clock.now()
    const payload = new TextEncoder().encode(JSON.stringify(entry))
    try {
      await ports.deadLetters.put({
        id: ports.ids.next(now),
        at: now,
        deviceId,
        topic: `outbox/${entry.effect.kind}`,
        source: 'outbox',
        contentType: 'application/json',
        payload,
        payloadBytes: payload.length,
        receivedAt: entry.at,
        code: error instanceof CoreError ? error.code : 'unknown',
        reason: `given up after ${attempts} ${attempts === 1 ? 'try' : 'tries'}: ${reasonOf(error)}`,
      })
      return true
    } catch (failure) {
      ports.observer.log('error', 'effect not given up yet', {
        deviceId,
        reason: reasonOf(failure),
      })
      return false
    }
  }

  function report(deviceId: string, events: StepEvents): void {
    for (const [ruleId, times] of events.matched)
      ports.observer.count('rule.matched', times, { ruleId })
    for (const [routeId, times] of events.routed)
      ports.observer.count('route.matched', times, { routeId })
    for (const { ruleId, messageId, error } of events.failed) {
      ports.observer.count('rule.failed', 1, { ruleId })
      ports.observer.log('warn', 'rule failed on a message', {
        ruleId,
        deviceId,
        messageId,
        reason: error.message,
      })
    }
    for (const { level, text, key } of events.logs)
      ports.observer.log(level, text, { deviceId, key })
    for (const [state, times] of events.commandsEnded)
      ports.observer.count('command.ended', times, { state })
    if (events.late > 0) ports.observer.count('window.late', events.late)
    if (events.raised > 0) ports.observer.count('alarm.raised', events.raised)
    if (events.notified > 0) ports.observer.count('notification.asked', events.notified)
    for (const [reason, times] of events.suppressed)
      ports.observer.count('notification.suppressed', times, { reason })
    if (events.cleared > 0) ports.observer.count('alarm.cleared', events.cleared)
  }

  return {
    run,
    submit,
    enter,
    async catchUp(deviceId) {
      await enter(deviceId, [{ kind: 'timer', at: ports.clock.now() }])
    },
    idle: () =>
      lanes.size === 0 && underWay.size === 0
        ? Promise.resolve()
        : new Promise((resolve) => waiters.push(resolve)),
  }
}

const NONE: ReadonlySet<string> = new Set()
const NO_FACTS: Facts = {
  known: NONE,
  gateway: undefined,
  registeredTags: undefined,
  lookups: undefined,
}
const NOTHING: Performed = new Map()

function escalationsOf({ inbox }: DeviceRecord, now: number) {
  return inbox === undefined ? [] : dueEscalations(inbox, now)
}
const NO_BYTES = new Uint8Array()

/**
 * Messages that may have been stored before. Only a message that is not newer than the record can be one, or one without
 * a time that is said to come again: the others cost no look-up.
 */
function doubtfulOf(
  { newestAt, recentIds, accepted }: DeviceRecord,
  inputs: readonly DeviceInput[],
): readonly Telemetry[] {
  const doubtful: Telemetry[] = []
  if (accepted === 0) return doubtful
  for (const input of inputs) {
    if (input.kind !== 'telemetry') continue
    const { timed, at, redelivered, messageId } = input.telemetry
    const mayBeStored = timed ? at <= newestAt : redelivered
    if (mayBeStored && !recentIds.includes(messageId)) doubtful.push(input.telemetry)
  }
  return doubtful
}

function workOf(ports: Ports, program: Program): Work {
  return {
    program,
    asks: asksTheWorld(program),
    asksTwin: program.routes.needsTwin(),
    fetchLookups: createFetchLookups(ports, program),
  }
}

function takeBatch(jobs: Job[]): Job[] {
  let inputs = 0
  let taken = 0
  for (const job of jobs) {
    if (taken > 0 && inputs + job.inputs.length > MAX_BATCH) break
    inputs += job.inputs.length
    taken++
  }
  return jobs.splice(0, taken)
}

/** What another record is asked to do. */
function toInput(
  effect: ForwardedEffect,
  key: string,
  { config }: Program,
  at: number,
): DeviceInput {
  if (effect.kind === 'command') {
    const request = {
      // The same wish is the same command, however often it comes.
      commandId: `rule-${messageFingerprint(key, NO_BYTES)}`,
      name: effect.name,
      payload: new TextEncoder().encode(JSON.stringify(effect.payload)),
      contentType: 'application/json',
      sentBy: 'rule',
    }
    return { kind: 'enqueue', command: checkCommand(request, config.commands, at), at }
  }
  if (effect.kind === 'window')
    return { kind: 'window', ruleId: effect.ruleId, message: effect.message, key }
  const { deviceId: _, ...wish } = effect
  return { ...wish, at }
}

/** `record` is the stored one, or what is left of it without the effects that are done. */
function commitOf(
  { record: made, rows, cold, commandRows, measured }: StepResult,
  record: DeviceRecord,
  stored: DeviceRecord,
): Commit {
  return {
    record: { ...made, version: record.version + 1 },
    expectedVersion: record.version,
    rows,
    cold,
    commands: commandRows,
    measured: record === stored ? measured : undefined,
  }
}

/** The record without the effects that are done, and with those that failed put off. */
function strikeOff(record: DeviceRecord, performed: Performed): DeviceRecord {
  if (performed.size === 0) return record
  const outbox: OutboxEntry[] = []
  for (const entry of record.outbox) {
    const next = performed.has(entry.key) ? performed.get(entry.key) : entry
    if (next !== undefined) outbox.push(next)
  }
  return { ...record, outbox, dueAt: nextDue({ ...record, outbox }) }
}

function isConflict(error: unknown): boolean {
  return error instanceof CoreError && error.code === 'store.conflict'
}

/** Whether the inputs are at fault, and not the store: all together, or one of them. */
function isOfInputs(error: unknown): error is CoreError {
  return (
    error instanceof CoreError &&
    (error.code === 'device.record_too_large' ||
      error.code === 'device.outbox_full' ||
      error.code === 'device.step_failed')
  )
}

function unstored(inputs: readonly DeviceInput[], cause: unknown): Committed {
  const error =
    cause instanceof CoreError
      ? cause
      : new CoreError('store.unavailable', reasonOf(cause), { cause })
  return {
    record: undefined,
    results: inputs.map(() => ({ status: 'unstored', error })),
    wait: false,
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
