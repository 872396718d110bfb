// The paths of the API that long work, access, notifications, people and groups are made with. Times are epoch ms unless said otherwise.

import { dataOf, type Schemas } from '../../client/index.ts'
import { client, type QueryOf, quietly } from './client.ts'
import { ApiFault, send } from './http.ts'

/** What goes out as JSON. */
export type Body = Readonly<Record<string, unknown>>

export type Task = Schemas['Task']
export type ApiKey = Schemas['ApiKey']
export type AuditEntry = Schemas['AuditEntry']
export type Actor = AuditEntry['actor']
export type NotificationEntry = Schemas['NotificationEntry']
export type SentNotification = Schemas['Notification']
export type ToldRecipient = Schemas['ToldRecipient']
export type DeliveryState = ToldRecipient['state']
export type NewNotification = Schemas['NewNotification']
export type Preview = Schemas['Preview']
export type GoneAddress = Schemas['GoneAddress']
export type Person = Schemas['Person']
/** A channel as it is, or an own address on it. */
export type PersonAddress = string | { readonly channel: string; readonly to?: string }

/** Who wants to be told of what; as it was put. */
export interface Subscription extends Body {
  readonly id: string
}

export type DeviceGroup = Schemas['DeviceGroup']

/** Whoever sorts has seen all of them, and says how many there are. */
export const COUNTED = '-seenAt'

/** A file goes out as it is. */
const file = (type: string) => ({
  headers: { 'content-type': type },
  bodySerializer: (body: unknown) => (body instanceof Blob ? body : String(body)),
})

export const administer = {
  tasks: (query: QueryOf<'listTasks'>) => dataOf(client().GET('/tasks', { params: { query } })),
  startImport: (table: Blob, mode: NonNullable<QueryOf<'startImport'>['mode']>) =>
    dataOf(
      client().POST('/tasks/import', {
        params: { query: { mode } },
        body: table,
        ...file('text/csv'),
      }),
    ),
  startReplay: (messages: Blob, query: QueryOf<'startReplay'>) =>
    dataOf(
      client().POST('/tasks/replay', {
        params: { query },
        body: messages,
        ...file('application/x-ndjson'),
      }),
    ),
  startExport: (body: Schemas['ExportWish']) => dataOf(client().POST('/tasks/export', { body })),
  cancelTask: (taskId: string) =>
    dataOf(client().DELETE('/tasks/{taskId}', { params: { path: { taskId } } })),
  taskResult: (taskId: string): Promise<Blob> =>
    dataOf(
      client().GET('/tasks/{taskId}/result', { params: { path: { taskId } }, parseAs: 'blob' }),
    ),

  keys: (query: QueryOf<'listKeys'>) => dataOf(client().GET('/keys', { params: { query } })),
  createKey: (body: Schemas['NewApiKey']) => dataOf(client().POST('/keys', { body })),
  revokeKey: (keyId: string) =>
    dataOf(client().DELETE('/keys/{keyId}', { params: { path: { keyId } } })),
  session: () => dataOf(client().GET('/session')),

  audit: (query: QueryOf<'listAudit'>) => dataOf(client().GET('/audit', { params: { query } })),

  notify: (body: Schemas['NewNotification']) => dataOf(client().POST('/notifications', { body })),
  preview: async (body: Schemas['NewPreview']) =>
    (await dataOf(client().POST('/notifications/preview', { body, ...quietly }))).previews,
  notifications: (query: QueryOf<'listNotifications'>) =>
    dataOf(client().GET('/notifications', { params: { query } })),
  notification: (id: string) =>
    dataOf(client().GET('/notifications/{notificationId}', { params: notified(id) })),
  recipients: (id: string, after: string) =>
    dataOf(
      client().GET('/notifications/{notificationId}/recipients', {
        params: { ...notified(id), query: after === '' ? {} : { after } },
      }),
    ),
  acknowledge: (id: string) =>
    dataOf(client().POST('/notifications/{notificationId}/acknowledge', { params: notified(id) })),
  goneAddresses: () =>
    dataOf(client().GET('/notifications/addresses', { params: { query: { limit: 1_000 } } })),
  enableAddress: ({ id }: GoneAddress) => {
    const [channelId = '', digest = ''] = id.split('/')
    return dataOf(
      client().DELETE('/notifications/addresses/{channelId}/{digest}', {
        params: { path: { channelId, digest } },
      }),
    )
  },
  /** How many mails the mailbox of an embedded cloud keeps; `null` where there is none. */
  mailbox: async () => {
    try {
      return (await dataOf(client().GET('/mailbox'))).mails.length
    } catch (error) {
      if (error instanceof ApiFault && error.status === 404) return null
      throw error
    }
  },

  people: (query: QueryOf<'listPeople'>) => dataOf(client().GET('/people', { params: { query } })),
  putPerson: (id: string, body: Schemas['NewPerson']) =>
    dataOf(client().PUT('/people/{id}', { params: { path: { id } }, body })),
  removePerson: (id: string) =>
    dataOf(client().DELETE('/people/{id}', { params: { path: { id } } })),
  subscriptions: (query: QueryOf<'listSubscriptions'>) =>
    dataOf(client().GET('/subscriptions', { params: { query } })),
  /** A part of it is written by hand, as JSON: the API judges that. */
  putSubscription: (id: string, body: Body) =>
    send(`/subscriptions/${encodeURIComponent(id)}`, { method: 'PUT', body }),
  removeSubscription: (id: string) =>
    dataOf(client().DELETE('/subscriptions/{id}', { params: { path: { id } } })),

  groups: (query: QueryOf<'listGroups'>) => dataOf(client().GET('/groups', { params: { query } })),
  group: (groupId: string) =>
    dataOf(client().GET('/groups/{groupId}', { params: { path: { groupId } } })),
  groupDevices: (groupId: string, limit: number) =>
    dataOf(
      client().GET('/groups/{groupId}/devices', {
        params: { path: { groupId }, query: { limit, sort: COUNTED } },
      }),
    ),
  /** `version`: of the group that was seen; 0: there shall be none yet. */
  putGroup: (groupId: string, body: Schemas['DeviceGroupWish'], version: number) =>
    dataOf(
      client().PUT('/groups/{groupId}', {
        params: { path: { groupId }, header: { 'if-match': `"${version}"` } },
        body,
      }),
    ),
  removeGroup: (groupId: string) =>
    dataOf(client().DELETE('/groups/{groupId}', { params: { path: { groupId } } })),
} as const

function notified(notificationId: string) {
  return { path: { notificationId } }
}
