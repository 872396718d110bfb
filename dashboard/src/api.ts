// Every path of the API that the page uses, and what it gets from there. Times are epoch ms unless said otherwise.

import { dataOf, type operations, type Schemas } from '../../client/index.ts'
import { type AnswerOf, client, type QueryOf, quietly } from './client.ts'
import { ApiFault, call } from './http.ts'

export type Json = Schemas['Json']
export type JsonObject = { readonly [key: string]: Json }
export type OpenAlarm = Schemas['OpenAlarm']
export type Severity = OpenAlarm['severity']

/**
 * One device as lists and the live stream tell it. The stream knows nothing of the registry, and of an embedded cloud
 * not how many commands wait.
 */
export type DeviceSummary = Omit<Schemas['DeviceSummary'], OfRegistry> &
  Partial<Pick<Schemas['DeviceSummary'], OfRegistry>>
type OfRegistry = 'tags' | 'enabled' | 'registered' | 'pendingCommands'

/** One alarm of a device with all that people did about it. */
export type AlarmView = Schemas['DeviceAlarm']
/** One alarm of some device, as the list of all has it; `comments` counts them. */
export type AlarmEntry = Schemas['AlarmEntry']
export type Rule = Schemas['Rule']

/** Where SQL is wrong, or why it fails on a message. */
export type TrialFault = Schemas['TrialFault']
/** One expression, its value, and the same for its parts. */
export type Explained = Schemas['ExplainedExpression']
export type RuleExplanation = Schemas['RuleExplanation']
/** What a rule makes of messages. */
export type RuleTrial = Schemas['RuleTrial']
export type TrialResult = RuleTrial['results'][number]
export type DeviceDetail = Schemas['Device']

export interface DeviceList {
  readonly devices: readonly DeviceSummary[]
  readonly next?: string
  /** Only of a cloud that searches itself. */
  readonly total?: number
}

type Telemetry = AnswerOf<'listTelemetry'>
export type TelemetryRow = Telemetry['rows'][number]

/** One message of a device as the live stream tells it. */
export interface LiveMessage {
  readonly at: number
  readonly topic: string
  readonly outcome: string
  readonly messageId?: string
  readonly metrics?: Readonly<Record<string, Json>>
  readonly reason?: string
  readonly payload?: string
  readonly payloadBase64?: string
}

export type Series = AnswerOf<'getTelemetrySeries'>['series'][number]
export type ShadowDocument = Schemas['Shadow']
/** One value that is desired and not reported. Times are epoch s. */
export type DeltaLeaf = Schemas['DeltaLeaf']
export type ShadowChange = Schemas['ShadowChange']
export type Command = Schemas['Command']
export type RegisteredDevice = Schemas['RegisteredDevice']
export type NewCommand = Schemas['NewCommand']
export type MethodAnswer = Schemas['MethodAnswer']
export type DeadLetter = Schemas['DeadLetter']

/** Of an embedded cloud alone: no path of the document. */
export interface Stats {
  readonly counters: Readonly<Record<string, number>>
  readonly matched?: Readonly<Record<string, number>>
  readonly latency?: Latency
}

/** Of taking a message in, from its arrival to its commit. Unit: ms. */
export interface Latency {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** What somebody does about an alarm. */
export type AlarmWish =
  | { readonly change: 'acknowledge' | 'unshelve' }
  | { readonly change: 'shelve'; readonly body: Schemas['Shelve'] }
  | { readonly change: 'assign'; readonly body: Schemas['Assign'] }
  | { readonly change: 'comment'; readonly body: Schemas['Comment'] }

export type NewRule = operations['putRule']['requestBody']['content']['application/json']

export interface ShadowPatch {
  readonly name: string
  readonly desired: JsonObject
  /** Of the shadow that was seen: if it is another one by now the change is refused. */
  readonly version: number | undefined
}

/** The value, or `undefined` where the API says that there is no such thing. */
async function orNone<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof ApiFault && error.status === 404) return undefined
    throw error
  }
}

/** Of a device, as the client takes it. */
const of = (deviceId: string) => ({ path: { deviceId } })

/** Of a device and one of its shadows; the classic one has no name. */
const shadowOf = (deviceId: string, name: string) => ({
  params: { ...of(deviceId), query: name === '' ? {} : { name } },
})

export interface SeriesQuery {
  readonly devices: string
  readonly metrics: string
  /** Epoch ms. */
  readonly from: number
  readonly to: number
  readonly bucket: string
  readonly aggregates: string
}

