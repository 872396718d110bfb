import {
  type ColdRow,
  type CommandContent,
  CoreError,
  type DeadLetter,
  type Delivery,
  type DeviceRecord,
  type Json,
  type LookupRequest,
  MAX_RECORD_CHARS,
  type MethodAnswer,
  type MethodCall,
  type Ports,
  type PublishEffect,
  priorityOf,
  type RegisteredDevice,
  type Sending,
  type ShadowEffect,
  type TelemetryRow,
  takeTurns,
  withSeries,
} from '../../core/index.ts'

/** What one row of the queue holds. */
interface Queued {
  readonly delivery: Delivery
  dueAt: number
  attempts: number
  settledAt: number | undefined
}

/** One thing that was handed to the broker, with the key that it came under. */
export interface Pushed<T> {
  readonly message: T
  readonly key: string
}

/** The parts of the world that can be taken away, each by itself. */
export type Part =
  | 'devices'
  | 'telemetry'
  | 'cold'
  | 'downlink'
  | 'notifications'
  | 'channels'
  | 'deadLetters'
  | 'tables'
  | 'queues'
  | 'commands'
  | 'methods'
  | 'lookups'
  | 'registry'

/** All that outlives a process: what is on disk, in the queue, at the broker. Tests look into it and bend it. */
export interface World {
  /** Epoch ms. */
  now: number
  /** What is away now: every call of its port fails with `store.unavailable`. */
  readonly away: Set<Part>
  /** Records as the text that a store would hold, so that what JSON loses is lost here too. */
  readonly records: Map<string, string>
  /** Rows by device and key. */
  readonly rows: Map<string, Map<string, TelemetryRow>>
  readonly cold: ColdRow[]
  readonly queue: Map<string, Queued>
  readonly letters: Map<string, DeadLetter>
  readonly registered: Map<string, RegisteredDevice>
  readonly published: Pushed<PublishEffect>[]
  readonly pushes: Pushed<ShadowEffect>[]
  /** Devices that were told of commands. */
  readonly woken: string[]
  /** Contents of commands by device and content id. */
  readonly contents: Map<string, Map<string, CommandContent>>
  readonly tables: Map<string, Map<string, Json>>
  readonly queues: Map<string, Map<string, Json>>
  /** Entries of queues that are hidden, by queue and key, until epoch ms. */
  readonly leases: Map<string, number>
  /** What a device answers to a method. */
  onMethod: (deviceId: string, call: MethodCall) => MethodAnswer
  /** What the world answers to a question of a rule. */
  onLookup: (request: LookupRequest) => Json | undefined
  readonly sent: Delivery[]
  /** Decides about each send: an error refuses it. */
  onSend: (delivery: Delivery, sending?: Sending) => CoreError | undefined
  /** Decides about each publish: an error refuses it. */
  onPublish: (message: PublishEffect) => Error | undefined
  readonly counts: Record<string, number>
  readonly logs: { readonly level: string; readonly message: string; readonly facts: unknown }[]
  readonly times: Record<string, number>
  /** How often each method of a port was called: `devices.load`, …. */
  readonly calls: Record<string, number>
}

const DAY_MS = 86_400_000

export function createWorld(now = 1_750_000_000_000): World {
  return {
    now,
    away: new Set(),
    records: new Map(),
    rows: new Map(),
    cold: [],
    queue: new Map(),
    letters: new Map(),
    registered: new Map(),
    published: [],
    pushes: [],
    woken: [],
    contents: new Map(),
    leases: new Map(),
    onMethod: () => {
      throw new CoreError('method.device_offline', 'nobody is connected')
    },
    tables: new Map(),
    queues: new Map(),
    onLookup: () => undefined,
    sent: [],
    onSend: () => undefined,
    onPublish: () => undefined,
    counts: {},
    logs: [],
    times: {},
    calls: {},
  }
}

/** The record of a device as the store has it. */
export function recordOf(world: World, deviceId: string): DeviceRecord | undefined {
  const text = world.records.get(deviceId)
  return text === undefined ? undefined : JSON.parse(text)
}

