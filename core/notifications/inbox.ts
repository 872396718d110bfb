import type { Audience, Suppression } from '../model/audience.ts'
import type {
  Escalation,
  Heard,
  HeldNotification,
  InboxPolicy,
  InboxState,
} from '../model/inbox.ts'
import { type Notification, SEVERITIES, type Severity } from '../model/notification.ts'
import { endOf, isWithin, type LocalClock } from './weekly.ts'

// What one recipient is told through one subscription: pure, so that every cloud and every test plays it alike.

/** How much is remembered for one recipient: an inbox is a record of the store, and has to fit into each. */
export const INBOX_LIMITS = { heard: 50, held: 20, escalations: 30 } as const

/** What comes of something that was heard, or of time that has passed. */
export type InboxAct =
  | { readonly do: 'tell'; readonly notification: Notification }
  | { readonly do: 'suppress'; readonly notification: Notification; readonly reason: Suppression }
  | { readonly do: 'escalate'; readonly notification: Notification; readonly to: Audience }

export interface InboxStep {
  readonly state: InboxState
  readonly acts: readonly InboxAct[]
}

export function newInbox(
  policy: InboxPolicy,
  { recipientId, addresses }: Pick<InboxState, 'recipientId' | 'addresses'>,
): InboxState {
  return {
    policy,
    recipientId,
    addresses,
    heard: {},
    told: [],
    held: [],
    more: 0,
    heldSince: 0,
    releaseAt: 0,
    escalations: [],
  }
}

/**
 * Something is to be told.
 *
 * In this order: the same again, and what flaps, is suppressed; the chain of escalation begins, or ends with its alarm;
 * what is urgent is told; quiet hours and a digest let it wait; a throttle suppresses it; else it is told.
 */
export function hear(
  before: InboxState,
  given: Notification,
  now: number,
  clock: LocalClock,
): InboxStep {
  const notification = trimmed(given)
  const { policy } = before
  const flapping = watch(before, notification, now)
  const last = before.heard[thingOf(notification)]
  const isSame =
    policy.dedupMs !== undefined &&
    last?.told === whatOf(notification) &&
    now - last.toldAt < policy.dedupMs
  if (isSame) return { state: before, acts: [suppress(notification, 'duplicate')] }
  if (flapping.suppressed)
    return {
      state: endEscalation(flapping.state, notification),
      acts: [suppress(notification, 'flapping')],
    }
  const chained = escalate(endEscalation(flapping.state, notification), notification, now)
  const passed = pass(chained.state, flapping.notification, now, clock)
  return { state: passed.state, acts: [...passed.acts, ...chained.acts] }
}

/** Time has passed. `settled`: keys of notifications of which somebody took note, or that are over. */
export function wakeInbox(
  before: InboxState,
  now: number,
  clock: LocalClock,
  settled: ReadonlySet<string>,
): InboxStep {
  const rested = rest(before, now, clock)
  const released = release(rested.state, now, clock)
  const moved = moveOn(released.state, now, settled)
  return { state: moved.state, acts: [...rested.acts, ...released.acts, ...moved.acts] }
}

/** Epoch ms at which time alone moves an inbox on; 0: never. */
export function inboxDue({
  held,
  more,
  releaseAt,
  escalations,
  heard,
  policy,
}: InboxState): number {
  let due = held.length + more > 0 ? releaseAt : 0
  const earliest = (at: number): void => {
    if (due === 0 || at < due) due = at
  }
  for (const { dueAt } of escalations) earliest(dueAt)
  for (const { untold, changes } of Object.values(heard))
    if (untold !== undefined) earliest((changes.at(-1) ?? 0) + (policy.flaps?.withinMs ?? 0))
  return due
}

/** Escalations whose time has come: whether somebody took note has to be known. */
export function dueEscalations({ escalations }: InboxState, now: number): readonly Escalation[] {
  return escalations.filter(({ dueAt }) => dueAt <= now)
}

// What flaps.

interface Watched {
  readonly state: InboxState
  readonly suppressed: boolean
  readonly notification: Notification
}

function watch(state: InboxState, notification: Notification, now: number): Watched {
  const { flaps } = state.policy
  if (flaps === undefined || !isStanding(notification))
    return { state, suppressed: false, notification }
  const thing = thingOf(notification)
  const known = state.heard[thing]
  const changes = [...(known?.changes ?? []).filter((at) => now - at < flaps.withinMs), now]
  const tooMany = changes.length > flaps.most
  // The first one too many is told, and says so; the next ones are not.
  const suppressed = tooMany && changes.length > flaps.most + 1
  const { toldAt, told } = known ?? { toldAt: 0, told: '' }
  const kept = changes.slice(-flaps.most - 2)
  const heard: Heard = suppressed
    ? { toldAt, told, changes: kept, untold: brief(notification) }
    : { toldAt, told, changes: kept }
  return {
    state: { ...state, heard: withHeard(state.heard, thing, heard) },
    suppressed,
    notification: tooMany
      ? { ...notification, subject: `${notification.subject} (changes often)` }
      : notification,
  }
}

