import {
  compileProgram,
  createCore,
  type Delivery,
  type Json,
  type NotificationQueue,
  parseConfig,
  type TableStore,
} from '../../core/index.ts'
import { createMemoryPorts, createWorld } from '../../test/fakes/memory-ports.ts'

// One broadcast to as many subscriptions as the first argument says, over a store and a queue that cost next to nothing
// and keep nothing. Prints one line of JSON.

const COUNT = Number(process.argv[2])

const collect = globalThis.gc
if (collect === undefined) throw new Error('expected node --expose-gc')

const parsed = parseConfig({
  channels: { mail: { type: 'email', to: ['all@example.org'] } },
  storedSubscriptions: true,
})
if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
const compiled = compileProgram(parsed.config)
if ('faults' in compiled) throw new Error(JSON.stringify(compiled.faults))

/** Every subscription is another object, made when it is asked for, as one that comes from a store. */
function itemOf(index: number): Json {
  return {
    to: { addresses: [{ channel: 'mail', to: `person-${index}@example.org` }] },
    events: ['on-demand', 'alarm'],
    severity: 'info',
    language: 'de',
  }
}

function rowsAfter(afterKey: string, limit: number): { key: string; item: Json }[] {
  const rows: { key: string; item: Json }[] = []
  const first = afterKey === '' ? 0 : Number(afterKey) + 1
  for (let index = first; index < COUNT && rows.length < limit; index++)
    rows.push({ key: String(index).padStart(9, '0'), item: itemOf(index) })
  return rows
}

let deliveries = 0
const pages: Delivery[] = []
const kept = new Map<string, Json>()

const tables: TableStore = {
  get: async (table, key) => kept.get(`${table} ${key}`),
  async put(table, key, item) {
    // Lists of who is told go to the disk; the accounts are few.
    if (!table.startsWith('$told:')) kept.set(`${table} ${key}`, item)
  },
  remove: async () => undefined,
  list: async (table, afterKey, limit) =>
    table === '$subscriptions' ? rowsAfter(afterKey, limit) : [],
}
const notifications: NotificationQueue = {
  async enqueue(given) {
    for (const one of given) {
      if (one.fanOut === undefined) deliveries++
      else pages.push(one)
    }
  },
  claim: async () => [],
  settle: async () => undefined,
  retry: async () => undefined,
  hold: async () => undefined,
}

const core = createCore(
  { ...createMemoryPorts(createWorld()), tables, notifications },
  compiled.program,
)

const BROADCAST = {
  audience: { subscribers: true },
  subject: 'Works on Sunday',
  text: 'From 8 to 9 there is no water.',
  words: { de: { subject: 'Arbeiten am Sonntag' } },
}

/** Runs one broadcast to its end; tells how much of the heap was in use at most, between pages. */
async function broadcast(looksAtHeap: boolean): Promise<number> {
  await core.broadcasts.send(BROADCAST)
  let most = 0
  for (let done = 0; ; done++) {
    const page = pages.shift()
    if (page === undefined) return most
    await core.fanOut(page)
    if (looksAtHeap && done % 10 === 0) {
      collect?.()
      most = Math.max(most, process.memoryUsage().heapUsed)
    }
  }
}

await broadcast(false)
const before = deliveries
const start = process.cpuUsage()
const begun = performance.now()
await broadcast(false)
const wallMs = performance.now() - begun
const { user, system } = process.cpuUsage(start)
if (deliveries - before !== COUNT)
  throw new Error(`expected ${COUNT}, found ${deliveries - before}`)

const madeAt = performance.now()
let made = 0
for (let after = ''; ; ) {
  const rows = rowsAfter(after, 500)
  for (const { item } of rows) if (JSON.stringify(item).length > 0) made++
  const last = rows.at(-1)
  if (last === undefined) break
  after = last.key
}
const floorMs = performance.now() - madeAt
if (made !== COUNT) throw new Error(`expected ${COUNT} rows, found ${made}`)

collect()
const heapBefore = process.memoryUsage().heapUsed
const most = await broadcast(true)
console.log(
  JSON.stringify({
    wallMs,
    cpuMs: (user + system) / 1_000,
    floorMs,
    heapMb: most / 1_048_576,
    grownMb: (most - heapBefore) / 1_048_576,
  }),
)
