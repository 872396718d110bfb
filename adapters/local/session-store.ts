import type {
  SessionChange,
  SessionStore,
  StoredDelivery,
  StoredSession,
  StoredSubscription,
} from './listeners/mqtt/index.ts'
import type { Database } from './sqlite/database.ts'
import type { Operation, SqlRow } from './sqlite/protocol.ts'
import { createWriteBehind, ownBytes } from './write-behind.ts'

/** Sessions that survive the process. */
export interface DurableSessionStore extends SessionStore {
  /** Writes what is not yet on the disk. */
  flush(): Promise<void>
}

interface Delivery {
  readonly delivery: StoredDelivery
  packetId: number
  released: boolean
}

interface Session {
  expirySeconds: number
  endsAt: number | undefined
  readonly subscriptions: Map<string, StoredSubscription>
  readonly received: Set<number>
  readonly deliveries: Map<number, Delivery>
}

/** What is known of one client beside what is on the disk. */
interface Dirt {
  /** The session itself has changed, or has come or gone. */
  session: boolean
  /** What the disk holds is not known: all is written anew. */
  whole: boolean
  readonly deliveries: Set<number>
}

/**
 * Opens the sessions of a data folder. Changes reach the disk a moment later, so that a message which is delivered and
 * acknowledged at once is never written; whoever promises something waits for `owed`.
 */
export async function openSessionStore(
  database: Database,
  onError: (error: unknown) => void,
): Promise<DurableSessionStore> {
  const sessions = new Map<string, Session>()
  const dirt = new Map<string, Dirt>()
  /** Deliveries that are on the disk, by client. */
  const written = new Map<string, Set<number>>()
  for (const row of await database.read('sessionAll'))
    sessions.set(String(row['client_id']), readSession(row))
  for (const row of await database.read('deliveryAll')) {
    const clientId = String(row['client_id'])
    const found = readDelivery(row)
    sessions.get(clientId)?.deliveries.set(found.delivery.sequence, found)
    writtenOf(clientId).add(found.delivery.sequence)
  }

  const behind = createWriteBehind<string>({
    database,
    operationsOf,
    onRefused(clientIds, error) {
      onError(error)
      for (const clientId of clientIds) dirtOf(clientId).whole = true
    },
  })

  function writtenOf(clientId: string): Set<number> {
    const known = written.get(clientId) ?? new Set()
    written.set(clientId, known)
    return known
  }

  function operationsOf(clientId: string): readonly Operation[] {
    const found = dirt.get(clientId)
    if (found === undefined) return []
    dirt.delete(clientId)
    const session = sessions.get(clientId)
    if (session === undefined) {
      written.delete(clientId)
      return [
        ['sessionRemove', clientId],
        ['deliveryRemoveAll', clientId],
      ]
    }
    if (found.whole) return writeAnew(clientId, session)
    const known = writtenOf(clientId)
    const operations: Operation[] = found.session ? [toSessionPut(clientId, session)] : []
    for (const sequence of found.deliveries) {
      const delivery = session.deliveries.get(sequence)
      if (delivery !== undefined) {
        known.add(sequence)
        operations.push(toDeliveryPut(clientId, delivery))
      } else if (known.delete(sequence)) operations.push(['deliveryRemove', clientId, sequence])
    }
    return operations
  }

  function writeAnew(clientId: string, session: Session): readonly Operation[] {
    written.set(clientId, new Set(session.deliveries.keys()))
    return [
      toSessionPut(clientId, session),
      ['deliveryRemoveAll', clientId],
      ...[...session.deliveries.values()].map((one) => toDeliveryPut(clientId, one)),
    ]
  }

  function dirtOf(clientId: string): Dirt {
    const known = dirt.get(clientId) ?? { session: false, whole: false, deliveries: new Set() }
    dirt.set(clientId, known)
    behind.touch(clientId)
    return known
  }

  /** Whether something was promised to a client since `owed` was asked last. */
  let owes = false

  return {
    flush: behind.flush,

    owed() {
      if (!owes) return undefined
      owes = false
      return behind.settled()
    },

    load: () =>
      [...sessions].map(
        ([clientId, session]): StoredSession => ({
          clientId,
          expirySeconds: session.expirySeconds,
          endsAt: session.endsAt,
          subscriptions: [...session.subscriptions.values()],
          deliveries: [...session.deliveries.values()].map((one) => ({ ...one })),
          received: [...session.received],
        }),
      ),

    record(clientId, change) {
      if (change.kind === 'ended') {
        const isKnown = sessions.delete(clientId)
        // What came again under the same id must not find rows of the one before.
        if (isKnown) endOnDisk(clientId)
        return
      }
      const session = sessions.get(clientId) ?? newSession()
      sessions.set(clientId, session)
      const changed = apply(session, change)
      if (PROMISES.has(change.kind)) owes = true
      const found = dirtOf(clientId)
      if (changed === 'session') found.session = true
      else found.deliveries.add(changed)
    },
  }

  /** A session that ends and one that begins in the same moment are written in this order. */
  function endOnDisk(clientId: string): void {
    const found = dirtOf(clientId)
    found.session = true
    for (const sequence of writtenOf(clientId)) found.deliveries.add(sequence)
  }
}

