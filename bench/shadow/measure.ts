import { Bench } from 'tinybench'
import { createTasks } from './workload.ts'

// One round, in a process of its own. Arguments: how long each task runs in ms, and "reversed" for the other order.
// Prints one line of JSON: the median time of each task, in ns.

/** Operations of one sample: a clock cannot tell one alone. */
const TIMES = 50

const time = Number(process.argv[2])
const tasks = createTasks()
if (process.argv[3] === 'reversed') tasks.reverse()
const bench = new Bench({ time, warmupTime: time / 2 })
for (const { name, run } of tasks) {
  bench.add(name, () => {
    for (let time = 0; time < TIMES; time++) run()
  })
}
await bench.run()

const found: Record<string, number> = {}
for (const { name, result } of bench.tasks) {
  if (result.state !== 'completed') throw new Error(`${name}: ${result.state}`)
  found[name] = (result.latency.p50 * 1e6) / TIMES
}
for (const task of tasks) task.check()
process.stdout.write(`${JSON.stringify(found)}\n`)
