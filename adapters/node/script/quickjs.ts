// QuickJS in WebAssembly: what it is given of the host, and what of it is called. The build made all names short; a test
// compares them with what is installed.

import { COUNTER, type MeterTarget } from './meter.ts'

/** The package, exactly as package.json pins it. */
export const QUICKJS_PACKAGE = '@jitl/quickjs-ng-wasmfile-release-sync'

/** What is called, by the names that it has in the sources of the build. */
export const EXPORTS = {
  _malloc: 'w',
  _QTS_RuntimeSetMemoryLimit: 'z',
  _QTS_RuntimeSetMaxStackSize: 'E',
  _QTS_GetUndefined: 'F',
  _QTS_NewRuntime: 'L',
  _QTS_NewContext: 'O',
  _QTS_NewString: '$',
  _QTS_GetString: 'aa',
  _QTS_GetPropNumber: 'ja',
  _QTS_Call: 'na',
  _QTS_ResolveException: 'oa',
  _QTS_Eval: 'qa',
} as const

/** What Emscripten itself calls. */
const CONSTRUCTORS = 'v'
const STACK_POINTER = 'Pa'

/** `abort`: takes and gives nothing, so that the counter can ask here as well. */
export const METER_TARGET: MeterTarget = { module: 'a', name: 'r' }

export type QuickJsCall = keyof typeof EXPORTS

/** One instance: a memory, and functions that work on it. */
export interface QuickJs {
  readonly memory: WebAssembly.Memory
  /** Turns that are left until the host is asked (meter.ts). */
  readonly counter: WebAssembly.Global
  /** Addresses and numbers in, an address or a number out. */
  readonly call: Readonly<Record<QuickJsCall, (...args: number[]) => number>>
  /** Where the stack begins; it grows down, and above it lies what is allocated. */
  readonly stackTop: number
}

/** What an instance may ask of the host: the time, and whether it may go on. */
export interface QuickJsHost {
  /** Epoch ms, whole. */
  now(): number
  /** Throws where the run has to end. */
  ask(): void
  /** The interpreter gave up: an assertion, an exit, a call to a function that is not there. Throws. */
  fail(): never
}

const PAGE_BYTES = 65_536

/** The memory that the build begins with. */
const FIRST_PAGES = 256

/** Whatever limits scripts have: no instance grows beyond. */
const LAST_PAGES = 1_536

/** Source: WASI preview 1, `errno::badf`. */
const BAD_FILE = 8

/** Opens an instance of the metered module. */
export function openQuickJs(module: WebAssembly.Module, host: QuickJsHost): QuickJs {
  const memory = new WebAssembly.Memory({ initial: FIRST_PAGES, maximum: LAST_PAGES })
  const view = (): DataView => new DataView(memory.buffer)
  const writeZone = (offset: number, daylight: number, name: number, summerName: number): void => {
    const cells = view()
    cells.setInt32(offset, 0, true)
    cells.setInt32(daylight, 0, true)
    for (const at of [name, summerName])
      for (let index = 0; index < 4; index++) cells.setUint8(at + index, 'UTC\0'.charCodeAt(index))
  }
  const { exports } = new WebAssembly.Instance(module, {
    [METER_TARGET.module]: {
      [METER_TARGET.name]: host.ask,
      a: memory,
      // Ends: a failed assertion, an exit, a function of the host, of which there are none.
      b: host.fail,
      s: host.fail,
      t: host.fail,
      u: () => {},
      // Files: there are none.
      c: () => BAD_FILE,
      d: () => BAD_FILE,
      o: () => BAD_FILE,
      // Environment variables: none.
      e: () => 0,
      f: (count: number, size: number) => {
        const cells = view()
        cells.setInt32(count, 0, true)
        cells.setInt32(size, 0, true)
        return 0
      },
      // Modules: none. Interrupts and timers: neither; the counter sees to it.
      g: () => 0,
      h: () => 0,
      i: () => 0,
      j: () => 0,
      l: () => {},
      // Time.
      m: (seconds: bigint, at: number) => writeLocalTime(view(), Number(seconds), at),
      n: writeZone,
      p: host.now,
      q: (_clock: number, _precision: bigint, at: number) => {
        view().setBigInt64(at, BigInt(host.now()) * 1_000_000n, true)
        return 0
      },
      // Memory.
      k: (bytes: number) => grow(memory, bytes >>> 0),
    },
  })
  const counter = exports[COUNTER]
  if (!(counter instanceof WebAssembly.Global)) throw new Error('expected a metered module')
  const find = (name: string): ((...args: number[]) => number) => {
    const found = exports[name]
    if (typeof found !== 'function') throw new Error(`expected a function ${name}`)
    return (...args) => found(...args)
  }
  find(CONSTRUCTORS)()
  return {
    memory,
    counter,
    stackTop: find(STACK_POINTER)(),
    call: {
      _malloc: find(EXPORTS._malloc),
      _QTS_RuntimeSetMemoryLimit: find(EXPORTS._QTS_RuntimeSetMemoryLimit),
      _QTS_RuntimeSetMaxStackSize: find(EXPORTS._QTS_RuntimeSetMaxStackSize),
      _QTS_GetUndefined: find(EXPORTS._QTS_GetUndefined),
      _QTS_NewRuntime: find(EXPORTS._QTS_NewRuntime),
      _QTS_NewContext: find(EXPORTS._QTS_NewContext),
      _QTS_NewString: find(EXPORTS._QTS_NewString),
      _QTS_GetString: find(EXPORTS._QTS_GetString),
      _QTS_GetPropNumber: find(EXPORTS._QTS_GetPropNumber),
      _QTS_Call: find(EXPORTS._QTS_Call),
      _QTS_ResolveException: find(EXPORTS._QTS_ResolveException),
      _QTS_Eval: find(EXPORTS._QTS_Eval),
    },
  }
}

/** 1 where the memory has so many bytes now, else 0. */
export function grow(memory: WebAssembly.Memory, bytes: number): 0 | 1 {
  const pages = Math.ceil((bytes - memory.buffer.byteLength) / PAGE_BYTES)
  if (pages <= 0) return 1
  try {
    memory.grow(pages)
    return 1
  } catch {
    return 0
  }
}

const MS_PER_DAY = 86_400_000

/** `struct tm` of a moment: local time is UTC, wherever the host stands. */
function writeLocalTime(cells: DataView, seconds: number, at: number): void {
  const date = new Date(seconds * 1_000)
  const year = date.getUTCFullYear()
  const fields = [
    date.getUTCSeconds(),
    date.getUTCMinutes(),
    date.getUTCHours(),
    date.getUTCDate(),
    date.getUTCMonth(),
    year - 1_900,
    date.getUTCDay(),
    Math.floor((date.getTime() - Date.UTC(year, 0, 1)) / MS_PER_DAY),
    0,
    0,
  ]
  fields.forEach((field, index) => {
    cells.setInt32(at + 4 * index, field, true)
  })
}
