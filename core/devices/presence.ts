import type { JudgedPresence, Presence, PresenceStatus } from '../model/device-record.ts'

/** What presence is judged by. Times in ms. */
export interface PresencePlan {
  /** How often the device promises to be heard of; 0: it promises nothing. */
  readonly expectMs: number
  /** How long it must be gone until it counts as offline: shorter absences are flaps. */
  readonly offlineAfterMs: number
}

/** For devices that no device type covers. */
export const DEFAULT_PRESENCE: PresencePlan = { expectMs: 0, offlineAfterMs: 60_000 }

/** What is known of the gateways of a device at the moment of judging; `undefined`: it has none. */
export type GatewayState = 'up' | 'down' | undefined

/** The judgement of a device, and whether it is news. */
export interface PresenceVerdict {
  /** The very same object if nothing changed. */
  readonly judged: JudgedPresence | undefined
  /** True if somebody is to be told: the status differs from the one told last. */
  readonly isNews: boolean
}

/** Behind a gateway that is gone, a device is looked at so often at most. Unit: ms. */
const MIN_RECHECK_MS = 60_000

/** A gateway that goes takes its devices along: they wait for the word on it. Unit: ms. */
const BEHIND_GATEWAY_MS = 1_000

/** Nobody has said anything yet. */
const UNJUDGED: JudgedPresence = {
  status: 'unknown',
  byInterval: false,
  told: 'unknown',
  since: 0,
  sequence: 0,
  flaps: 0,
  dueAt: 0,
}

/** What the facts say by themselves. `until` is when that ends if nothing more is heard; 0: never. */
interface Finding {
  readonly status: PresenceStatus
  readonly until: number
}

/**
 * Judges whether a device is there.
 *
 * One that promised to be heard of every `expectMs` is judged by that: it may sleep in between, and a connection that says
 * nothing is late. Another is judged by its connection. Absence counts once it has lasted `offlineAfterMs`. While all its
 * gateways are down nothing can be known of a device, and nothing is told.
 */
export function judgePresence(
  presence: Presence,
  plan: PresencePlan,
  now: number,
  gateway: GatewayState,
): PresenceVerdict {
  const before = presence.judged ?? UNJUDGED
  const found = find(presence, plan, now)
  const isHidden = found.status === 'offline' && gateway === 'down' && before.told !== 'offline'
  const status = isHidden ? 'unreachable' : found.status
  const until = isHidden ? now + recheckMs(plan) : found.until
  const isNews = status !== before.told && status !== 'unreachable'
  const byInterval = plan.expectMs > 0
  const isSame = status === before.status && byInterval === before.byInterval
  if (!isNews && isSame && holds(before.dueAt, until, now))
    return { judged: presence.judged, isNews: false }
  return {
    judged: {
      status,
      byInterval,
      told: isNews ? status : before.told,
      since: status === before.status ? before.since : now,
      sequence: before.sequence + (isNews ? 1 : 0),
      flaps: isNews ? 0 : before.flaps,
      dueAt: until,
    },
    isNews,
  }
}

/**
 * Whether a judgement would say that a device is lost if its gateways are up: only then somebody has to look at them.
 */
export function asksGateway(presence: Presence, plan: PresencePlan, now: number): boolean {
  if (presence.connected || (plan.expectMs === 0 && presence.changedAt === 0)) return false
  const { status } = find(presence, plan, now)
  return status === 'offline' && status !== presence.judged?.told
}

/** A gateway of a device, as it is judged itself. */
export interface GatewayFacts {
  readonly presence: Presence | undefined
  readonly plan: PresencePlan
  /** Whether the device shares its connection: then nothing but that counts. */
  readonly shared: boolean
}

/**
 * Whether a gateway hides its devices: it is not there, or has come back so lately that they had no time to do so too.
 * `undefined`: nothing is known of it.
 */
export function gatewayState(
  { presence: gateway, plan, shared }: GatewayFacts,
  devicePlan: PresencePlan,
  now: number,
): GatewayState {
  if (gateway === undefined || (gateway.changedAt === 0 && gateway.seenAt === 0)) return undefined
  if (shared)
    return gateway.connected && now >= gateway.changedAt + graceMs(devicePlan) ? 'up' : 'down'
  const { status } = find(gateway, plan, now)
  if (status !== 'online' || (!gateway.connected && plan.expectMs === 0)) return 'down'
  const upSince = gateway.connected ? gateway.changedAt : (gateway.judged?.since ?? 0)
  return now < upSince + graceMs(devicePlan) ? 'down' : 'up'
}

/** Whether a device is there, in a word. One that nobody has judged yet is online while it is connected. */
export function presenceStatus({ connected, judged }: Presence): PresenceStatus {
  return judged?.status ?? (connected ? 'online' : 'unknown')
}

/** Counts a connection that came back before its absence was told. */
export function countFlap(judged: JudgedPresence | undefined): JudgedPresence | undefined {
  return judged === undefined ? undefined : { ...judged, flaps: judged.flaps + 1 }
}

function find(
  { connected, changedAt, seenAt, judged, gateway }: Presence,
  { expectMs, offlineAfterMs }: PresencePlan,
  now: number,
): Finding {
  const leastMs = gateway === undefined ? 0 : BEHIND_GATEWAY_MS
  const absentAt = changedAt === 0 ? 0 : changedAt + Math.max(offlineAfterMs, leastMs)
  // While an absence may still be a flap, what was told counts on.
  const kept = judged?.told ?? 'unknown'
  if (expectMs === 0) {
    if (connected) return { status: 'online', until: 0 }
    if (absentAt === 0) return { status: kept, until: 0 }
    return now < absentAt ? { status: kept, until: absentAt } : { status: 'offline', until: 0 }
  }
  const silentAt = seenAt === 0 ? 0 : seenAt + expectMs
  if (silentAt > now) return { status: 'online', until: silentAt }
  if (connected) return { status: 'late', until: 0 }
  if (absentAt === 0 && silentAt === 0) return { status: kept, until: 0 }
  return now < absentAt ? { status: kept, until: absentAt } : { status: 'offline', until: 0 }
}

/** A timer that comes too early costs one look; moving it with every message would cost a write in an index. */
function holds(dueAt: number, until: number, now: number): boolean {
  return dueAt === until || (dueAt > now && dueAt < until)
}

function graceMs({ expectMs, offlineAfterMs }: PresencePlan): number {
  return Math.max(expectMs, offlineAfterMs)
}

function recheckMs(plan: PresencePlan): number {
  return Math.max(MIN_RECHECK_MS, graceMs(plan))
}
