// The paths of the API that long work, access, notifications, people and groups are made with. Times are epoch ms unless said otherwise.

import type { Json, Severity } from './api.ts'
import { ApiFault, call, type Query, send } from './http.ts'

/** What goes out as JSON. */
export type Body = Readonly<Record<string, unknown>>

/** Work that is longer than a request. */
export interface Task {
  readonly id: string
  readonly kind: 'import' | 'export' | 'replay'
  readonly state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled'
  readonly done: number
  readonly total: number
  readonly failed: number
  /** The first of those that failed. */
  readonly faults: readonly { readonly line: number; readonly detail: string }[]
  readonly counts: Readonly<Record<string, number>>
  readonly by: Actor
  readonly createdAt: number
  readonly startedAt?: number
  readonly endedAt?: number
  readonly reason?: string
  readonly result?: {
    readonly name: string
    readonly contentType: string
    /** It goes with its first download. */
    readonly secret: boolean
    readonly until: number
  }
}

export interface Actor {
  readonly kind: string
  readonly id: string
  readonly name?: string
}

export interface ApiKey {
  readonly id: string
  readonly name: string
  readonly role?: string
  readonly scopes: readonly string[]
  readonly groups?: readonly string[]
  readonly createdAt: number
  readonly createdBy: string
  readonly expiresAt?: number
  readonly lastUsedAt?: number
}

export interface AuditEntry {
  readonly id: string
  readonly at: number
  readonly actor: Actor
  readonly operation: string
  readonly target: string
  readonly method: string
  readonly path: string
  readonly status: number
  readonly before?: Json
  readonly after?: Json
  readonly remote?: string
}

/** A notification that somebody asked for. */
export interface NotificationEntry {
  readonly id: string
  readonly at: number
  readonly subject: string
  readonly severity: Severity
  readonly acknowledged?: { readonly at: number; readonly by: string }
}

/** What became of one. */
export interface SentNotification extends NotificationEntry {
  readonly status: 'finding' | 'found' | 'suppressed'
  readonly reason?: string
  readonly deliveries: number
  readonly states: Readonly<Record<DeliveryState, number>>
}

export type DeliveryState = 'queued' | 'sent' | 'failed' | 'expired' | 'suppressed'

export interface ToldRecipient {
  readonly recipient: string
  readonly channel: string
  readonly state: DeliveryState
  readonly at?: number
  readonly reason?: string
}

/** What one channel would send. */
export interface Preview {
  readonly channel: string
  readonly type: string
  readonly content: Json
}

export interface GoneAddress {
  readonly id: string
  readonly channelId: string
  /** Masked. */
  readonly address: string
  readonly reason: string
  /** ISO 8601. */
  readonly at: string
}

/** Somebody who can be told. */
export interface Person {
  readonly id: string
  readonly name?: string
  readonly groups?: readonly string[]
  readonly language?: string
  readonly timeZone?: string
  readonly addresses?: readonly PersonAddress[]
}

/** A channel as it is, or an own address on it. */
export type PersonAddress = string | { readonly channel: string; readonly to?: string }

/** Who wants to be told of what; as it was put. */
export interface Subscription extends Body {
  readonly id: string
}

export interface DeviceGroup {
  readonly id: string
  readonly name: string
  readonly description?: string
  readonly query?: string
  readonly devices?: readonly string[]
  readonly createdAt: number
  readonly version: number
}

/** Whoever sorts has seen all of them, and says how many there are. */
export const COUNTED = '-seenAt'

const named = (path: string, id: string): string => `${path}/${encodeURIComponent(id)}`