/** Alarms that have come to rest are told as they are now. */
function rest(before: InboxState, now: number, clock: LocalClock): InboxStep {
  const withinMs = before.policy.flaps?.withinMs ?? 0
  let state = before
  const acts: InboxAct[] = []
  for (const [thing, { untold, changes, toldAt, told }] of Object.entries(before.heard)) {
    if (untold === undefined || now - (changes.at(-1) ?? 0) < withinMs) continue
    state = { ...state, heard: { ...state.heard, [thing]: { toldAt, told, changes: [] } } }
    const key = `${untold.key}/at-rest`
    const passed = pass(state, { ...untold, key }, now, clock)
    state = passed.state
    acts.push(...passed.acts)
  }
  return { state, acts }
}

// Now, later, or not at all.

function pass(
  state: InboxState,
  notification: Notification,
  now: number,
  clock: LocalClock,
): InboxStep {
  const { quiet, digestMs, throttle } = state.policy
  if (isUrgent(state.policy, notification.severity)) return tell(state, notification, now)
  if (quiet !== undefined && isWithin(quiet, now, clock)) {
    const until = Math.max(endOf(quiet, now, clock), state.releaseAt)
    return { state: hold(state, notification, now, until), acts: [] }
  }
  if (now < state.releaseAt || state.held.length > 0)
    return { state: hold(state, notification, now, state.releaseAt), acts: [] }
  if (throttle !== undefined) {
    const lately = state.told.filter((at) => now - at < throttle.perMs)
    if (lately.length >= throttle.most)
      return { state: { ...state, told: lately }, acts: [suppress(notification, 'throttled')] }
  }
  const told = tell(state, notification, now)
  if (digestMs === undefined) return told
  return { ...told, state: { ...told.state, releaseAt: now + digestMs } }
}

function tell(state: InboxState, notification: Notification, now: number): InboxStep {
  const { throttle, dedupMs } = state.policy
  const told =
    throttle === undefined
      ? state.told
      : [...state.told.filter((at) => now - at < throttle.perMs), now].slice(-throttle.most)
  const heard = dedupMs === undefined ? state.heard : heardOf(state, notification, now)
  return { state: { ...state, told, heard }, acts: [{ do: 'tell', notification }] }
}

function hold(
  state: InboxState,
  notification: Notification,
  now: number,
  releaseAt: number,
): InboxState {
  const isFull = state.held.length >= INBOX_LIMITS.held
  const isFirst = state.held.length === 0
  const { dedupMs } = state.policy
  return {
    ...state,
    heard: dedupMs === undefined ? state.heard : heardOf(state, notification, now),
    held: isFull ? state.held : [...state.held, { notification, since: now }],
    more: state.more + (isFull ? 1 : 0),
    heldSince: isFirst ? now : state.heldSince,
    releaseAt,
  }
}

/** What waits is told, together if it is more than one, unless it is quiet now. */
function release(state: InboxState, now: number, clock: LocalClock): InboxStep {
  const { quiet, digestMs } = state.policy
  const [first] = state.held
  if (first === undefined || now < state.releaseAt) return { state, acts: [] }
  if (quiet !== undefined && isWithin(quiet, now, clock))
    return { state: { ...state, releaseAt: endOf(quiet, now, clock) }, acts: [] }
  const empty: InboxState = {
    ...state,
    held: [],
    more: 0,
    releaseAt: digestMs === undefined ? 0 : now + digestMs,
  }
  if (state.held.length === 1 && state.more === 0) return tell(empty, first.notification, now)
  const digest = toDigest(state, first, now)
  const merged = state.held.map(({ notification }) => suppress(notification, 'digest'))
  return {
    state: { ...empty, told: tell(empty, digest, now).state.told },
    acts: [{ do: 'tell', notification: digest }, ...merged],
  }
}

/** One notification for many. */
function toDigest(
  { held, more, heldSince, policy, recipientId }: InboxState,
  { notification: first }: HeldNotification,
  now: number,
): Notification {
  const count = held.length + more
  const severity =
    SEVERITIES[Math.max(...held.map(({ notification }) => rankOf(notification.severity)))]
  const lines = held.map(({ notification: { subject } }) => subject)
  if (more > 0) lines.push(`and ${more} more`)
  const lastMs = policy.digestMs === undefined ? now - heldSince : policy.digestMs
  const devices = new Set(held.map(({ notification: { deviceId } }) => deviceId))
  return {
    key: `digest/${recipientId}/${first.key}/${now}`,
    channelIds: [],
    deviceId: devices.size === 1 ? first.deviceId : '',
    severity: severity ?? first.severity,
    subject: `${count} more in the last ${inWords(lastMs)}`,
    text: lines.join('\n'),
    at: now,
    data: {
      count,
      notifications: held.map(({ notification: { key, deviceId, subject, at } }) => ({
        key,
        deviceId,
        subject,
        at,
      })),
    },
  }
}

// Escalation.

