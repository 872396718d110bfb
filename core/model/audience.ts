/** What brings notifications about. */
export const EVENT_KINDS = ['alarm', 'rule', 'on-demand', 'health'] as const
export type EventKind = (typeof EVENT_KINDS)[number]

/** What a subscription takes that does not say: how devices and the system are is for those who ask for it. */
export const USUAL_EVENTS: readonly EventKind[] = ['alarm', 'rule', 'on-demand']

/** Where somebody is reached. */
export interface Address {
  readonly channelId: string
  /** His own address on the channel, in place of those that the channel names. */
  readonly to?: string | undefined
}

/** Somebody, or a channel, who is told. */
export interface Recipient {
  /** `@ann`: a person; `#night`: the addresses of a subscription; `ops`: a channel, as it is. */
  readonly id: string
  readonly addresses: readonly Address[]
  /** BCP 47. */
  readonly language?: string | undefined
  /** IANA. */
  readonly timeZone?: string | undefined
}

/** Who is told. */
export interface Audience {
  readonly people: readonly string[]
  readonly groups: readonly string[]
  readonly channels: readonly string[]
  readonly addresses: readonly Address[]
  /** All people there are. */
  readonly everybody: boolean
  /** All whose subscriptions ask for it. */
  readonly subscribers: boolean
}

export const NOBODY: Audience = {
  people: [],
  groups: [],
  channels: [],
  addresses: [],
  everybody: false,
  subscribers: false,
}

/** Words in one language; what is missing stays as it is. */
export interface LocalWords {
  readonly subject?: string | undefined
  readonly text?: string | undefined
}

/** Words by language. */
export type WordsByLanguage = Readonly<Record<string, LocalWords>>

/**
 * A page of a fan-out that waits in the queue of deliveries: the work of finding out who is told goes on where it
 * stopped, whichever worker takes it.
 */
export interface FanOutPage {
  /** Where recipients are found: those who are named; then a group, all people, all subscriptions, each in the order of their ids. */
  readonly from: 'named' | 'group' | 'people' | 'subscriptions'
  /** The group. */
  readonly group?: string
  /** Who is told: read where recipients are named. */
  readonly audience?: Audience
  /** The id after which it goes on; '' starts. */
  readonly after: string
  /** Recipients found on the pages before, from the same place. */
  readonly found: number
  /** The subscription through which they are told. */
  readonly via?: string
  /** Set where somebody asked for it, and keeps an account of it. */
  readonly accountId?: string
  readonly words?: WordsByLanguage
}

/** Stands for the channel of deliveries that are pages of a fan-out. No channel has such a name. */
export const FAN_OUT_CHANNEL = '$fan-out'

/** Names the place where a page finds recipients. */
export function placeOf({ from, group = '', via = '' }: FanOutPage): string {
  return `${from}/${group}/${via}`
}

/** Why somebody is not told. */
export type Suppression =
  | 'maintenance'
  | 'gateway_away'
  | 'duplicate'
  | 'flapping'
  | 'throttled'
  | 'digest'