/** Rows of a device in the order of time. */
export function rowsOf(world: World, deviceId: string): TelemetryRow[] {
  return [...(world.rows.get(deviceId)?.values() ?? [])].toSorted((a, b) => a.at - b.at)
}

/**
 * Ports of one process over a world. Two of them over one world are two processes over one store: the ids of each are
 * its own, all else is shared.
 */
export function createMemoryPorts(
  world: World,
  { longLived = true, process = 'p' }: { longLived?: boolean; process?: string } = {},
): Ports {
  let ids = 0
  let chance = 0.5

  /** Every call takes a turn of the event loop, as one over a wire would. */
  async function reach(part: Part, method: string): Promise<void> {
    const name = `${part}.${method}`
    world.calls[name] = (world.calls[name] ?? 0) + 1
    await Promise.resolve()
    if (world.away.has(part)) throw new CoreError('store.unavailable', `${part} are away`)
  }

  return {
    devices: {
      async load(deviceId) {
        await reach('devices', 'load')
        return recordOf(world, deviceId)
      },
      async commit({ record, expectedVersion, rows, cold, commands }) {
        await reach('devices', 'commit')
        const found = recordOf(world, record.deviceId)?.version ?? 0
        if (found !== expectedVersion) {
          throw new CoreError(
            'store.conflict',
            `expected version ${expectedVersion}, found ${found}`,
          )
        }
        const text = JSON.stringify(record)
        if (text.length > MAX_RECORD_CHARS) {
          throw new CoreError('device.record_too_large', `found ${text.length} characters`)
        }
        const stored = world.rows.get(record.deviceId) ?? new Map<string, TelemetryRow>()
        for (const row of rows) {
          const key = `${row.at}/${row.messageId}`
          if (!stored.has(key)) stored.set(key, structuredClone(row))
        }
        world.rows.set(record.deviceId, stored)
        for (const row of cold) world.cold.push(structuredClone(row))
        const contents = world.contents.get(record.deviceId) ?? new Map()
        for (const { contentId, content } of commands) {
          if (content === undefined) contents.delete(contentId)
          else contents.set(contentId, structuredClone(content))
        }
        world.contents.set(record.deviceId, contents)
        world.records.set(record.deviceId, text)
      },
      async due(now, limit) {
        await reach('devices', 'due')
        return [...world.records.keys()]
          .map((deviceId) => ({ deviceId, dueAt: recordOf(world, deviceId)?.dueAt ?? 0 }))
          .filter(({ dueAt }) => dueAt > 0 && dueAt <= now)
          .toSorted((a, b) => a.dueAt - b.dueAt)
          .slice(0, limit)
          .map(({ deviceId }) => deviceId)
      },
      async list(afterId, limit) {
        await reach('devices', 'list')
        const ids = [...world.records.keys()].filter((id) => id > afterId).toSorted()
        return ids.slice(0, limit).flatMap((id) => recordOf(world, id) ?? [])
      },
    },
    telemetry: withSeries({
      async known(deviceId, rows) {
        await reach('telemetry', 'known')
        const stored = world.rows.get(deviceId)
        const known = rows.filter(({ at, messageId }) => stored?.has(`${at}/${messageId}`))
        return new Set(known.map(({ messageId }) => messageId))
      },
      async range(deviceId, { from, to, limit, descending }) {
        await reach('telemetry', 'range')
        const rows = rowsOf(world, deviceId).filter(({ at }) => at >= from && at < to)
        return structuredClone((descending ? rows.toReversed() : rows).slice(0, limit))
      },
      async count(deviceId) {
        await reach('telemetry', 'count')
        if (deviceId !== '') return world.rows.get(deviceId)?.size ?? 0
        return [...world.rows.values()].reduce((sum, rows) => sum + rows.size, 0)
      },
    }),
    cold: {
      async read(day, afterPosition, limit) {
        await reach('cold', 'read')
        return world.cold
          .map((row, index) => ({ position: index + 1, row: structuredClone(row) }))
          .filter(({ position, row }) => {
            return position > afterPosition && new Date(row.at).toISOString().startsWith(day)
          })
          .slice(0, limit)
      },
    },
    downlink: {
      async publish(message, key) {
        await reach('downlink', 'publish')
        const refusal = world.onPublish(message)
        if (refusal !== undefined) throw refusal
        world.published.push({ message, key })
      },
      async command(deviceId) {
        await reach('downlink', 'command')
        world.woken.push(deviceId)
      },
      async shadow(message, key) {
        await reach('downlink', 'shadow')
        world.pushes.push({ message, key })
      },
    },
    notifications: {
      async enqueue(deliveries) {
        await reach('notifications', 'enqueue')
        for (const delivery of deliveries) {
          const { key, attempts } = delivery
          const before = world.queue.get(key)
          const forgotten = before?.settledAt !== undefined && before.settledAt < world.now - DAY_MS
          if (before !== undefined && !forgotten) continue
          const stored: Delivery = structuredClone(delivery)
          world.queue.set(key, {
            delivery: stored,
            dueAt: world.now,
            attempts,
            settledAt: undefined,
          })
        }
      },
      async claim(now, limit, leaseMs) {
        await reach('notifications', 'claim')
        const due = [...world.queue.values()]
          .filter(({ settledAt, dueAt }) => settledAt === undefined && dueAt <= now)
          .map((queued) => ({
            queued,
            dueAt: queued.dueAt,
            priority: priorityOf(queued.delivery.notification),
          }))
        const taken = takeTurns(due, limit).map(({ queued }) => queued)
        for (const queued of taken) queued.dueAt = now + leaseMs
        return taken.map(({ delivery, attempts }) => ({ ...structuredClone(delivery), attempts }))
      },
      async settle(key) {
        await reach('notifications', 'settle')
        const queued = world.queue.get(key)
        if (queued !== undefined) queued.settledAt = world.now
      },
      async retry(key, dueAt) {
        await reach('notifications', 'retry')
        const queued = world.queue.get(key)
        if (queued === undefined) return
        queued.dueAt = dueAt
        queued.attempts++
      },
      async hold(key, dueAt) {
        await reach('notifications', 'hold')
        const queued = world.queue.get(key)
        if (queued !== undefined) queued.dueAt = dueAt
      },
    },
    tables: {
      async get(table, key) {
        await reach('tables', 'get')
        return structuredClone(world.tables.get(table)?.get(key))
      },
      async put(table, key, item) {
        await reach('tables', 'put')
        const items = world.tables.get(table) ?? new Map()
        world.tables.set(table, items.set(key, structuredClone(item)))
      },
      async remove(table, key) {
        await reach('tables', 'remove')
        world.tables.get(table)?.delete(key)
      },
      async list(table, afterKey, limit) {
        await reach('tables', 'list')
        const items = [...(world.tables.get(table) ?? new Map())].filter(([key]) => key > afterKey)
        return items
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .slice(0, limit)
          .map(([key, item]) => ({ key, item: structuredClone(item) }))
      },
    },
    queues: {
      async send(queue, body, key) {
        await reach('queues', 'send')
        const entries = world.queues.get(queue) ?? new Map()
        if (!entries.has(key)) entries.set(key, structuredClone(body))
        world.queues.set(queue, entries)
      },
      async claim(queue, limit, leaseMs) {
        await reach('queues', 'claim')
        const free = [...(world.queues.get(queue) ?? new Map())].filter(
          ([key]) => (world.leases.get(`${queue} ${key}`) ?? 0) <= world.now,
        )
        return free.slice(0, limit).map(([key, body]) => {
          world.leases.set(`${queue} ${key}`, world.now + leaseMs)
          return { id: key, at: world.now, body: structuredClone(body) }
        })
      },
      async remove(queue, id) {
        await reach('queues', 'remove')
        return world.queues.get(queue)?.delete(id) ?? false
      },
      async release(queue, id) {
        await reach('queues', 'release')
        world.leases.delete(`${queue} ${id}`)
      },
    },
    commands: {
      async content(deviceId, contentId) {
        await reach('commands', 'content')
        return structuredClone(world.contents.get(deviceId)?.get(contentId))
      },
    },
    methods: {
      async invoke(deviceId, call) {
        await reach('methods', 'invoke')
        return world.onMethod(deviceId, call)
      },
    },
    lookups: {
      async answer(request) {
        await reach('lookups', 'answer')
        return world.onLookup(request)
      },
    },
    channels: {
      async send(delivery, sending) {
        await reach('channels', 'send')
        const refusal = world.onSend(delivery, sending)
        if (refusal !== undefined) throw refusal
        world.sent.push(delivery)
      },
    },
    deadLetters: {
      async put(letter) {
        await reach('deadLetters', 'put')
        world.letters.set(letter.id, structuredClone(letter))
      },
      async get(id) {
        await reach('deadLetters', 'get')
        return structuredClone(world.letters.get(id))
      },
      async list(beforeId, limit) {
        await reach('deadLetters', 'list')
        const ids = [...world.letters.keys()].filter((id) => beforeId === '' || id < beforeId)
        return ids
          .toSorted()
          .toReversed()
          .slice(0, limit)
          .flatMap((id) => structuredClone(world.letters.get(id)) ?? [])
      },
      async remove(id) {
        await reach('deadLetters', 'remove')
        world.letters.delete(id)
      },
      async count() {
        await reach('deadLetters', 'count')
        return world.letters.size
      },
    },
    registry: {
      async create(device) {
        await reach('registry', 'create')
        const { deviceId } = device
        if (world.registered.has(deviceId))
          throw new CoreError('device.exists', `${deviceId} is registered already`)
        world.registered.set(deviceId, structuredClone(device))
      },
      async get(deviceId) {
        await reach('registry', 'get')
        return structuredClone(world.registered.get(deviceId))
      },
      async list(afterId, limit) {
        await reach('registry', 'list')
        return [...world.registered.values()]
          .filter(({ deviceId }) => deviceId > afterId)
          .toSorted((a, b) => (a.deviceId < b.deviceId ? -1 : 1))
          .slice(0, limit)
          .map((device) => structuredClone(device))
      },
      async update(device) {
        await reach('registry', 'update')
        const { deviceId, version } = device
        if (world.registered.get(deviceId)?.version !== version - 1)
          throw new CoreError('store.conflict', `${deviceId} is not at version ${version - 1}`)
        world.registered.set(deviceId, structuredClone(device))
      },
      async remove(deviceId) {
        await reach('registry', 'remove')
        return world.registered.delete(deviceId)
      },
    },
    issuer: {
      async certificate(deviceId) {
        const digest = `${deviceId}-${++ids}`.padEnd(64, '0')
        return {
          credential: { kind: 'certificate', digest, createdAt: world.now },
          certificate: `certificate of ${deviceId}`,
          privateKey: 'private key',
          authority: 'authority',
        }
      },
      async token() {
        const digest = `${++ids}`.padEnd(64, '0')
        return {
          credential: { kind: 'token', digest, createdAt: world.now },
          token: `token ${digest}`,
        }
      },
      async key(given) {
        const digest = `${++ids}`.padEnd(64, '0')
        const { primary = `${digest}=`, secondary = `${digest}==` } = given ?? {}
        const keys = { primary, secondary }
        return {
          credential: { kind: 'key', digest, createdAt: world.now, keys },
          keys,
        }
      },
      async publicKey(pem) {
        if (!pem.startsWith('-----BEGIN PUBLIC KEY-----'))
          throw new CoreError('input.malformed', 'expected a public key in PEM')
        const digest = `${pem.length}`.padEnd(64, '0')
        return { kind: 'public_key', digest, createdAt: world.now, publicKey: pem }
      },
    },
    clock: { now: () => world.now },
    ids: {
      next: (now) =>
        `${now.toString(36).padStart(9, '0')}${(++ids).toString(36).padStart(4, '0')}${process}`,
      random() {
        chance = (chance * 997 + 0.618) % 1
        return chance
      },
    },
    observer: {
      count(name, by) {
        world.counts[name] = (world.counts[name] ?? 0) + by
      },
      time(name) {
        world.times[name] = (world.times[name] ?? 0) + 1
      },
      log(level, message, facts) {
        world.logs.push({ level, message, facts })
      },
    },
    longLived,
  }
}
