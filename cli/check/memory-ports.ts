import {
  CoreError,
  type DeviceRecord,
  type Json,
  type LookupRequest,
  type Ports,
} from '../../core/index.ts'

/** What a case lets the core know and tell. */
export interface MemoryWorld {
  /** The clock, epoch ms. */
  now: number
  readonly records: ReadonlyMap<string, DeviceRecord>
  readonly tables: Readonly<Record<string, Readonly<Record<string, Json>>>>
  /** The answer of the world beyond the core. */
  readonly answer: (request: LookupRequest) => Json | undefined
  readonly onCommit: (before: DeviceRecord | undefined, after: DeviceRecord) => void
  /** A rule or an alarm failed on a message. */
  readonly onFailure: (ruleId: string, reason: string) => void
}

/** A world that begins empty. */
export interface MemoryOptions extends Omit<MemoryWorld, 'records'> {}

/** Ports that keep all in memory, send nothing, and repeat themselves: ids are counted, chance is a fixed sequence. */
export function createMemoryPorts(options: MemoryOptions): {
  readonly ports: Ports
  readonly world: MemoryWorld
} {
  const records = new Map<string, DeviceRecord>()
  const world: MemoryWorld = { ...options, records }
  const rows = new Map<string, Set<string>>()
  const tables = new Map(
    Object.entries(options.tables).map(([name, items]) => [name, new Map(Object.entries(items))]),
  )
  let ids = 0
  let chance = 0.5

  const ports: Ports = {
    devices: {
      load: async (deviceId) => records.get(deviceId),
      async commit({ record, rows: added }) {
        const stored = rows.get(record.deviceId) ?? new Set()
        for (const { at, messageId } of added) stored.add(`${at}/${messageId}`)
        rows.set(record.deviceId, stored)
        const before = records.get(record.deviceId)
        records.set(record.deviceId, record)
        world.onCommit(before, record)
      },
      due: async (now, limit) =>
        [...records.values()]
          .filter(({ dueAt }) => dueAt > 0 && dueAt <= now)
          .toSorted((a, b) => a.dueAt - b.dueAt)
          .slice(0, limit)
          .map(({ deviceId }) => deviceId),
      list: async () => [...records.values()],
    },
    telemetry: {
      async known(deviceId, candidates) {
        const stored = rows.get(deviceId)
        const known = candidates.filter(({ at, messageId }) => stored?.has(`${at}/${messageId}`))
        return new Set(known.map(({ messageId }) => messageId))
      },
      range: async () => [],
      series: async () => [],
      count: async (deviceId) => rows.get(deviceId)?.size ?? 0,
    },
    cold: { read: async () => [] },
    downlink: {
      publish: async () => undefined,
      command: async () => undefined,
      shadow: async () => undefined,
    },
    notifications: {
      enqueue: async () => undefined,
      claim: async () => [],
      settle: async () => undefined,
      retry: async () => undefined,
      hold: async () => undefined,
    },
    tables: {
      get: async (table, key) => tables.get(table)?.get(key),
      async put(table, key, item) {
        const items = tables.get(table) ?? new Map<string, Json>()
        tables.set(table, items.set(key, item))
      },
      async remove(table, key) {
        tables.get(table)?.delete(key)
      },
      list: async (table) =>
        [...(tables.get(table) ?? new Map<string, Json>())].map(([key, item]) => ({ key, item })),
    },
    queues: {
      send: async () => undefined,
      claim: async () => [],
      remove: async () => false,
      release: async () => undefined,
    },
    commands: { content: async () => undefined },
    methods: {
      async invoke(deviceId) {
        throw new CoreError('method.device_offline', `${deviceId} is not connected`)
      },
    },
    lookups: { answer: async (request) => world.answer(request) },
    channels: { send: async () => undefined },
    deadLetters: {
      put: async () => undefined,
      get: async () => undefined,
      list: async () => [],
      remove: async () => undefined,
      count: async () => 0,
    },
    registry: {
      create: async () => undefined,
      get: async () => undefined,
      list: async () => [],
      update: async () => undefined,
      remove: async () => false,
    },
    issuer: {
      certificate: issuesNothing,
      token: issuesNothing,
      key: issuesNothing,
      publicKey: issuesNothing,
    },
    clock: { now: () => world.now },
    ids: {
      next: () => `test-${String(++ids).padStart(6, '0')}`,
      random() {
        chance = (chance * 997 + 0.618) % 1
        return chance
      },
    },
    observer: {
      count: () => undefined,
      time: () => undefined,
      log(_level, _message, facts) {
        const { ruleId, reason } = facts ?? {}
        if (ruleId !== undefined) world.onFailure(String(ruleId), String(reason))
      },
    },
    longLived: false,
  }
  return { ports, world }
}

async function issuesNothing(): Promise<never> {
  throw new CoreError('store.unavailable', 'nothing is issued where nothing is kept')
}
