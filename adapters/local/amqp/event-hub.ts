import rhea from 'rhea'
import {
  type AmqpInbound,
  type AmqpMessage,
  type AmqpOutbound,
  isObject,
  numberOf,
  textOf,
  withDeliveryAnnotations,
} from '../listeners/amqp/index.ts'
import type { AmqpAddress } from './addresses.ts'
import type { EventLog, EventPosition, HubEvent } from './event-log.ts'
import type { Replies } from './replies.ts'
import type { AmqpServices } from './services.ts'

/** Names of the one Event Hub that there is: its own, and that of the endpoint of an IoT hub. */
const HUB_NAMES: ReadonlySet<string> = new Set(['anyhub', 'messages/events'])

/** Source: Event Hubs, quotas: receivers of one consumer group and partition that are not exclusive. */
const MAX_RECEIVERS = 5

/** Events that are read from the log at a time. */
const PAGE = 256

type PartitionAddress = Extract<AmqpAddress, { kind: 'partition' }>

/** The Event Hubs endpoint. */
export interface EventHub {
  /** For one connection. */
  open(): HubSession
  /** Answers a question about the hub or a partition. */
  manage(question: AmqpMessage, address: string, replies: Replies): void
  refuseProducer(link: AmqpInbound | AmqpOutbound, hub: string): void
}

export interface HubSession {
  receive(link: AmqpInbound | AmqpOutbound, address: PartitionAddress): void
}

/** One receiver of one partition. */
interface Receiver {
  readonly link: AmqpOutbound
  /** Exclusive receivers have one; of two the higher wins. */
  readonly epoch: number | undefined
}

export function createEventHub({ core, events }: Pick<AmqpServices, 'core' | 'events'>): EventHub {
  const { clock, observer } = core.ports
  /** Receivers by consumer group and partition. */
  const groups = new Map<string, Set<Receiver>>()

  /** Whether there is room for it; whoever has to give way is told. */
  function enter(key: string, receiver: Receiver): boolean {
    const { link, epoch } = receiver
    const group = groups.get(key) ?? new Set()
    const highest = Math.max(-1, ...[...group].map((one) => one.epoch ?? -1))
    if (highest > (epoch ?? -1)) {
      link.close(
        'amqp:link:stolen',
        `a receiver with a higher epoch of '${highest}' exists; this one has '${epoch ?? 'none'}'`,
      )
      return false
    }
    if (epoch === undefined && group.size >= MAX_RECEIVERS) {
      link.close(
        'amqp:resource-limit-exceeded',
        `expected at most ${MAX_RECEIVERS} receivers of one consumer group and partition`,
      )
      return false
    }
    if (epoch !== undefined)
      for (const other of [...group])
        other.link.close(
          'amqp:link:stolen',
          `a receiver with a higher epoch of '${epoch}' is there`,
        )
    group.add(receiver)
    groups.set(key, group)
    return true
  }

  function leave(key: string, receiver: Receiver): void {
    const group = groups.get(key)
    group?.delete(receiver)
    if (group?.size === 0) groups.delete(key)
  }

  /** Somebody wants events. */
  function keep(log: EventLog): void {
    log.keep().catch((error: unknown) =>
      observer.log('warn', 'events are kept, but only until the next start', {
        reason: error instanceof Error ? error.message : String(error),
      }),
    )
  }

  async function pump(
    log: EventLog,
    link: AmqpOutbound,
    partition: number,
    start: number,
    wake: { asked: boolean; wait: () => Promise<void> },
    isOpen: () => boolean,
  ): Promise<void> {
    const tellsMetrics = link.desiredCapabilities.includes(
      'com.microsoft:enable-receiver-runtime-metric',
    )
    let next = start
    while (isOpen()) {
      if (!link.sendable()) {
        await wake.wait()
        continue
      }
      const page = await log.read(partition, next, PAGE)
      if (page.length === 0) {
        await wake.wait()
        continue
      }
      for (const event of page) {
        while (isOpen() && !link.sendable()) await wake.wait()
        if (!isOpen()) return
        link.send(tellsMetrics ? withMetrics(event, log, partition, clock.now()) : event.bytes)
        next = event.sequence + 1
      }
      observer.count('event_hub.sent', page.length)
    }
  }

  function receive(
    link: AmqpInbound | AmqpOutbound,
    { hub, group, partition: name }: PartitionAddress,
  ): void {
    if (link.kind === 'inbound') {
      link.close('amqp:not-allowed', 'events are sent by devices')
      return
    }
    if (!HUB_NAMES.has(hub.toLowerCase())) {
      link.close('amqp:not-found', `The messaging entity '${link.address}' could not be found.`)
      return
    }
    if (events === undefined) {
      link.close('amqp:not-allowed', 'no events are kept: eventHub.enabled is false')
      return
    }
    const partition = /^\d{1,3}$/.test(name) ? Number(name) : Number.NaN
    if (!(partition < events.partitions)) {
      link.close(
        'com.microsoft:argument-out-of-range',
        `expected a partition from 0 to ${events.partitions - 1}, found ${name}`,
      )
      return
    }
    keep(events)
    const position = readPosition(link.filter)
    if (position === undefined) {
      link.close('amqp:invalid-field', 'expected a position: offset, sequence number or time')
      return
    }
    const epoch = numberOf(link.properties['com.microsoft:epoch'])
    const key = `${group.toLowerCase()}/${partition}`
    const receiver: Receiver = { link, epoch }
    if (!enter(key, receiver)) return
    let open = true
    let wakeUp: (() => void) | undefined
    const wake = {
      asked: false,
      wait: () =>
        new Promise<void>((resolve) => {
          if (wake.asked || !open) {
            wake.asked = false
            resolve()
          } else
            wakeUp = () => {
              wakeUp = undefined
              wake.asked = false
              resolve()
            }
        }),
    }
    const onNews = (): void => {
      wake.asked = true
      wakeUp?.()
    }
    const unwatch = events.watch(partition, onNews)
    const log = events
    link.accept({
      onCredit: onNews,
      onClosed() {
        open = false
        unwatch()
        leave(key, receiver)
        onNews()
      },
    })
    log
      .find(partition, position)
      .then((start) => pump(log, link, partition, start, wake, () => open))
      .catch((error) => {
        observer.log('error', 'events not read', {
          reason: error instanceof Error ? error.message : String(error),
        })
        link.close('amqp:internal-error', 'the events cannot be read now')
      })
  }

  return {
    open: () => ({ receive }),

    manage(question, address, replies) {
      const { applicationProperties: asked } = question
      const name = textOf(asked['name']) ?? ''
      const type = textOf(asked['type'])
      const found = events !== undefined && HUB_NAMES.has(name.toLowerCase())
      if (!found) {
        replies.answer(question, address, {
          code: 404,
          description: `The messaging entity '${name}' could not be found.`,
          condition: 'amqp:not-found',
        })
        return
      }
      keep(events)
      if (type === 'com.microsoft:eventhub') {
        replies.answer(question, address, OK, hubFacts(name, events))
        return
      }
      const text = textOf(asked['partition']) ?? ''
      const partition = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN
      if (type !== 'com.microsoft:partition' || !(partition < events.partitions)) {
        replies.answer(question, address, {
          code: 400,
          description: `expected a partition from 0 to ${events.partitions - 1}`,
          condition: 'com.microsoft:argument-out-of-range',
        })
        return
      }
      replies.answer(question, address, OK, partitionFacts(name, text, partition, events))
    },

    refuseProducer(link, hub) {
      if (HUB_NAMES.has(hub.toLowerCase()))
        link.close('amqp:not-allowed', 'events are sent by devices, and not by producers')
      else link.close('amqp:not-found', `The messaging entity '${hub}' could not be found.`)
    },
  }
}

