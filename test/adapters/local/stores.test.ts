import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createColdStore } from '../../../adapters/local/cold-store.ts'
import { createDeadLetters } from '../../../adapters/local/dead-letters.ts'
import { createDeviceStore } from '../../../adapters/local/device-store.ts'
import { createNotificationQueue } from '../../../adapters/local/notification-queue.ts'
import { type Database, openDatabase } from '../../../adapters/local/sqlite/database.ts'
import { createTelemetryStore } from '../../../adapters/local/telemetry-store.ts'
import {
  type ConfigInput,
  CoreError,
  createCore,
  type Ports,
  type Uplink,
} from '../../../core/index.ts'
import { commit, record, row, THREE } from '../../contract/subject.ts'
import { NOW, programOf, start, uplink } from '../../core/harness.ts'
import { createWorld } from '../../fakes/memory-ports.ts'

let folder: string
let database: Database
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'anyhub-'))
  database = await openDatabase({ path: join(folder, 'anyhub.db'), durability: 'normal' })
})
afterEach(async () => {
  await database.close()
  rmSync(folder, { recursive: true })
})

const clock = { now: () => NOW }

/** A store that counts what it asks of the database, and whose writes can be made to fail. */
function open(cacheSize = 10) {
  const counts = { reads: 0, writes: 0 }
  const committed: string[] = []
  let broken = false
  const counted: Database = {
    ...database,
    read(...operation) {
      counts.reads++
      return database.read(...operation)
    },
    write(operations) {
      counts.writes++
      if (broken) return Promise.reject(new CoreError('store.unavailable', 'disk full'))
      return database.write(operations)
    },
  }
  const store = createDeviceStore({
    database: counted,
    clock,
    cacheSize,
    onCommit: ({ record: { deviceId, version } }) => committed.push(`${deviceId} ${version}`),
  })
  return {
    store,
    counts,
    committed,
    breakDisk(now: boolean) {
      broken = now
    },
  }
}

describe('records in memory', () => {
  it('cost no read: not those just written, not those just read, not those that are not there', async () => {
    const { store, counts } = open()
    await store.commit(commit('dev-1', 1))
    await store.load('dev-1')
    await store.load('dev-1')
    await store.load('nobody')
    await store.load('nobody')
    // One look at each device that was not known yet.
    expect(counts.reads).toBe(2)
  })

  it('are as many as were asked for; the others are read again, as they were', async () => {
    const { store, counts } = open(3)
    for (let n = 0; n < 10; n++) await store.commit(commit(`dev-${n}`, 1, { accepted: n }))
    counts.reads = 0
    for (let n = 0; n < 10; n++) expect((await store.load(`dev-${n}`))?.accepted).toBe(n)
    expect(counts.reads).toBeGreaterThanOrEqual(7)
    counts.reads = 0
    await store.load('dev-9')
    expect(counts.reads).toBe(0)
  })

  it('are not what could not be stored', async () => {
    const { store, committed, breakDisk } = open()
    await store.commit(commit('dev-1', 1, { accepted: 1 }))
    breakDisk(true)
    const failing = commit('dev-1', 2, { accepted: 2, rows: [row(THREE, 'lost')] })
    await expect(store.commit(failing)).rejects.toMatchObject({ code: 'store.unavailable' })
    expect((await store.load('dev-1'))?.accepted).toBe(1)
    breakDisk(false)
    await store.commit(failing)
    expect((await store.load('dev-1'))?.accepted).toBe(2)
    expect(committed).toEqual(['dev-1 1', 'dev-1 2'])
  })

  it('are told of when they are durable, not before', async () => {
    const { store, committed } = open()
    const pending = store.commit(commit('dev-1', 1))
    await new Promise((resolve) => process.nextTick(resolve))
    expect(committed).toEqual([])
    await pending
    expect(committed).toEqual(['dev-1 1'])
  })

  it('are given to others only when they are durable', async () => {
    const { store, committed } = open()
    await store.load('dev-1')
    const pending = store.commit(commit('dev-1', 1))
    await Promise.resolve()
    const loaded = await store.load('dev-1')
    expect(loaded).toEqual(record('dev-1', 1))
    expect(committed).toEqual(['dev-1 1'])
    await pending
  })

  it('are no state of the file: another store over it reads what was committed', async () => {
    await open().store.commit(commit('dev-1', 1, { accepted: 5 }))
    expect((await open().store.load('dev-1'))?.accepted).toBe(5)
  })
})