export const administer = {
  tasks: (query: Query) =>
    call<{ readonly tasks: readonly Task[]; readonly next?: string }>('/tasks', { query }),
  startImport: (file: Blob, mode: string) =>
    call<Task>('/tasks/import', {
      method: 'POST',
      query: { mode },
      raw: file,
      headers: { 'content-type': 'text/csv' },
    }),
  startReplay: (file: Blob, query: Query) =>
    call<Task>('/tasks/replay', {
      method: 'POST',
      query,
      raw: file,
      headers: { 'content-type': 'application/x-ndjson' },
    }),
  startExport: (body: Body) => call<Task>('/tasks/export', { method: 'POST', body }),
  cancelTask: (id: string) => send(named('/tasks', id), { method: 'DELETE' }),
  taskResult: async (id: string) => (await send(`${named('/tasks', id)}/result`)).blob(),

  keys: (query: Query) =>
    call<{ readonly keys: readonly ApiKey[]; readonly next?: string }>('/keys', { query }),
  createKey: (body: Body) =>
    call<{ readonly key: ApiKey; readonly secret: string }>('/keys', { method: 'POST', body }),
  revokeKey: (id: string) => send(named('/keys', id), { method: 'DELETE' }),
  session: () => call<{ readonly expiresAt?: number }>('/session'),

  audit: (query: Query) =>
    call<{ readonly entries: readonly AuditEntry[]; readonly next?: string }>('/audit', { query }),

  notify: (body: Body) => call<{ readonly id: string }>('/notifications', { method: 'POST', body }),
  preview: async (body: Body) =>
    (
      await call<{ readonly previews: readonly Preview[] }>('/notifications/preview', {
        method: 'POST',
        body,
        mayAsk: false,
      })
    ).previews,
  notifications: (query: Query) =>
    call<{ readonly notifications: readonly NotificationEntry[]; readonly next?: string }>(
      '/notifications',
      { query },
    ),
  notification: (id: string) => call<SentNotification>(named('/notifications', id)),
  recipients: (id: string, after: string) =>
    call<{ readonly recipients: readonly ToldRecipient[]; readonly next?: string }>(
      `${named('/notifications', id)}/recipients`,
      { query: after === '' ? {} : { after } },
    ),
  acknowledge: (id: string) =>
    send(`${named('/notifications', id)}/acknowledge`, { method: 'POST' }),
  goneAddresses: () =>
    call<{ readonly addresses: readonly GoneAddress[]; readonly next?: string }>(
      '/notifications/addresses',
      { query: { limit: 1_000 } },
    ),
  enableAddress: ({ id }: GoneAddress) =>
    send(`/notifications/addresses/${id.split('/').map(encodeURIComponent).join('/')}`, {
      method: 'DELETE',
    }),
  /** How many mails the mailbox of an embedded cloud keeps; `null` where there is none. */
  mailbox: async () => {
    try {
      return (await call<{ readonly mails: readonly unknown[] }>('/mailbox')).mails.length
    } catch (error) {
      if (error instanceof ApiFault && error.status === 404) return null
      throw error
    }
  },

  people: (query: Query) =>
    call<{ readonly people: readonly Person[]; readonly next?: string }>('/people', { query }),
  putPerson: (id: string, body: Body) => send(named('/people', id), { method: 'PUT', body }),
  removePerson: (id: string) => send(named('/people', id), { method: 'DELETE' }),
  subscriptions: (query: Query) =>
    call<{ readonly subscriptions: readonly Subscription[]; readonly next?: string }>(
      '/subscriptions',
      { query },
    ),
  putSubscription: (id: string, body: Body) =>
    send(named('/subscriptions', id), { method: 'PUT', body }),
  removeSubscription: (id: string) => send(named('/subscriptions', id), { method: 'DELETE' }),

  groups: (query: Query) =>
    call<{ readonly groups: readonly DeviceGroup[]; readonly next?: string }>('/groups', { query }),
  group: (id: string) => call<DeviceGroup>(named('/groups', id)),
  groupDevices: (id: string, limit: number) =>
    call<{
      readonly devices: readonly { readonly deviceId: string }[]
      readonly next?: string
      readonly total?: number
    }>(`${named('/groups', id)}/devices`, { query: { limit, sort: COUNTED } }),
  /** `version`: of the group that was seen; 0: there shall be none yet. */
  putGroup: (id: string, body: Body, version: number) =>
    call<DeviceGroup>(named('/groups', id), {
      method: 'PUT',
      body,
      headers: { 'if-match': `"${version}"` },
    }),
  removeGroup: (id: string) => send(named('/groups', id), { method: 'DELETE' }),
} as const
