import { Bench } from 'tinybench'
import { POOL, textsOf } from './messages.ts'
import { ourTasks } from './ours.ts'
import { PEER_NAMES } from './peer-names.ts'
import type { Task } from './task.ts'
import { topicTasks } from './topics.ts'

// One side in one round, in a process of its own. Arguments: "ours", "topics" or the name of a peer; how long each task
// runs in ms; the numbers of thresholds and of equality rules, with commas between them.
// Prints one line of JSON: the median time per message of each task, in ns; JSON.parse is the unit.

const [side = '', time = '', counts = '', equalities = ''] = process.argv.slice(2)

async function tasksOf(): Promise<Task[]> {
  if (side === 'ours') return ourTasks(numbers(counts), numbers(equalities))
  if (side === 'topics') return topicTasks()
  const peer = PEER_NAMES.find((name) => name === side)
  if (peer === undefined) throw new Error(`expected ours, topics or a peer, found ${side}`)
  const { peerTasks } = await import('./peers.ts')
  return peerTasks(peer, numbers(counts))
}

function numbers(text: string): number[] {
  return text === '' ? [] : text.split(',').map(Number)
}

/** The unit: what it takes to parse the same messages. */
function parsing(): Task {
  const texts = textsOf(1)
  const length = texts.reduce((sum, text) => sum + text.length, 0)
  if (length !== 150 * POOL) throw new Error(`expected 150 bytes a message, found ${length / POOL}`)
  return {
    name: 'JSON.parse',
    messages: POOL,
    run() {
      let found = 0
      for (const text of texts) if (JSON.parse(text).temp < 0) found++
      if (found !== POOL) throw new Error(`expected ${POOL} messages, found ${found}`)
    },
  }
}

const found: Record<string, number> = {}
for (const task of [parsing(), ...(await tasksOf())]) {
  const bench = new Bench({
    time: Number(time),
    warmupTime: Number(time) / 2,
    iterations: 3,
    warmupIterations: 1,
    throws: true,
  })
  bench.add(task.name, () => task.run())
  await bench.run()
  const [measured] = bench.tasks
  if (measured?.result.state !== 'completed') throw new Error(`${task.name} was not measured`)
  found[task.name] = (measured.result.latency.p50 * 1e6) / task.messages
}
process.stdout.write(`${JSON.stringify(found)}\n`)
