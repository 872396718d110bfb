import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createCommandStore } from '../../adapters/local/command-store.ts'
import { createDeviceStore } from '../../adapters/local/device-store.ts'
import { createQueues } from '../../adapters/local/queue-sender.ts'
import { openDatabase } from '../../adapters/local/sqlite/database.ts'
import { STATEMENTS } from '../../adapters/local/sqlite/statements.ts'
import { createIds } from '../../adapters/node/ids.ts'
import { createMemoryPorts } from '../../cli/check/memory-ports.ts'
import { compileProgram, createCore, newDeviceRecord, parseConfig } from '../../core/index.ts'

// A process of its own: node queue.ts DEVICES COMMANDS IDLE. Queues commands for devices among others that are idle,
// lets all of them expire, and prints what that cost as one line of JSON.

const [devices = 0, commands = 0, idle = 0] = process.argv.slice(2).map(Number)

/** Commands that are on their way into their queues at once. */
const UNDER_WAY = 512

const PAYLOAD = new TextEncoder().encode(JSON.stringify({ do: 'calibrate', steps: [1, 2, 3] }))

const folder = mkdtempSync(join(tmpdir(), 'anyhub-bench-'))
const path = join(folder, 'anyhub.db')
const database = await openDatabase({ path, durability: 'full' })
try {
  const parsed = parseConfig({})
  const compiled = 'config' in parsed ? compileProgram(parsed.config) : parsed
  if (!('program' in compiled)) throw new Error('expected a config without faults')
  const clock = { time: Date.now(), now: () => clock.time }
  let loads = 0
  const store = createDeviceStore({ database, clock, cacheSize: 20_000, onCommit: () => undefined })
  const { ports } = createMemoryPorts({
    now: 0,
    tables: {},
    answer: () => undefined,
    onCommit: () => undefined,
    onFailure: () => undefined,
  })
  const core = createCore(
    {
      ...ports,
      devices: {
        ...store,
        load(deviceId) {
          loads++
          return store.load(deviceId)
        },
      },
      commands: createCommandStore(database),
      queues: createQueues(database, clock),
      clock,
      ids: createIds(),
    },
    compiled.program,
  )

  /** Runs `work` for each number, so many at once. */
  async function each(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
    let next = 0
    const worker = async (): Promise<void> => {
      while (next < count) await work(next++)
    }
    await Promise.all(Array.from({ length: UNDER_WAY }, worker))
  }

  await each(devices + idle, (index) => {
    const record = { ...newDeviceRecord(`dev-${index}`, clock.time), version: 1 }
    return database.write([['devicePut', record.deviceId, 1, 0, JSON.stringify(record)]])
  })

  const startedAt = performance.now()
  await each(commands, (index) =>
    core.commands.send(`dev-${index % devices}`, {
      name: 'calibrate',
      payload: PAYLOAD,
      contentType: 'application/json',
      ack: index % 10 === 0 ? 'full' : 'none',
    }),
  )
  const enqueueSeconds = (performance.now() - startedAt) / 1_000

  clock.time += 3_600_001
  loads = 0
  let looked = 0
  const expiringAt = performance.now()
  for (;;) {
    const found = await core.tick(500)
    looked += found
    if (found === 0) break
  }
  await core.gate.idle()
  const expireSeconds = (performance.now() - expiringAt) / 1_000

  let expired = 0
  for (let index = 0; index < devices; index++) {
    for (const { state } of await core.commands.list(`dev-${index}`))
      if (state === 'Expired') expired++
  }
  const feedback = (await core.commands.claimFeedback(1_000_000, 0)).length
  await database.close()
  const plan = new DatabaseSync(path)
    .prepare(`EXPLAIN QUERY PLAN ${STATEMENTS.deviceDue}`)
    .all(0, 0)
    .map((row) => String(row['detail']))
  console.log(
    JSON.stringify({ enqueueSeconds, expireSeconds, expired, feedback, looked, loads, plan }),
  )
} finally {
  await database.close()
  rmSync(folder, { recursive: true })
}
