import { createContext, Script } from 'node:vm'
import {
  newQuickJSWASMModuleFromVariant,
  shouldInterruptAfterDeadline,
} from 'quickjs-emscripten-core'
import { Bench } from 'tinybench'
import { createScriptEngine } from '../../adapters/node/script-engine.ts'
import { openCodec } from '../../core/index.ts'
import { DECODER, PAYLOAD, TELEMETRY } from './decoder.ts'

// One round, in a process of its own. Arguments: how long each task runs, in ms. Prints one line of JSON: the median time
// of a call of each task, in ns.

const [time = '100'] = process.argv.slice(2)
const bytes = Uint8Array.from(PAYLOAD)
const call = `JSON.stringify(decodeUplink({ bytes: ${JSON.stringify(PAYLOAD)}, fPort: 85 }).data)`

function expect(found: unknown): void {
  if (found !== TELEMETRY) throw new Error(`expected ${TELEMETRY}, found ${String(found)}`)
}

/** The same engine with the wrapper that is published for it: a context for each call, as its manual has it. */
const quickJs = await newQuickJSWASMModuleFromVariant(
  import('@jitl/quickjs-ng-wasmfile-release-sync'),
)
const runtime = quickJs.newRuntime()
runtime.setMemoryLimit(8_388_608)

function callInFreshContext(): unknown {
  runtime.setInterruptHandler(shouldInterruptAfterDeadline(Date.now() + 5_000))
  const context = runtime.newContext()
  try {
    context.unwrapResult(context.evalCode(DECODER)).dispose()
    const result = context.unwrapResult(context.evalCode(call))
    const text = context.getString(result)
    result.dispose()
    return text
  } finally {
    context.dispose()
  }
}

const warmContext = runtime.newContext()
warmContext.unwrapResult(warmContext.evalCode(DECODER)).dispose()

function callInWarmContext(): unknown {
  runtime.setInterruptHandler(shouldInterruptAfterDeadline(Date.now() + 5_000))
  const result = warmContext.unwrapResult(warmContext.evalCode(call))
  const text = warmContext.getString(result)
  result.dispose()
  return text
}

const decoder = new Script(DECODER)
const calling = new Script(call)

/** No sandbox: the manual of node:vm says so. */
function callInVm(fresh: boolean): unknown {
  const context = fresh ? createContext({}) : vmContext
  if (fresh) decoder.runInContext(context)
  return calling.runInContext(context, { timeout: 5_000 })
}

const vmContext = createContext({})
decoder.runInContext(vmContext)

const options = {
  type: 'script',
  script: DECODER,
  direction: 'uplink',
  normalize: false,
  timeMs: 100,
  memoryBytes: 8_388_608,
  outputBytes: 65_536,
}
const engines = { scripts: createScriptEngine() }
const codec = openCodec(options, engines)
const others = Array.from({ length: 20 }, (_, index) =>
  openCodec({ ...options, script: `${DECODER}// ${index}` }, engines),
)
let turn = 0

const tasks: Readonly<Record<string, () => void>> = {
  'JSON.parse and stringify of the telemetry': () => expect(JSON.stringify(JSON.parse(TELEMETRY))),
  'anyhub, script codec': () =>
    expect(JSON.stringify(codec.decode(bytes, { receivedAt: 0, fPort: 85 }).value)),
  'anyhub, 20 scripts in turn': () =>
    expect(JSON.stringify(others[turn++ % 20]?.decode(bytes, { receivedAt: 0, fPort: 85 }).value)),
  'node:vm, one context, with a time limit': () => expect(callInVm(false)),
  'node:vm, a context for each call': () => expect(callInVm(true)),
  'quickjs-emscripten, one context': () => expect(callInWarmContext()),
  'quickjs-emscripten, a context for each call': () => expect(callInFreshContext()),
}

const found: Record<string, number> = {}
for (const [name, run] of Object.entries(tasks)) {
  const bench = new Bench({ time: Number(time), warmupTime: Number(time) / 2, throws: true })
  bench.add(name, run)
  await bench.run()
  const { result } = bench.tasks[0] ?? {}
  if (result?.state !== 'completed') throw new Error(`${name} did not run`)
  found[name] = result.latency.p50 * 1e6
}
process.stdout.write(`${JSON.stringify(found)}\n`)
process.exit()
