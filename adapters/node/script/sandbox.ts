import { PRELUDE } from './prelude.ts'
import { grow, openQuickJs, type QuickJs } from './quickjs.ts'

/** Why a run was ended from outside: `time` it took too long, `broken` the interpreter itself gave up. */
export type StopReason = 'time' | 'broken'

/** Thrown through the interpreter: no script can catch it. */
export class Stopped extends Error {
  override readonly name = 'Stopped'
  readonly reason: StopReason

  constructor(reason: StopReason) {
    super(`stopped: ${reason}`)
    this.reason = reason
  }
}

/** The state of an interpreter, whole: whoever goes back to it starts as if nothing had been run since. */
interface Snapshot {
  /** What lies in the memory, in this order: later parts lie over earlier ones, which images share. */
  readonly parts: readonly Part[]
  /** Where it ends. */
  readonly end: number
}

interface Part {
  readonly at: number
  readonly bytes: Uint8Array
}

/** A script that was read, and what it declares. */
export interface Prepared {
  readonly snapshot: Snapshot
  readonly names: readonly string[]
}

/** What became of a run, as prelude.ts writes it: a letter, and JSON behind it. */
export type Answer = string

/** What a run may take. */
export interface RunLimits {
  readonly timeMs: number
  /** What `Date` says, epoch ms: there is no other clock inside. */
  readonly now: number
}

export interface PrepareLimits extends RunLimits {
  readonly memoryBytes: number
  readonly outputBytes: number
}

/**
 * An interpreter that forgets: each script is kept as an image of the memory after it was read, and each call begins by
 * putting that image back. So nothing of a call is there in the next, of the same script or of another, and whatever a
 * script changed of the language is as it was: docs/adr/0032.
 */
export interface Sandbox {
  /**
   * Reads a script; what it declares of `names` can be called.
   * @throws Stopped, or an Answer in `Refused`.
   */
  prepare(source: string, names: readonly string[], limits: PrepareLimits): Prepared
  /** Calls a function: `request` is JSON, its name and its arguments. @throws Stopped */
  call(prepared: Prepared, request: string, limits: RunLimits): Answer
}

/** A script that cannot be read: `answer` says why. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly answer: Answer

  constructor(answer: Answer) {
    super('refused')
    this.answer = answer
  }
}

/** Turns of loops between two looks at the clock: about 50 µs. */
const TURNS = 10_000

/**
 * A run is too long when its time is over and it had that time of a processor as well: a host that stood still, or ran
 * others, ends no script. After so many times its time it is too long in any case.
 */
const LONGEST_WAIT = 10

/** How large the build made the stack. Below it lie the interpreter's own variables. */
const STACK_BYTES = 5_242_880

/** How much of it scripts may fill: the host's own stack fills with it. */
const SCRIPT_STACK_BYTES = 393_216

/** Source: quickjs.h, JS_EVAL_TYPE_GLOBAL and JS_EVAL_TYPE_MODULE. */
const AS_SCRIPT = 0
const AS_MODULE = 1

/** Images end at a multiple of this. */
const IMAGE_STEP = 4_096

/** How finely images share what is the same. */
const BLOCK_BYTES = 256

const utf8 = new TextEncoder()

/** What has to be found again after an image was put back: addresses of it. */
interface Addresses {
  readonly context: number
  readonly runtime: number
  readonly undefined: number
  readonly fileName: number
  readonly adopt: number
  readonly invoke: number
  readonly describe: number
}

/** One instance, and a copy of its memory to write into. */
interface Machine {
  readonly quickJs: QuickJs
  bytes: Buffer
}

