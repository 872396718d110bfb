import {
  type Address,
  type EventKind,
  NOBODY,
  type Recipient,
  USUAL_EVENTS,
  type WordsByLanguage,
} from '../model/audience.ts'
import { globTest } from '../model/glob.ts'
import type { InboxPolicy } from '../model/inbox.ts'
import { type Notification, SEVERITIES } from '../model/notification.ts'
import type { Maintenance, Person, Subscription } from './audience-config.ts'
import { createLocalClock, isWithin, type LocalClock } from './weekly.ts'

/** The tags of a registered device; none where it is not registered. */
export type Tags = Readonly<Record<string, string>> | undefined

/** A subscription, ready to be asked. */
export interface CompiledSubscription {
  readonly id: string
  readonly subscription: Subscription
  /** What its recipients want besides; without it they are told at once. */
  readonly policy: InboxPolicy | undefined
  /** Whether it asks for the tags of the device. */
  readonly asksTags: boolean
  /** Whether it takes a notification; `tags` are those of the registered device, or none. */
  takes(notification: Notification, tags: Tags): boolean
}

function policyOf(subscription: Subscription): InboxPolicy | undefined {
  const { dedup, flaps, throttle, quietHours, digest, escalation, timeZone, override } =
    subscription
  if (
    dedup === undefined &&
    flaps === undefined &&
    throttle === undefined &&
    quietHours === undefined &&
    digest === undefined &&
    escalation === undefined
  )
    return undefined
  return {
    dedupMs: dedup,
    flaps: flaps === undefined ? undefined : { most: flaps.most, withinMs: flaps.within },
    throttle: throttle === undefined ? undefined : { most: throttle.most, perMs: throttle.per },
    quiet: quietHours,
    timeZone: timeZone ?? 'UTC',
    hasTimeZone: timeZone !== undefined,
    digestMs: digest,
    override: override === 'never' ? undefined : override,
    escalation: escalation?.map(({ after, to }) => ({ afterMs: after, to: { ...NOBODY, ...to } })),
  }
}

/** What a program knows of who is told. */
export interface AudienceProgram {
  readonly people: ReadonlyMap<string, Person>
  readonly subscriptions: readonly CompiledSubscription[]
  readonly subscriptionsById: ReadonlyMap<string, CompiledSubscription>
  readonly maintenance: readonly CompiledMaintenance[]
  /** Whether subscriptions in the store are asked about every event. */
  readonly stored: boolean
  /** Whether somebody besides the channels it names may be told of an event of this kind. */
  hears(kind: EventKind): boolean
}

export interface AudienceOptions {
  readonly people: Readonly<Record<string, Person>>
  readonly subscriptions: Readonly<Record<string, Subscription>>
  readonly maintenance: Readonly<Record<string, Maintenance>>
  readonly stored: boolean
}

export function compileAudience(options: AudienceOptions): AudienceProgram {
  const clockOf = createClocks()
  const subscriptions = Object.entries(options.subscriptions).map(([id, one]) =>
    compileSubscription(id, one, clockOf),
  )
  return {
    people: new Map(Object.entries(options.people)),
    subscriptions,
    subscriptionsById: new Map(subscriptions.map((one) => [one.id, one])),
    maintenance: Object.values(options.maintenance).map((one) => compileMaintenance(one, clockOf)),
    stored: options.stored,
    hears: (kind) =>
      options.stored ||
      subscriptions.some(({ subscription: { events = USUAL_EVENTS } }) => events.includes(kind)),
  }
}

export type ClockOf = (timeZone: string) => LocalClock

/** Clocks by time zone, each made once. */
export function createClocks(): ClockOf {
  const clocks = new Map<string, LocalClock>()
  return (timeZone) => {
    const known = clocks.get(timeZone)
    if (known !== undefined) return known
    const clock = createLocalClock(timeZone)
    clocks.set(timeZone, clock)
    return clock
  }
}

export function compileSubscription(
  id: string,
  subscription: Subscription,
  clockOf: ClockOf,
): CompiledSubscription {
  const { events = USUAL_EVENTS, alarms, severity, schedule, timeZone = 'UTC', tags } = subscription
  const fits = subscription.devices === '*' ? undefined : globTest(subscription.devices)
  const least = SEVERITIES.indexOf(severity)
  const asksTags = Object.keys(tags).length > 0
  return {
    id,
    subscription,
    policy: policyOf(subscription),
    asksTags,
    takes(notification, found) {
      const { event } = notification
      if (event === undefined) return false
      if (!events.includes(event.kind)) return false
      if (alarms !== undefined && !alarms.includes(event.id)) return false
      // The end of an alarm is for whoever was told of its beginning.
      if (SEVERITIES.indexOf(event.severity ?? notification.severity) < least) return false
      if (fits !== undefined && !fits(notification.deviceId)) return false
      if (asksTags && !hasTags(found, tags)) return false
      return schedule === undefined || isWithin(schedule, notification.at, clockOf(timeZone))
    },
  }
}

export interface CompiledMaintenance {
  readonly reason: string
  readonly asksTags: boolean
  holds(notification: Notification, tags: Tags): boolean
}

function compileMaintenance(
  { devices, tags, from = 0, to = Number.POSITIVE_INFINITY, weekly, timeZone, reason }: Maintenance,
  clockOf: ClockOf,
): CompiledMaintenance {
  const fits = globTest(devices)
  const asksTags = Object.keys(tags).length > 0
  return {
    reason,
    asksTags,
    holds: ({ deviceId, at }, found) =>
      at >= from &&
      at < to &&
      deviceId !== '' &&
      fits(deviceId) &&
      (!asksTags || hasTags(found, tags)) &&
      (weekly === undefined || isWithin(weekly, at, clockOf(timeZone))),
  }
}

function hasTags(found: Tags, wanted: Readonly<Record<string, string>>): boolean {
  if (found === undefined) return false
  return Object.entries(wanted).every(
    ([name, value]) => Object.hasOwn(found, name) && found[name] === value,
  )
}

/** A channel, told as it is. */
export function channelRecipient(channelId: string): Recipient {
  return { id: channelId, addresses: [{ channelId }] }
}

export function personRecipient(
  personId: string,
  { addresses, language, timeZone }: Pick<Person, 'addresses' | 'language' | 'timeZone'>,
): Recipient {
  return { id: `@${personId}`, addresses, language, timeZone }
}

/** Addresses that a subscription itself names. */
export function addressRecipient(subscriptionId: string, addresses: readonly Address[]): Recipient {
  return { id: `#${subscriptionId}`, addresses }
}

/**
 * The words for a language: those of the language itself, else of the language it is a kind of; what is missing there is
 * that of no language.
 */
export function wordsFor(
  words: WordsByLanguage,
  language: string | undefined,
): WordsByLanguage[string] | undefined {
  let tag = language
  while (tag !== undefined && tag !== '') {
    if (Object.hasOwn(words, tag)) return { ...words[''], ...words[tag] }
    const cut = tag.lastIndexOf('-')
    tag = cut < 0 ? undefined : tag.slice(0, cut)
  }
  return words['']
}
