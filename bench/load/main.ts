import { runLoad } from './run-load.ts'
import type { LoadSpec } from './spec.ts'

// The load has a process of its own: its spec comes as an argument, its result goes to stdout.

const spec: LoadSpec = JSON.parse(process.argv[2] ?? '')
process.stdout.write(`${JSON.stringify(await runLoad(spec))}\n`)