/** Opens a sandbox on the metered module. */
export function openSandbox(module: WebAssembly.Module): Sandbox {
  let machine: Machine
  let now = 0
  let deadline = 0
  let lastDeadline = 0
  let busyLimit = 0
  /** How long the thread had run when a run was first asked: most end before. */
  let busyAtFirst: number | undefined

  const ask = (): void => {
    const { counter } = machine.quickJs
    if (counter.value >= 0) throw new Stopped('broken')
    busyAtFirst ??= busyMs()
    const at = performance.now()
    if (at > lastDeadline || (at > deadline && busyMs() - busyAtFirst > busyLimit))
      throw new Stopped('time')
    counter.value = TURNS
  }
  const fail = (): never => {
    throw new Stopped('broken')
  }
  const openMachine = (): Machine => {
    const quickJs = openQuickJs(module, { now: () => now, ask: () => ask(), fail })
    return { quickJs, bytes: Buffer.from(quickJs.memory.buffer) }
  }

  /** Runs something inside. Whatever ends it from outside leaves nothing behind: the instance is thrown away. */
  const run = <T>(limits: RunLimits, inside: () => T): T => {
    now = Math.trunc(limits.now)
    busyAtFirst = undefined
    busyLimit = limits.timeMs
    deadline = performance.now() + limits.timeMs
    lastDeadline = deadline + limits.timeMs * (LONGEST_WAIT - 1)
    machine.quickJs.counter.value = TURNS
    try {
      return inside()
    } catch (error) {
      machine = openMachine()
      if (error instanceof Refused || error instanceof Stopped) throw error
      // What the host says to a script that goes too deep, or to an interpreter that goes astray.
      if (error instanceof RangeError || error instanceof WebAssembly.RuntimeError)
        throw new Stopped('broken')
      throw error
    }
  }

  /** The memory as it is now; once it has grown it is another buffer. */
  const bytesOf = (of: Machine): Buffer => {
    if (of.bytes.buffer !== of.quickJs.memory.buffer)
      of.bytes = Buffer.from(of.quickJs.memory.buffer)
    return of.bytes
  }
  const imageEnd = (bytes: Buffer): number =>
    Math.min(bytes.length, Math.ceil(usedBytes(bytes) / IMAGE_STEP) * IMAGE_STEP)
  const takeImage = (): Snapshot => {
    const bytes = bytesOf(machine)
    const { stackTop } = machine.quickJs
    const end = imageEnd(bytes)
    return {
      parts: [
        { at: 0, bytes: copy(bytes, 0, stackTop - STACK_BYTES) },
        { at: stackTop, bytes: copy(bytes, stackTop, end) },
      ],
      end,
    }
  }
  /** An image that shares what has not changed since another: a script changes a tenth of what lies there. */
  const takeImageOver = (base: Snapshot): Snapshot => {
    const bytes = bytesOf(machine)
    const end = Math.max(base.end, imageEnd(bytes))
    const changed = base.parts.flatMap((part) => changesOf(bytes, part))
    return {
      parts: [...base.parts, ...changed, { at: base.end, bytes: copy(bytes, base.end, end) }],
      end,
    }
  }
  const putBack = ({ parts, end }: Snapshot): void => {
    if (grow(machine.quickJs.memory, end) === 0) throw new Stopped('broken')
    const bytes = bytesOf(machine)
    for (const part of parts) bytes.set(part.bytes, part.at)
  }
  /** Zeroes what earlier runs left above an image, so that the next image ends where its own script does. */
  const clearAbove = ({ end }: Snapshot): void => {
    const bytes = bytesOf(machine)
    bytes.fill(0, end, Math.max(end, usedBytes(bytes)))
  }

  const writeText = (text: string): { readonly at: number; readonly length: number } => {
    const encoded = utf8.encode(text)
    const at = machine.quickJs.call._malloc(encoded.length + 1)
    if (at === 0) throw new Stopped('broken')
    const bytes = bytesOf(machine)
    bytes.set(encoded, at)
    bytes[at + encoded.length] = 0
    return { at, length: encoded.length }
  }
  const evaluate = (context: number, source: string, fileName: number, flags: number): number => {
    const { at, length } = writeText(source)
    return machine.quickJs.call._QTS_Eval(context, at, length, fileName, 0, flags)
  }
  /** Calls a function of the prelude; what it answers is a text. */
  const callWith = (addresses: Addresses, callee: number, values: readonly number[]): Answer => {
    const { call } = machine.quickJs
    const { context } = addresses
    const list = call._malloc(4 * values.length)
    const bytes = bytesOf(machine)
    values.forEach((value, index) => {
      bytes.writeUInt32LE(value, list + 4 * index)
    })
    const result = call._QTS_Call(context, callee, addresses.undefined, values.length, list)
    if (call._QTS_ResolveException(context, result) !== 0) return NO_MEMORY
    const at = call._QTS_GetString(context, result)
    if (at === 0) return NO_MEMORY
    const after = bytesOf(machine)
    return after.toString('utf8', at, after.indexOf(0, at))
  }
  const newString = (context: number, text: string): number =>
    machine.quickJs.call._QTS_NewString(context, writeText(text).at)

  const start = (): { readonly addresses: Addresses; readonly image: Snapshot } => {
    const { call } = machine.quickJs
    const runtime = call._QTS_NewRuntime()
    call._QTS_RuntimeSetMaxStackSize(runtime, SCRIPT_STACK_BYTES)
    const context = call._QTS_NewContext(runtime, 0)
    const prelude = evaluate(context, PRELUDE, writeText('prelude').at, AS_SCRIPT)
    if (call._QTS_ResolveException(context, prelude) !== 0)
      throw new Error('expected a prelude that runs')
    const addresses = {
      context,
      runtime,
      undefined: call._QTS_GetUndefined(),
      fileName: writeText('decoder.js').at,
      adopt: call._QTS_GetPropNumber(context, prelude, 0),
      invoke: call._QTS_GetPropNumber(context, prelude, 1),
      describe: call._QTS_GetPropNumber(context, prelude, 2),
    }
    return { addresses, image: takeImage() }
  }

  machine = openMachine()
  const { addresses, image } = run({ timeMs: 60_000, now: 0 }, start)
  const { context } = addresses

  /** Evaluates a script, or throws what it threw as `Refused`. */
  const read = (source: string, flags: number): number => {
    const value = evaluate(context, source, addresses.fileName, flags)
    const error = machine.quickJs.call._QTS_ResolveException(context, value)
    if (error !== 0) throw new Refused(callWith(addresses, addresses.describe, [error]))
    return value
  }

  return {
    prepare: (source, names, limits) =>
      run(limits, () => {
        const begin = (): void => {
          putBack(image)
          clearAbove(image)
          machine.quickJs.call._QTS_RuntimeSetMemoryLimit(addresses.runtime, limits.memoryBytes)
        }
        const readScript = (): number => {
          read(source, AS_SCRIPT)
          return read(finderOf(names), AS_SCRIPT)
        }
        begin()
        let found: number
        try {
          found = readScript()
        } catch (error) {
          if (!(error instanceof Refused)) throw error
          begin()
          if (isModule(source, error.answer)) found = read(source, AS_MODULE)
          else if (wantsModules(error.answer)) {
            // What it wants of Node is mostly for its own tests: on a network server there is no require to find.
            read(WITHOUT_MODULES, AS_SCRIPT)
            found = attempt(readScript, error)
          } else throw error
        }
        const known = callWith(addresses, addresses.adopt, [
          found,
          newString(context, JSON.stringify(names)),
          newString(context, String(limits.outputBytes)),
        ])
        if (!known.startsWith('v')) throw new Refused(known)
        return { names: readNames(known), snapshot: takeImageOver(image) }
      }),

    call: ({ snapshot }, request, limits) =>
      run(limits, () => {
        putBack(snapshot)
        const before = machine.quickJs.memory.buffer
        const answer = callWith(addresses, addresses.invoke, [newString(context, request)])
        // What a script once took would stay taken.
        if (machine.quickJs.memory.buffer !== before) machine = openMachine()
        return answer
      }),
  }
}

