// Run as a process of its own by database.test.ts: writes as fast as it can and prints the key of every write that
// was said to be durable, until it is killed.

import { openDatabase } from '../../../adapters/local/sqlite/database.ts'

const path = process.argv[2] ?? ''
const database = await openDatabase({ path, durability: 'full' })
for (let index = 0; ; index++) {
  const group = Array.from({ length: 5 }, (_, part) => `${index}-${part}`)
  await Promise.all(
    group.map(async (key) => {
      await database.write([
        ['itemPut', 'a', key, '1'],
        ['itemPut', 'b', key, '2'],
      ])
      process.stdout.write(`${key}\n`)
    }),
  )
}