export const api = {
  stats: () => call<Stats>('/stats'),

  devices: (query: QueryOf<'listDevices'>): Promise<DeviceList> =>
    dataOf(client().GET('/devices', { params: { query } })),
  device: (id: string) => orNone(dataOf(client().GET('/devices/{deviceId}', { params: of(id) }))),
  registered: (id: string) =>
    orNone(dataOf(client().GET('/registry/devices/{deviceId}', { params: of(id) }))),
  setEnabled: (id: string, enabled: boolean) =>
    dataOf(client().PATCH('/registry/devices/{deviceId}', { params: of(id), body: { enabled } })),

  telemetry: (
    id: string,
    { from, to, limit }: { readonly from?: number; readonly to?: number; readonly limit: number },
  ) =>
    dataOf(
      client().GET('/devices/{deviceId}/telemetry', {
        params: {
          ...of(id),
          query: {
            limit,
            ...(from === undefined ? {} : { from: String(from) }),
            ...(to === undefined ? {} : { to: String(to) }),
          },
        },
      }),
    ),
  series: ({ from, to, ...query }: SeriesQuery) =>
    dataOf(
      client().GET('/telemetry/series', {
        params: { query: { ...query, from: String(from), to: String(to) } },
      }),
    ),

  shadow: (id: string, name: string) =>
    orNone(dataOf(client().GET('/devices/{deviceId}/shadow', shadowOf(id, name)))),
  delta: (id: string, name: string) =>
    orNone(dataOf(client().GET('/devices/{deviceId}/shadow/delta', shadowOf(id, name)))),
  shadowHistory: (id: string, name: string) =>
    orNone(dataOf(client().GET('/devices/{deviceId}/shadow/history', shadowOf(id, name)))),
  patchShadow: (id: string, { name, desired, version }: ShadowPatch) =>
    dataOf(
      client().PATCH('/devices/{deviceId}/shadow', {
        params: { ...shadowOf(id, name).params, header: ifVersion(version) },
        body: { state: { desired }, ...(version === undefined ? {} : { version }) },
      }),
    ),

  commands: (id: string) =>
    dataOf(client().GET('/devices/{deviceId}/commands', { params: of(id) })),
  sendCommand: (id: string, body: NewCommand) =>
    dataOf(client().POST('/devices/{deviceId}/commands', { params: of(id), body })),
  purgeCommands: (id: string) =>
    dataOf(client().DELETE('/devices/{deviceId}/commands', { params: of(id) })),
  invoke: (id: string, method: string, payload: Json, responseTimeout: number) =>
    dataOf(
      client().POST('/devices/{deviceId}/methods/{method}', {
        params: {
          path: { deviceId: id, method },
          query: { responseTimeout: String(responseTimeout) },
        },
        body: payload,
      }),
    ),

  alarms: (query: QueryOf<'listAlarms'>) => dataOf(client().GET('/alarms', { params: { query } })),
  deviceAlarms: (id: string) =>
    dataOf(client().GET('/devices/{deviceId}/alarms', { params: of(id) })),
  changeAlarm: (deviceId: string, alarmId: string, wish: AlarmWish) => {
    const params = { path: { deviceId, alarmId } }
    switch (wish.change) {
      case 'acknowledge':
        return dataOf(client().POST('/devices/{deviceId}/alarms/{alarmId}/acknowledge', { params }))
      case 'unshelve':
        return dataOf(client().POST('/devices/{deviceId}/alarms/{alarmId}/unshelve', { params }))
      case 'shelve':
        return dataOf(
          client().POST('/devices/{deviceId}/alarms/{alarmId}/shelve', { params, body: wish.body }),
        )
      case 'assign':
        return dataOf(
          client().POST('/devices/{deviceId}/alarms/{alarmId}/assign', { params, body: wish.body }),
        )
      case 'comment':
        return dataOf(
          client().POST('/devices/{deviceId}/alarms/{alarmId}/comment', {
            params,
            body: wish.body,
          }),
        )
    }
  },

  rules: () => dataOf(client().GET('/rules')),
  rule: (ruleId: string) =>
    orNone(dataOf(client().GET('/rules/{ruleId}', { params: { path: { ruleId } } }))),
  tryRule: (body: Schemas['RuleTrialRequest']) =>
    dataOf(client().POST('/rules/test', { body, ...quietly })),
  switchRule: (ruleId: string, enabled: boolean) =>
    dataOf(client().PATCH('/rules/{ruleId}', { params: { path: { ruleId } }, body: { enabled } })),
  putRule: (ruleId: string, body: NewRule, version: number | undefined) =>
    dataOf(
      client().PUT('/rules/{ruleId}', {
        params: { path: { ruleId }, header: ifVersion(version === 0 ? undefined : version) },
        body,
      }),
    ),
  revertRule: (ruleId: string) =>
    dataOf(client().DELETE('/rules/{ruleId}', { params: { path: { ruleId } } })),

  deadLetters: (query: QueryOf<'listDeadLetters'>) =>
    dataOf(client().GET('/dead-letters', { params: { query } })),
  redrive: (deadLetterId: string) =>
    dataOf(
      client().POST('/dead-letters/{deadLetterId}/redrive', { params: { path: { deadLetterId } } }),
    ),
  discard: (deadLetterId: string) =>
    dataOf(client().DELETE('/dead-letters/{deadLetterId}', { params: { path: { deadLetterId } } })),
} as const

/** Only if what was seen is still there. */
function ifVersion(version: number | undefined): { readonly 'if-match'?: string } {
  return version === undefined ? {} : { 'if-match': `"${version}"` }
}
