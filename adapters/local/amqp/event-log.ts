import rhea from 'rhea'
import type { Clock, Uplink } from '../../../core/index.ts'
import { encodeMessage } from '../listeners/amqp/index.ts'
import type { Database } from '../sqlite/database.ts'

/** One event of a partition, as an encoded AMQP message. */
export interface HubEvent {
  readonly sequence: number
  /** Epoch ms; never less than that of the event before it. */
  readonly at: number
  readonly bytes: Buffer
}

/** What is known of one partition. */
export interface PartitionFacts {
  /** Sequence number of the oldest event that is kept. */
  readonly first: number
  /** Sequence number of the newest event; one less than `first` while there is none. */
  readonly last: number
  /** Epoch ms of the newest event; 0 while there is none. */
  readonly lastAt: number
}

/** Where a receiver starts. */
export type EventPosition =
  | { readonly after: 'latest' }
  | { readonly after: 'sequence'; readonly sequence: number; readonly inclusive: boolean }
  /** Epoch ms. */
  | { readonly after: 'time'; readonly at: number; readonly inclusive: boolean }

/** Events of the messages that were accepted lately, durable and bounded: what Event Hubs consumers read. */
export interface EventLog {
  readonly partitions: number
  /** Epoch ms. */
  readonly createdAt: number
  /** Whether events are kept. Until somebody wants them, they are not. */
  readonly isKeeping: boolean
  /** From here on events are kept, also after a restart. */
  keep(): Promise<void>
  /** Resolves when it is durable. Events of one device keep their order, in the one partition that is theirs. */
  append(uplink: Uplink): Promise<void>
  facts(partition: number): PartitionFacts
  /** Sequence number of the first event at a position. */
  find(partition: number, position: EventPosition): Promise<number>
  /** Events from a sequence number on. */
  read(partition: number, from: number, limit: number): Promise<readonly HubEvent[]>
  /** Calls back after events became durable; gives the function that ends it. */
  watch(partition: number, callback: () => void): () => void
}

export interface EventLogOptions {
  readonly database: Database
  readonly clock: Clock
  readonly partitions: number
  /** Events that are kept at most, in all partitions together. */
  readonly maxEvents: number
  readonly retentionMs: number
  /** Events are kept from the beginning. */
  readonly keeps: boolean
}

/** The setting that remembers that somebody wanted events. */
const SETTING = 'event_hub'

interface Partition {
  first: number
  last: number
  lastAt: number
  /** Newest event that is known to be durable. */
  durable: number
  appended: number
  readonly watchers: Set<() => void>
}

