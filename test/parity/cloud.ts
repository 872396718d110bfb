import type { Config, Json } from '../../core/index.ts'

/** A message as a device publishes it. */
export interface Message {
  readonly deviceId: string
  readonly topic: string
  readonly payload: string
}

/** A request to the REST API. The caller is the admin. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH'
  readonly path: string
  readonly body?: Json
}

export interface ApiAnswer {
  readonly status: number
  readonly body: Json
}

/** Something that went out on a topic. */
export interface Published {
  readonly topic: string
  readonly payload: string
}

/** One cloud with its entry functions, as somebody outside sees it. Time is what `Date.now` says. */
export interface Cloud {
  /** A device opens its connection. */
  connect(deviceId: string): Promise<void>
  /** Devices publish; resolves when the cloud has taken it all, and done what comes of it. */
  ingest(messages: readonly Message[]): Promise<void>
  /** Resolves when what comes of it is done; of a PUT, which only stores something, nothing does. */
  api(request: ApiRequest): Promise<ApiAnswer>
  /** What the scheduler of the cloud calls. */
  tick(): Promise<void>
  /** What the owner of the device's shadow says is desired. */
  desired(deviceId: string): Promise<Json>
  /** All that was sent to devices and subscribers, but for what the owner of the shadow tells. */
  downlinks(): readonly Published[]
  /** Takes all entries of a queue that other programs empty, oldest first. */
  take(queue: string): Promise<readonly Json[]>
  /** What was counted, by the names of the observer. */
  counters(): Readonly<Record<string, number>>
  close(): Promise<void>
}

/** What a cloud is, to join the comparison. */
export interface CloudEntry {
  readonly name: string
  /** Opens the suite: skipped by name where what it needs is missing. */
  readonly suite: (name: string, body: () => void) => void
  /** What uplinks are said to come from. */
  readonly source: string
  open(options: CloudOptions): Promise<Cloud>
}

export interface CloudOptions {
  /** The file, for clouds that deploy what follows from it. */
  readonly configPath: string
  /** The same, read, with its variables filled in. */
  readonly config: Config
  /** Queues that its channels and rules fill. */
  readonly queues?: readonly string[]
}

/** Not every answer has a body. */
export function readBody(text: string): Json {
  return text === '' ? null : JSON.parse(text)
}