describe('the core over SQLite', () => {
  const CONFIG: ConfigInput = {
    cold: { enabled: true },
    channels: { ops: { type: 'email', to: ['ops@example.org'] } },
    rules: {
      relay: {
        sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp > 25",
        actions: [{ republish: { topic: 'out' } }, { setDesired: { device: 'fan-1' } }],
      },
      tell: {
        sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp > 28",
        actions: [{ notify: { channels: ['ops'] } }],
      },
    },
    alarms: { hot: { when: 'temp > 27', clear: 'temp < 24', for: '3s', notify: ['ops'] } },
  }
  const program = programOf(CONFIG)

  const someUplink = fc
    .record({
      device: fc.constantFrom('dev-1', 'dev-2', 'bad id'),
      temp: fc.constantFrom(20, 26, 30, null),
      second: fc.option(fc.nat(3 * 3_600), { nil: undefined }),
      messageId: fc.option(fc.constantFrom('a', 'b'), { nil: undefined }),
    })
    .map(({ device, temp, second, messageId }): Uplink => {
      const body = { temp, ...(second === undefined ? {} : { ts: NOW - second * 1_000 }) }
      return uplink(body, {
        deviceId: device,
        ...(messageId === undefined ? {} : { messageId }),
      })
    })

  it('leaves the same records, rows, archive, queue and dead letters as over memory', async () => {
    let run = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(someUplink, { maxLength: 12 }), { maxLength: 4 }),
        async (batches) => {
          // Each run has devices of its own, so that one file serves them all.
          const prefix = `run-${++run}-`
          const named = (one: Uplink): Uplink => {
            const deviceId = `${prefix}${one.deviceId}`
            return { ...one, deviceId, topic: `devices/${deviceId}/telemetry` }
          }
          const process = `r${run}`
          const memory = start(CONFIG, { world: createWorld(NOW), process })
          const ports: Ports = {
            ...start(CONFIG, { world: createWorld(NOW), process }).ports,
            devices: open().store,
            telemetry: createTelemetryStore(database),
            cold: createColdStore(database),
            deadLetters: createDeadLetters(database),
            notifications: createNotificationQueue({
              database,
              clock,
              onEnqueue: () => undefined,
            }),
          }
          const local = createCore(ports, program)
          const before = await local.ports.deadLetters.count()
          for (const batch of batches) {
            const uplinks = batch.map(named)
            const [here, there] = await Promise.all([
              local.ingest(uplinks),
              memory.core.ingest(uplinks),
            ])
            await Promise.all([local.gate.idle(), memory.core.gate.idle()])
            expect(here.map(({ status }) => status)).toEqual(there.map(({ status }) => status))
          }
          for (const id of ['dev-1', 'dev-2']) {
            const deviceId = `${prefix}${id}`
            // How many commits it takes to strike off what was done depends on who is faster.
            const { version: _here, ...here } = (await local.ports.devices.load(deviceId)) ?? {}
            const { version: _there, ...there } = (await memory.ports.devices.load(deviceId)) ?? {}
            expect(here).toEqual(there)
            for (const descending of [false, true]) {
              const query = { from: NOW - 7_200_000, to: NOW + 1, limit: 20, descending }
              const here = await local.ports.telemetry.range(deviceId, query)
              const there = await memory.ports.telemetry.range(deviceId, query)
              expect(here.map(({ at }) => at)).toEqual(there.map(({ at }) => at))
            }
            expect(await local.ports.telemetry.count(deviceId)).toBe(
              await memory.ports.telemetry.count(deviceId),
            )
          }
          expect((await local.ports.deadLetters.count()) - before).toBe(memory.world.letters.size)
          const claimed = (await local.ports.notifications.claim(NOW, 1_000, 60_000)).filter(
            ({ notification }) => notification.deviceId.startsWith(prefix),
          )
          expect(claimed.map(({ notification }) => notification.subject).toSorted()).toEqual(
            [...memory.world.queue.values()]
              .map(({ delivery }) => delivery.notification.subject)
              .toSorted(),
          )
        },
      ),
      { numRuns: 40 },
    )
  })
})
