// Run as a process of its own by packed-telemetry.test.ts: stores rows of one hour and packs them, without an end, and
// prints the message id of every row that was said to be durable, until it is killed.

import { openDatabase } from '../../../adapters/local/sqlite/database.ts'
import { rowOperations } from '../../../adapters/local/telemetry-store.ts'
import { newDeviceRecord } from '../../../core/index.ts'

const [path = '', start = '0'] = process.argv.slice(2)
const database = await openDatabase({ path, durability: 'full' })
for (let version = Number(start) + 1; ; version++) {
  const record = { ...newDeviceRecord('dev-1', 0), version }
  const rows = [0, 1, 2].map((part) => ({
    // Late as often as not.
    at: (version * 7_919 + part) % 3_600_000,
    messageId: `${version}-${part}`,
    metrics: { n: version },
  }))
  const commit = { record, expectedVersion: version - 1, rows, cold: [], commands: [] }
  await database.write(rowOperations(commit, 0))
  for (const { messageId } of rows) process.stdout.write(`${messageId}\n`)
  if (version % 2 === 0) await database.write([['telemetrySeal'], ['telemetryDropSealed']])
  if (version % 4 === 0) await database.seal({ which: 'over', hour: 1, forMs: 10 })
}
