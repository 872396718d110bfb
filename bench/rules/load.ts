import { TOPIC } from './messages.ts'
import { equalityRules, ruleSetOf, thresholdRules } from './ours.ts'

// How long it takes to load rules, and what memory they keep. In a process of its own, with --expose-gc.
// Arguments: the number of rules, half of them thresholds. Prints one line of JSON.

const count = Number(process.argv[2])
const sql = [...thresholdRules(count / 2, true), ...equalityRules(count / 2)]
const body = { temp: 1_000, site: '' }
const message = { body, facts: { topic: TOPIC, nowMs: 1_700_000_000_000 } }

function heapMegabytes(): number {
  if (globalThis.gc === undefined) throw new Error('expected --expose-gc')
  globalThis.gc()
  return process.memoryUsage().heapUsed / 2 ** 20
}

const before = heapMegabytes()
const started = performance.now()
const cpu = process.cpuUsage()
const rules = ruleSetOf(sql)
const candidates = rules.match(TOPIC, body).length
const loadedMs = performance.now() - started
const { user, system } = process.cpuUsage(cpu)
const loadedMegabytes = heapMegabytes() - before

// Rules make their closures when a message first needs them: with all thresholds exceeded half of the rules have.
const outputs = rules.run(message).reduce((sum, { entries }) => sum + entries.length, 0)
const usedMegabytes = heapMegabytes() - before
for (const found of [candidates, outputs])
  if (found !== count / 2) throw new Error(`expected ${count / 2} rules, found ${found}`)
process.stdout.write(
  `${JSON.stringify({ loadedMs, cpuMs: (user + system) / 1_000, loadedMegabytes, usedMegabytes })}\n`,
)