/** What the prelude would answer, had it any memory left. */
const NO_MEMORY: Answer = 'l{"text":"InternalError: out of memory","line":0}'

/** How long this thread has run; where Node cannot tell, the process. */
function busyMs(): number {
  const { user, system } =
    typeof process.threadCpuUsage === 'function' ? process.threadCpuUsage() : process.cpuUsage()
  return (user + system) / 1_000
}

/** The functions of these names as a script sees them: also those that `const` and `let` declare. */
function finderOf(names: readonly string[]): string {
  return `[${names.map((name) => `typeof ${name} === 'function' ? ${name} : undefined`).join(', ')}]`
}

/** What a function gives, or the earlier refusal where it is refused as well. */
function attempt<T>(run: () => T, earlier: Refused): T {
  try {
    return run()
  } catch (error) {
    throw error instanceof Refused ? earlier : error
  }
}

/** Leaves a script what networks have: neither CommonJS nor a module to require. */
const WITHOUT_MODULES =
  'delete globalThis.require; delete globalThis.module; delete globalThis.exports'

function wantsModules(answer: Answer): boolean {
  return answer.includes("Cannot find module '")
}

/** Whether a text that is no script may be a module. */
function isModule(source: string, answer: Answer): boolean {
  return answer.includes('SyntaxError') && /^[ \t]*(?:export|import)\b/m.test(source)
}

function readNames(answer: Answer): readonly string[] {
  const names: unknown = JSON.parse(answer.slice(1))
  return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : []
}

function copy(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return Uint8Array.prototype.slice.call(bytes, start, end)
}

/** The blocks of a part that the memory has otherwise, neighbours together. */
function changesOf(bytes: Uint8Array, { at, bytes: before }: Part): readonly Part[] {
  const changes: Part[] = []
  let start: number | undefined
  // One turn more than there are blocks: it ends the last run.
  for (let offset = 0; offset < before.length + BLOCK_BYTES; offset += BLOCK_BYTES) {
    const end = Math.min(offset + BLOCK_BYTES, before.length)
    const differs =
      offset < before.length &&
      Buffer.compare(before.subarray(offset, end), bytes.subarray(at + offset, at + end)) !== 0
    if (differs) start ??= offset
    else if (start !== undefined) {
      const last = Math.min(offset, before.length)
      changes.push({ at: at + start, bytes: copy(bytes, at + start, at + last) })
      start = undefined
    }
  }
  return changes
}

const ZEROS = Buffer.alloc(65_536)

/** How far the memory is used: behind that it is all zeros. */
function usedBytes(bytes: Buffer): number {
  let end = bytes.length
  for (let start = end - ZEROS.length; start >= 0; start -= ZEROS.length) {
    if (bytes.compare(ZEROS, 0, ZEROS.length, start, end) !== 0) break
    end = start
  }
  while (end > 0 && bytes[end - 1] === 0) end--
  return end
}