/** Opens the log over its table. */
export async function openEventLog({
  database,
  clock,
  partitions: count,
  maxEvents,
  retentionMs,
  keeps,
}: EventLogOptions): Promise<EventLog> {
  let isKeeping = keeps || (await database.read('settingGet', SETTING)).length > 0
  const mostEach = Math.max(1, Math.floor(maxEvents / count))
  /** So many events are appended to a partition before the old ones are dropped. */
  const dropEvery = Math.max(1, Math.min(1_000, Math.floor(mostEach / 10)))
  const partitions = Array.from({ length: count }, (): Partition => {
    return { first: 0, last: -1, lastAt: 0, durable: -1, appended: 0, watchers: new Set() }
  })
  for (const row of await database.read('hubEventFacts')) {
    const partition = partitions[Number(row['partition'])]
    if (partition === undefined) continue
    partition.first = Number(row['first'])
    partition.last = Number(row['last'])
    partition.lastAt = Number(row['last_at'])
    partition.durable = partition.last
  }

  function partitionOf(index: number): Partition {
    const partition = partitions[index]
    if (partition === undefined) throw new RangeError(`expected a partition, found ${index}`)
    return partition
  }

  /** Drops what is too old or too much. The newest event is kept, so that its number is known after a restart. */
  async function drop(index: number, partition: Partition): Promise<void> {
    const before = Math.max(partition.first, partition.last - mostEach + 1)
    const tooOld = await firstAt(index, clock.now() - retentionMs, false)
    const first = Math.min(Math.max(before, tooOld), partition.durable)
    if (first <= partition.first) return
    partition.first = first
    await database.write([['hubEventDrop', index, first]])
  }

  /** Binary search: times grow with the sequence numbers. */
  async function firstAt(index: number, at: number, inclusive: boolean): Promise<number> {
    const partition = partitionOf(index)
    let low = partition.first
    let high = partition.durable + 1
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const [row] = await database.read('hubEventAt', index, middle)
      const found = Number(row?.['at'] ?? 0)
      if (found > at || (inclusive && found === at)) high = middle
      else low = middle + 1
    }
    return low
  }

  for (const [index, partition] of partitions.entries()) await drop(index, partition)

  return {
    partitions: count,
    createdAt: clock.now(),

    get isKeeping() {
      return isKeeping
    },

    async keep() {
      if (isKeeping) return
      isKeeping = true
      await database.write([['settingPut', SETTING, 'kept']])
    },

    async append(uplink) {
      const index = hash(uplink.deviceId ?? '') % count
      const partition = partitionOf(index)
      const at = Math.max(clock.now(), partition.lastAt)
      const sequence = partition.last + 1
      partition.last = sequence
      partition.lastAt = at
      await database.write([['hubEventPut', index, sequence, at, encode(uplink, sequence, at)]])
      // Writes become durable in the order in which they were asked for.
      partition.durable = Math.max(partition.durable, sequence)
      for (const callback of [...partition.watchers]) callback()
      if (++partition.appended % dropEvery === 0) await drop(index, partition)
    },

    facts(index) {
      const { first, durable, lastAt } = partitionOf(index)
      return { first, last: durable, lastAt }
    },

    async find(index, position) {
      const { first, durable } = partitionOf(index)
      switch (position.after) {
        case 'latest':
          return durable + 1
        case 'sequence':
          return Math.max(first, position.sequence + (position.inclusive ? 0 : 1))
        case 'time':
          return firstAt(index, position.at, position.inclusive)
      }
    },

    async read(index, from, limit) {
      const { first, durable } = partitionOf(index)
      if (from > durable) return []
      const rows = await database.read('hubEventRead', index, Math.max(from, first), limit)
      return rows.flatMap((row): HubEvent[] => {
        const { sequence, at, event } = row
        return event instanceof Uint8Array && Number(sequence) <= partitionOf(index).durable
          ? [{ sequence: Number(sequence), at: Number(at), bytes: Buffer.from(event) }]
          : []
      })
    },

    watch(index, callback) {
      const { watchers } = partitionOf(index)
      watchers.add(callback)
      return () => watchers.delete(callback)
    },
  }
}

/** A message as Azure IoT Hub puts it into its endpoint. Source: learn.microsoft.com, iot-hub-devguide-messages-construct. */
function encode(uplink: Uplink, sequence: number, at: number): Buffer {
  const { deviceId = '', contentType, messageId, facts, payload } = uplink
  const system = facts?.systemProperties ?? {}
  const { types } = rhea
  const application: [string, string][] = []
  for (const [name, values] of Object.entries(facts?.userProperties ?? {}))
    application.push([name, values[0] ?? ''])
  const type = system['contentType'] ?? contentType
  const encoding = system['contentEncoding']
  const correlationId = system['correlationId']
  return encodeMessage({
    ...(messageId === undefined ? {} : { messageId }),
    ...(correlationId === undefined ? {} : { correlationId }),
    to: `/devices/${encodeURIComponent(deviceId)}/messages/events`,
    ...(type === '' ? {} : { contentType: type }),
    ...(encoding === undefined ? {} : { contentEncoding: encoding }),
    ...(application.length === 0 ? {} : { applicationProperties: Object.fromEntries(application) }),
    annotations: {
      'iothub-connection-device-id': deviceId,
      'iothub-connection-auth-method': JSON.stringify({
        scope: 'device',
        type: (facts?.principal ?? deviceId) === deviceId ? 'sas' : 'x509',
        issuer: 'iothub',
      }),
      'iothub-enqueuedtime': types.wrap_timestamp(at),
      'iothub-message-source': 'Telemetry',
      'x-opt-partition-key': deviceId,
      'x-opt-sequence-number': types.wrap_long(sequence),
      'x-opt-offset': String(sequence),
      'x-opt-enqueued-time': types.wrap_timestamp(at),
    },
    body: payload,
  })
}

/** Source: FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  return value >>> 0
}