/** Changes that somebody is told of, and relies on. */
const PROMISES: ReadonlySet<SessionChange['kind']> = new Set(['queued', 'received', 'subscribed'])

/** Takes a change over, and says what has changed: the session, or the delivery of this sequence. */
function apply(session: Session, change: SessionChange): 'session' | number {
  switch (change.kind) {
    case 'opened':
      session.expirySeconds = change.expirySeconds
      session.endsAt = undefined
      return 'session'
    case 'ended':
      session.deliveries.clear()
      return 'session'
    case 'closed':
      session.expirySeconds = change.expirySeconds
      session.endsAt = change.endsAt
      return 'session'
    case 'subscribed':
      session.subscriptions.set(change.subscription.filter, change.subscription)
      return 'session'
    case 'unsubscribed':
      session.subscriptions.delete(change.filter)
      return 'session'
    case 'received':
      session.received.add(change.packetId)
      return 'session'
    case 'forgotten':
      session.received.delete(change.packetId)
      return 'session'
    case 'queued': {
      const { delivery } = change
      session.deliveries.set(delivery.sequence, { delivery, packetId: 0, released: false })
      return delivery.sequence
    }
    case 'sent': {
      const found = session.deliveries.get(change.sequence)
      if (found) found.packetId = change.packetId
      return change.sequence
    }
    case 'released': {
      const found = session.deliveries.get(change.sequence)
      if (found) found.released = true
      return change.sequence
    }
    case 'done':
      session.deliveries.delete(change.sequence)
      return change.sequence
  }
}

function newSession(): Session {
  return {
    expirySeconds: 0,
    endsAt: undefined,
    subscriptions: new Map(),
    received: new Set(),
    deliveries: new Map(),
  }
}

function toSessionPut(clientId: string, session: Session): Operation {
  const { expirySeconds, endsAt, subscriptions, received } = session
  return [
    'sessionPut',
    clientId,
    JSON.stringify({
      expirySeconds,
      endsAt,
      subscriptions: [...subscriptions.values()],
      received: [...received],
    }),
  ]
}

function toDeliveryPut(clientId: string, { delivery, packetId, released }: Delivery): Operation {
  const { sequence, topic, payload, qos, retain, properties, expiresAt, identifiers } = delivery
  return [
    'deliveryPut',
    clientId,
    sequence,
    JSON.stringify({ topic, qos, retain, identifiers, packetId, released }),
    expiresAt === Infinity ? null : expiresAt,
    ownBytes(payload),
    ownBytes(properties),
  ]
}

function readSession(row: SqlRow): Session {
  const kept: Pick<StoredSession, 'expirySeconds' | 'endsAt' | 'subscriptions' | 'received'> =
    JSON.parse(String(row['session']))
  return {
    expirySeconds: kept.expirySeconds,
    endsAt: kept.endsAt,
    subscriptions: new Map(kept.subscriptions.map((one) => [one.filter, one])),
    received: new Set(kept.received),
    deliveries: new Map(),
  }
}

function readDelivery(row: SqlRow): Delivery {
  const {
    packetId,
    released,
    ...rest
  }: Pick<StoredDelivery, 'topic' | 'qos' | 'retain' | 'identifiers'> &
    Pick<Delivery, 'packetId' | 'released'> = JSON.parse(String(row['delivery']))
  return {
    delivery: {
      ...rest,
      sequence: Number(row['sequence']),
      payload: bytesOf(row['payload']),
      properties: bytesOf(row['properties']),
      expiresAt: row['expires_at'] === null ? Infinity : Number(row['expires_at']),
    },
    packetId,
    released,
  }
}

function bytesOf(value: SqlRow[string] | undefined): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array()
}
