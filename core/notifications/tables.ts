// Tables of ours among those of rules, which cannot write into tables whose names begin with $.

/** Begins the names of tables that rules do not write into. */
export const RESERVED_TABLES = '$'

/** People by their ids, as they were put. */
export const PEOPLE_TABLE = '$people'

/** Subscriptions by their ids, as they were put. */
export const SUBSCRIPTIONS_TABLE = '$subscriptions'

/** Notifications that somebody asked for, by their ids. */
export const NOTIFICATIONS_TABLE = '$notifications'

/** The same in the order of time, so that the oldest are found. */
export const SENT_TABLE = '$sent'

/** Its place there. `at`: epoch ms. */
export function sentKey(at: number, notificationId: string): string {
  return `${String(at).padStart(15, '0')}/${notificationId}`
}

/** What stands at a place. */
export function sentOf(key: string): { readonly at: number; readonly notificationId: string } {
  return { at: Number(key.slice(0, 15)), notificationId: key.slice(16) }
}

/** The same once more, the newest first, for whoever lists them. */
export const NEWEST_TABLE = '$newest'

/** The latest time that a place there can tell: some 3,200 years. Unit: epoch ms. */
const LATEST = 36 ** 9 - 1

/** Its place there. `at`: epoch ms. Total. */
export function newestKey(at: number, notificationId: string): string {
  const left = LATEST - Math.min(Math.max(0, Math.floor(at)), LATEST)
  return `${left.toString(36).padStart(9, '0')}/${notificationId}`
}

/** What stands at a place. */
export function newestOf(key: string): { readonly at: number; readonly notificationId: string } {
  return { at: LATEST - Number.parseInt(key.slice(0, 9), 36), notificationId: key.slice(10) }
}

/** Addresses to which nothing is sent any more, by channel and digest. */
export const ADDRESSES_TABLE = '$addresses'

/** The people of a group who are not declared, by their ids. */
export function groupTable(group: string): string {
  return `$group:${group}`
}

/** What became of a fan-out, by the places where recipients are found. */
export function accountTable(notificationId: string): string {
  return `$account:${notificationId}`
}

/** What one place of a fan-out came to so far. */
export interface Account {
  /** Deliveries made. */
  readonly found: number
  readonly done: boolean
  /** Why nobody is told. */
  readonly suppressed?: string
}

/** Who is told of a notification that somebody asked for: lists, by the pages of its fan-out. */
export function toldTable(notificationId: string): string {
  return `$told:${notificationId}`
}

/** How deliveries of a notification that somebody asked for ended, by their keys. */
export function endsTable(notificationId: string): string {
  return `$ends:${notificationId}`
}