function escalate(state: InboxState, notification: Notification, now: number): InboxStep {
  const [step] = state.policy.escalation ?? []
  const { event } = notification
  if (step === undefined || (event?.change !== undefined && !BEGINS.has(event.change)))
    return { state, acts: [] }
  const goesOn =
    isStanding(notification) &&
    state.escalations.some((one) => thingOf(one.notification) === thingOf(notification))
  if (goesOn) return { state, acts: [] }
  const begun = { notification, since: now, step: 0, dueAt: now + step.afterMs }
  const all = [...state.escalations, begun]
  const [oldest] = all
  if (all.length <= INBOX_LIMITS.escalations || oldest === undefined)
    return { state: { ...state, escalations: all }, acts: [] }
  // Too many to wait for all: nobody is forgotten, the oldest goes on at once.
  return {
    state: { ...state, escalations: all.slice(1) },
    acts: stepOf(state.policy, oldest),
  }
}

const BEGINS: ReadonlySet<string> = new Set(['raised', 'escalated'])

/** The end of an alarm, and a new round of it, end the chain of the old one. */
function endEscalation(state: InboxState, notification: Notification): InboxState {
  if (!isStanding(notification) || state.escalations.length === 0) return state
  // An alarm that gets worse or better is still the same one.
  const change = notification.event?.change
  if (change !== 'raised' && change !== 'cleared') return state
  const thing = thingOf(notification)
  const escalations = state.escalations.filter((one) => thingOf(one.notification) !== thing)
  return escalations.length === state.escalations.length ? state : { ...state, escalations }
}

function moveOn(state: InboxState, now: number, settled: ReadonlySet<string>): InboxStep {
  if (state.escalations.every(({ dueAt }) => dueAt > now)) return { state, acts: [] }
  const acts: InboxAct[] = []
  const chain = state.policy.escalation ?? []
  const escalations = state.escalations.flatMap((one): Escalation[] => {
    if (one.dueAt > now) return [one]
    if (settled.has(one.notification.key)) return []
    acts.push(...stepOf(state.policy, one))
    const next = chain[one.step + 1]
    if (next === undefined) return []
    return [{ ...one, step: one.step + 1, dueAt: Math.max(one.since + next.afterMs, now + 1) }]
  })
  return { state: { ...state, escalations }, acts }
}

function stepOf(policy: InboxPolicy, { notification, step }: Escalation): InboxAct[] {
  const to = policy.escalation?.[step]?.to
  if (to === undefined) return []
  const key = `${notification.key}/escalation-${step + 1}`
  return [{ do: 'escalate', notification: { ...notification, key }, to }]
}

// Names and sizes.

/** What it is about: of an alarm, or of how something is, that itself, whatever becomes of it. */
function thingOf(notification: Notification): string {
  const { event, deviceId, subject } = notification
  const thing = `${event?.kind ?? ''}/${event?.id ?? ''}/${deviceId}`
  return isStanding(notification) ? thing : `${thing}/${subject}`
}

/** Whether it tells of something that begins and ends: an alarm, a device that is gone. */
function isStanding({ event }: Notification): boolean {
  return event?.kind === 'alarm' || (event?.kind === 'health' && event.change !== undefined)
}

/** What of the same thing is the same again. */
function whatOf({ event, severity }: Notification): string {
  return `${event?.change ?? ''}/${severity}`
}

/** That it was told, or will be. */
function heardOf(state: InboxState, notification: Notification, now: number): InboxState['heard'] {
  const thing = thingOf(notification)
  const changes = state.heard[thing]?.changes ?? []
  return withHeard(state.heard, thing, { toldAt: now, told: whatOf(notification), changes })
}

/** The newest last; of too many those go that were heard longest ago. */
function withHeard(before: InboxState['heard'], thing: string, heard: Heard): InboxState['heard'] {
  const others = Object.entries(before).filter(([name]) => name !== thing)
  return Object.fromEntries([...others.slice(1 - INBOX_LIMITS.heard), [thing, heard]])
}

function suppress(notification: Notification, reason: Suppression): InboxAct {
  return { do: 'suppress', notification, reason }
}

function isUrgent({ override }: InboxPolicy, severity: Severity): boolean {
  return override !== undefined && rankOf(severity) >= rankOf(override)
}

function rankOf(severity: Severity): number {
  return SEVERITIES.indexOf(severity)
}

/** Small enough that an inbox full of them fits into its record. */
function trimmed(notification: Notification): Notification {
  const { subject, text, data } = notification
  return {
    ...notification,
    subject: subject.slice(0, 200),
    text: text.slice(0, 1_000),
    data: JSON.stringify(data).length > 2_000 ? null : data,
  }
}

function brief(notification: Notification): Notification {
  return { ...notification, text: notification.text.slice(0, 300), data: null }
}

function inWords(ms: number): string {
  const minutes = Math.max(1, Math.round(ms / 60_000))
  const [count, unit] =
    minutes % 1_440 === 0
      ? [minutes / 1_440, 'day']
      : minutes % 60 === 0
        ? [minutes / 60, 'hour']
        : [minutes, 'minute']
  return count === 1 ? unit : `${count} ${unit}s`
}
