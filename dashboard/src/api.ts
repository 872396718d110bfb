// Every path of the API that the page uses, and what it gets from there. Times are epoch ms unless said otherwise.

import { dataOf, type Schemas } from '../../client/index.ts'
import { client } from './client.ts'
import { ApiFault, call, type FieldFault, type Query, send } from './http.ts'

export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }
/** What is sent through the client. */
export type SentJson = Schemas['Json']

export type Severity = 'info' | 'warning' | 'critical'

/** An open alarm as summaries have it. */
export interface OpenAlarm {
  readonly alarmId: string
  readonly severity: Severity
  readonly text: string
  readonly raisedAt: number | null
  readonly acknowledgedAt: number | null
  readonly shelvedUntil?: number
  readonly assignedTo?: string
}

export interface LastValue {
  readonly value: number | boolean | string
  readonly at: number
}

/** One device as lists and the live stream tell it. */
export interface DeviceSummary {
  readonly deviceId: string
  readonly connected: boolean
  readonly status: 'unknown' | 'online' | 'late' | 'offline' | 'unreachable'
  /** Whether it promised to be heard of at an interval, and is judged by that. */
  readonly expected: boolean
  readonly seenAt: number
  /** 0: it never held a connection. */
  readonly presenceChangedAt: number
  readonly accepted: number
  readonly last: Readonly<Record<string, LastValue>>
  readonly alarms: readonly OpenAlarm[]
  readonly desired: JsonObject | null
  readonly pendingCommands?: number
  readonly type?: string
  readonly tags?: JsonObject
  readonly enabled?: boolean
  readonly registered?: boolean
}

export interface AlarmEvent {
  readonly at: number
  readonly is: string
  readonly by?: string
  readonly severity?: Severity
  readonly text?: string
}

/** One alarm of a device with all that people did about it. */
export interface AlarmView {
  readonly alarmId: string
  readonly standing: string
  readonly severity: Severity
  readonly text: string
  readonly since?: number
  readonly raisedAt?: number
  readonly acknowledgedAt?: number
  readonly acknowledgedBy?: string
  readonly assignedTo?: string
  readonly shelvedUntil?: number
  readonly shelvedBy?: string
  readonly shelvedFor?: string
  readonly comments?: readonly { readonly at: number; readonly by: string; readonly text: string }[]
  readonly history?: readonly AlarmEvent[]
}

/** One alarm of some device, as the list of all has it; `comments` counts them. */
export interface AlarmEntry extends Omit<AlarmView, 'comments' | 'history'> {
  readonly deviceId: string
  readonly comments: number
}

/** A rule as it counts now. */
export interface Rule {
  readonly id: string
  readonly description?: string
  readonly sql: string
  readonly sqlVersion: string
  readonly enabled: boolean
  readonly group: 'device' | 'fleet'
  readonly lateness: string
  readonly actions: readonly JsonObject[]
  readonly errorAction?: JsonObject
  readonly source: 'config' | 'api'
  /** Whether anyhub.yml has a rule of this id. */
  readonly declared: boolean
  readonly version: number
  readonly changedBy?: string
  readonly matched?: number
  readonly faults?: readonly FieldFault[]
}

/** Where SQL is wrong, or why it fails on a message. */
export interface TrialFault {
  readonly code: string
  readonly message: string
  readonly line?: number
  readonly column?: number
}

/** One expression, its value, and the same for its parts. */
export interface Explained {
  readonly text: string
  readonly value?: Json
  /** Why there is no value. */
  readonly undefined?: string
  readonly note?: string
  readonly parts?: readonly Explained[]
}

/** How a rule came to what it did with one message. */
export interface RuleExplanation {
  readonly topic: { readonly filter: string; readonly topic: string; readonly matched: boolean }
  readonly set: readonly Explained[]
  readonly where?: Explained
  readonly select: readonly Explained[]
}

export interface TrialResult {
  readonly topic: string
  readonly at?: number
  readonly payload?: Json
  readonly output?: Json
  readonly noMatch?: 'topic' | 'where'
  readonly error?: TrialFault
  readonly explain?: RuleExplanation
}

/** What a rule makes of messages. */
export interface RuleTrial {
  readonly results: readonly TrialResult[]
  readonly windows?: readonly {
    readonly start: number
    readonly end: number
    readonly group: readonly Json[]
    readonly matched: boolean
    readonly output?: Json
  }[]
  readonly warnings: readonly string[]
  readonly error?: TrialFault
  readonly source?: 'raw' | 'rows'
}