const OK = { code: 200, description: 'OK' }

function hubFacts(name: string, events: EventLog): unknown {
  const { types } = rhea
  const ids = Array.from({ length: events.partitions }, (_, index) => String(index))
  return {
    name,
    type: 'com.microsoft:eventhub',
    created_at: types.wrap_timestamp(events.createdAt),
    partition_count: types.wrap_int(ids.length),
    partition_ids: types.wrap_array(ids, 0xa1, undefined),
    georeplication_factor: types.wrap_int(1),
  }
}

function partitionFacts(name: string, text: string, partition: number, events: EventLog): unknown {
  const { types } = rhea
  const { first, last, lastAt } = events.facts(partition)
  return {
    name,
    type: 'com.microsoft:partition',
    partition: text,
    begin_sequence_number: types.wrap_long(first),
    last_enqueued_sequence_number: types.wrap_long(last),
    last_enqueued_offset: String(last),
    last_enqueued_time_utc: types.wrap_timestamp(lastAt),
    is_partition_empty: types.wrap_boolean(last < first),
  }
}

/**
 * Where a receiver wants to start; `undefined` if that cannot be read. Without a filter it is the beginning.
 * Source: wire of @azure/event-hubs 6: `amqp.annotation.x-opt-offset > '…'`.
 */
export function readPosition(filter: Readonly<Record<string, unknown>>): EventPosition | undefined {
  const named = filter['apache.org:selector-filter:string']
  const text = isObject(named) ? textOf(named['value']) : textOf(named)
  if (text === undefined) return { after: 'sequence', sequence: 0, inclusive: true }
  const found = /^amqp\.annotation\.x-opt-([a-z-]+) (>=?) '([^']*)'$/.exec(text.trim())
  if (found === null) return undefined
  const [, what, operator, value = ''] = found
  const inclusive = operator === '>='
  if (what === 'offset' && value === '@latest') return { after: 'latest' }
  if (!/^-?\d{1,16}$/.test(value)) return undefined
  const number = Number(value)
  switch (what) {
    case 'offset':
    case 'sequence-number':
      return { after: 'sequence', sequence: number, inclusive }
    case 'enqueued-time':
    case 'enqueuedtimeutc':
      return { after: 'time', at: number, inclusive }
    default:
      return undefined
  }
}

/** The event with a word about the newest one. */
function withMetrics(event: HubEvent, log: EventLog, partition: number, now: number): Buffer {
  const { types } = rhea
  const { last, lastAt } = log.facts(partition)
  return withDeliveryAnnotations(event.bytes, {
    last_enqueued_sequence_number: types.wrap_long(last),
    last_enqueued_offset: String(last),
    last_enqueued_time_utc: types.wrap_timestamp(lastAt),
    runtime_info_retrieval_time_utc: types.wrap_timestamp(now),
  })
}
