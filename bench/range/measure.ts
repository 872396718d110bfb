import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openDatabase } from '../../adapters/local/sqlite/database.ts'
import { createTelemetryStore } from '../../adapters/local/telemetry-store.ts'
import { readSeries } from '../../core/index.ts'
import { figureOf } from '../lib/statistics.ts'
import { DAY, deviceName, END, HOUR, sizeOf } from './spec.ts'

// A process of its own: node measure.ts FOLDER anyhub|rows SIZE. Asks the same questions of the file that fill.ts made, and
// prints the median times as one line of JSON. Unit: ms.

const [folder = '', rival = '', sizeName = ''] = process.argv.slice(2)
const size = sizeOf(sizeName)
const path = join(folder, `${rival}.db`)
const deviceIds = Array.from({ length: size.devices }, (_, device) => deviceName(device))
const MINUTE = 60_000
const FIVE_MINUTES = 300_000

/** The questions: each gives how many rows or points it found, which both rivals must agree on. */
interface Questions {
  day(deviceId: string): Promise<number> | number
  dayInBuckets(deviceId: string): Promise<number> | number
  lastHourOfAll(): Promise<number> | number
  readonly close: () => Promise<void> | void
}

async function openAnyhub(): Promise<Questions> {
  const database = await openDatabase({ path, durability: 'normal' })
  const telemetry = createTelemetryStore(database)
  const pointsOf = async (ids: readonly string[], from: number, bucketMs: number) => {
    const series = await readSeries(telemetry, {
      deviceIds: ids,
      from,
      to: END,
      bucketMs,
      metrics: ['temperature', 'humidity'],
      aggregates: ['avg'],
      maxPoints: 10_000_000,
    })
    return series.reduce((sum, { points }) => sum + points.length, 0)
  }
  return {
    async day(deviceId) {
      const span = { from: END - DAY, to: END, limit: 100_000, descending: false }
      return (await telemetry.range(deviceId, span)).length
    },
    dayInBuckets: (deviceId) => pointsOf([deviceId], END - DAY, FIVE_MINUTES),
    lastHourOfAll: () => pointsOf(deviceIds, END - HOUR, MINUTE),
    close: () => database.close(),
  }
}

function openRows(): Questions {
  const database = new DatabaseSync(path)
  database.exec('PRAGMA cache_size = -65536')
  const rows = database.prepare('SELECT * FROM row WHERE device_id = ? AND at >= ? AND at < ?')
  const buckets =
    database.prepare(`SELECT device_id, CAST(at / ?4 AS INTEGER) * ?4 AS bucket, avg(temperature), avg(humidity) FROM row
    WHERE device_id IN (SELECT value FROM json_each(?1)) AND at >= ?2 AND at < ?3 GROUP BY device_id, bucket`)
  const pointsOf = (ids: readonly string[], from: number, bucketMs: number) =>
    buckets.all(JSON.stringify(ids), from, END, bucketMs).length * 2
  return {
    day: (deviceId) => rows.all(deviceId, END - DAY, END).length,
    dayInBuckets: (deviceId) => pointsOf([deviceId], END - DAY, FIVE_MINUTES),
    lastHourOfAll: () => pointsOf(deviceIds, END - HOUR, MINUTE),
    close: () => database.close(),
  }
}

/** The median of several times that something took, after it ran once. */
async function timed(times: number, ask: (time: number) => Promise<number> | number) {
  const found = await ask(0)
  const taken: number[] = []
  for (let time = 1; time <= times; time++) {
    const begun = performance.now()
    await ask(time)
    taken.push(performance.now() - begun)
  }
  return { ms: figureOf(taken).median, found }
}

const questions = rival === 'anyhub' ? await openAnyhub() : openRows()
// Another device each time: what was read before does not help.
const another = (time: number): string => deviceIds[(time * 389) % deviceIds.length] ?? ''
const day = await timed(41, (time) => questions.day(another(time)))
const dayInBuckets = await timed(41, (time) => questions.dayInBuckets(another(time)))
const lastHourOfAll = await timed(7, () => questions.lastHourOfAll())
await questions.close()
console.log(JSON.stringify({ day, dayInBuckets, lastHourOfAll }))