export interface DeviceDetail extends DeviceSummary {
  readonly version: number
  readonly createdAt: number
  readonly presence: {
    readonly status: string
    readonly since: number
    readonly connected: boolean
    readonly changedAt: number
    readonly seenAt: number
    readonly gateway?: string
    readonly flaps: number
  }
  readonly shadows: Readonly<
    Record<
      string,
      { readonly desired: JsonObject; readonly reported: JsonObject; readonly version: number }
    >
  >
  readonly waitingEffects: number
}

export interface DeviceList {
  readonly devices: readonly DeviceSummary[]
  readonly next?: string
  /** Only of a cloud that searches itself. */
  readonly total?: number
}

export interface TelemetryRow {
  readonly at: number
  readonly messageId: string
  readonly topic?: string
  readonly metrics: Readonly<Record<string, Json>>
}

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

export interface SeriesPoint {
  readonly at: number
  readonly avg?: number | null
  readonly min?: number | null
  readonly max?: number | null
}

export interface Series {
  readonly deviceId: string
  readonly metric: string
  readonly points: readonly SeriesPoint[]
}

export interface ShadowDocument {
  readonly state: { readonly desired?: JsonObject | null; readonly reported?: JsonObject | null }
  readonly version: number
}

/** One value that is desired and not reported. Times are epoch s. */
export interface DeltaLeaf {
  /** JSON pointer into the desired section. */
  readonly pointer: string
  readonly desired: Json
  readonly wantedSince?: number
  readonly wantedBy?: string
  readonly expiresAt?: number
  readonly reported?: Json
  readonly reportedAt?: number
}

export interface ShadowChange {
  readonly at: number
  readonly version: number
  readonly by?: string
  readonly desired?: { readonly patch?: JsonObject; readonly names?: readonly string[] }
  readonly reported?: { readonly patch?: JsonObject; readonly names?: readonly string[] }
  readonly deleted?: true
}

export interface Command {
  readonly commandId: string
  readonly name: string
  readonly state: string
  readonly enqueuedAt: number
  readonly expiresAt: number
  readonly deliveries: number
  readonly maxDeliveries: number
  readonly priority: number
  readonly bytes: number
  readonly sentBy?: string
  readonly finishedAt?: number
  readonly reason?: string
}

/** A device that somebody registered. */
export interface RegisteredDevice {
  readonly deviceId: string
  readonly type?: string
  readonly tags: JsonObject
  readonly enabled: boolean
  readonly createdAt: number
  readonly version: number
  readonly credentials: readonly {
    readonly kind: string
    readonly fingerprint?: string
    readonly createdAt: number
    readonly endsAt?: number
    readonly live: boolean
  }[]
  readonly gateways?: readonly string[]
}

export interface NewCommand {
  readonly name: string
  readonly payload?: SentJson
  readonly ttlSeconds?: number
  readonly priority?: number
  readonly ack?: 'none' | 'positive' | 'negative' | 'full'
}

export interface MethodAnswer {
  readonly status: number
  readonly payload?: Json
}

export interface DeadLetter {
  readonly id: string
  readonly at: number
  readonly deviceId?: string
  readonly topic: string
  readonly source: string
  readonly code: string
  readonly reason: string
  readonly payloadBytes: number
  readonly payloadText?: string
  readonly payloadHex?: string
}

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

export interface ShadowPatch {
  readonly name: string
  readonly desired: JsonObject
  /** Of the shadow that was seen: if it is another one by now the change is refused. */
  readonly version: number | undefined
}

const at = (deviceId: string, rest = ''): string =>
  `/devices/${encodeURIComponent(deviceId)}${rest}`

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

