import { Bench } from 'tinybench'
import { createTasks, POOL } from './workload.ts'

// One round, in a process of its own. Arguments: how long each task runs in ms, and "reversed" for the other order.
// Prints one line of JSON: the median time per message of each task, in ns.

const time = Number(process.argv[2])
const tasks = createTasks()
if (process.argv[3] === 'reversed') tasks.reverse()
const bench = new Bench({ time, warmupTime: time / 2 })
for (const task of tasks) bench.add(task.name, task.run)
await bench.run()

const found: Record<string, number> = {}
for (const { name, result } of bench.tasks) {
  if (result.state !== 'completed') throw new Error(`${name}: ${result.state}`)
  found[name] = (result.latency.p50 * 1e6) / POOL
}
for (const task of tasks) task.check()
process.stdout.write(`${JSON.stringify(found)}\n`)