export interface DeviceQuery {
  readonly query?: string
  readonly sort?: string
  readonly limit?: number
  readonly after?: string
}

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

  devices: (query: DeviceQuery): Promise<DeviceList> =>
    dataOf(client().GET('/devices', { params: { query } })),
  device: (id: string) => orNone(call<DeviceDetail>(at(id))),
  registered: (id: string): Promise<RegisteredDevice | undefined> =>
    orNone(dataOf(client().GET('/registry/devices/{deviceId}', { params: of(id) }))),
  setEnabled: (id: string, enabled: boolean): Promise<RegisteredDevice> =>
    dataOf(client().PATCH('/registry/devices/{deviceId}', { params: of(id), body: { enabled } })),

  telemetry: (
    id: string,
    { from, to, limit }: { readonly from?: number; readonly to?: number; readonly limit: number },
  ): Promise<{ readonly rows: readonly TelemetryRow[]; readonly count: number }> =>
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
  series: ({
    from,
    to,
    ...query
  }: SeriesQuery): Promise<{ readonly series: readonly Series[]; readonly bucketMs: number }> =>
    dataOf(
      client().GET('/telemetry/series', {
        params: { query: { ...query, from: String(from), to: String(to) } },
      }),
    ),

  shadow: (id: string, name: string): Promise<ShadowDocument | undefined> =>
    orNone(dataOf(client().GET('/devices/{deviceId}/shadow', shadowOf(id, name)))),
  delta: (
    id: string,
    name: string,
  ): Promise<{ readonly version: number; readonly delta: readonly DeltaLeaf[] } | undefined> =>
    orNone(dataOf(client().GET('/devices/{deviceId}/shadow/delta', shadowOf(id, name)))),
  shadowHistory: (
    id: string,
    name: string,
  ): Promise<{ readonly entries: readonly ShadowChange[] } | undefined> =>
    orNone(dataOf(client().GET('/devices/{deviceId}/shadow/history', shadowOf(id, name)))),
  patchShadow: (id: string, { name, desired, version }: ShadowPatch): Promise<ShadowDocument> =>
    call(at(id, '/shadow'), {
      method: 'PATCH',
      query: nameOf(name),
      headers: version === undefined ? {} : { 'if-match': `"${version}"` },
      body: { state: { desired }, ...(version === undefined ? {} : { version }) },
    }),

  commands: (id: string): Promise<{ readonly commands: readonly Command[] }> =>
    dataOf(client().GET('/devices/{deviceId}/commands', { params: of(id) })),
  sendCommand: (id: string, body: NewCommand): Promise<Command> =>
    dataOf(client().POST('/devices/{deviceId}/commands', { params: of(id), body })),
  purgeCommands: (id: string): Promise<{ readonly purged: number }> =>
    dataOf(client().DELETE('/devices/{deviceId}/commands', { params: of(id) })),
  invoke: (
    id: string,
    method: string,
    payload: SentJson,
    responseTimeout: number,
  ): Promise<MethodAnswer> =>
    dataOf(
      client().POST('/devices/{deviceId}/methods/{method}', {
        params: {
          path: { deviceId: id, method },
          query: { responseTimeout: String(responseTimeout) },
        },
        body: payload,
      }),
    ),

  alarms: (query: Query) =>
    call<{ readonly alarms: readonly AlarmEntry[]; readonly next?: string }>('/alarms', { query }),
  deviceAlarms: (id: string) => call<{ readonly alarms: readonly AlarmView[] }>(at(id, '/alarms')),
  changeAlarm: (id: string, alarmId: string, change: string, body: JsonObject = {}) =>
    send(at(id, `/alarms/${encodeURIComponent(alarmId)}/${change}`), { method: 'POST', body }),

  rules: () => call<{ readonly rules: readonly Rule[] }>('/rules'),
  rule: (id: string) => orNone(call<Rule>(`/rules/${encodeURIComponent(id)}`)),
  tryRule: (body: { readonly sql: string; readonly group: string; readonly deviceId: string }) =>
    call<RuleTrial>('/rules/test', { method: 'POST', body, mayAsk: false }),
  switchRule: (id: string, enabled: boolean) =>
    call<Rule>(`/rules/${encodeURIComponent(id)}`, { method: 'PATCH', body: { enabled } }),
  putRule: (id: string, body: JsonObject, version: number | undefined) =>
    call<Rule>(`/rules/${encodeURIComponent(id)}`, {
      method: 'PUT',
      body,
      headers: version === undefined || version === 0 ? {} : { 'if-match': `"${version}"` },
    }),
  revertRule: (id: string) => send(`/rules/${encodeURIComponent(id)}`, { method: 'DELETE' }),

  deadLetters: (query: Query) =>
    call<{
      readonly deadLetters: readonly DeadLetter[]
      readonly total: number
      readonly next?: string
    }>('/dead-letters', {
      query,
    }),
  redrive: (id: string) =>
    call<{ readonly status: string }>(`/dead-letters/${encodeURIComponent(id)}/redrive`, {
      method: 'POST',
    }),
  discard: (id: string) => send(`/dead-letters/${encodeURIComponent(id)}`, { method: 'DELETE' }),
} as const

function nameOf(name: string): Query {
  return name === '' ? {} : { name }
}
