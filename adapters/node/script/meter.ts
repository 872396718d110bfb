// Rewrites a WebAssembly module so that whatever it runs can be stopped: every turn of every loop, and every block of
// memory that is copied or filled, is counted down, and the host is asked when nothing is left.
// Source: WebAssembly Core Specification 2.0, section 5 (binary format).

/** The name under which the counter is exported: an i32 that the host may set. */
export const COUNTER = 'counter'

export interface MeterTarget {
  /** The function, imported and without parameters or result, that is called when the counter is below zero. */
  readonly module: string
  readonly name: string
}

/** A copy or a fill costs one for so many bytes: 2 to the power of this. */
const BYTES_PER_COUNT_LOG2 = 10

const SECTION = { type: 1, import: 2, global: 6, export: 7, code: 10 } as const

const OP = {
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  end: 0x0b,
  br_table: 0x0e,
  call: 0x10,
  globalGet: 0x23,
  globalSet: 0x24,
  i32Const: 0x41,
  i64Const: 0x42,
  f32Const: 0x43,
  f64Const: 0x44,
  i32LtS: 0x48,
  i32Sub: 0x6b,
  i32ShrU: 0x76,
  misc: 0xfc,
} as const

const EMPTY_BLOCK = 0x40
const I32 = 0x7f

/** In signed LEB128. What an instance does before the host can set its counter is not asked for. */
const MAX_I32 = [0xff, 0xff, 0xff, 0xff, 0x07]
const ZERO = [0x00]

/**
 * The module with counters.
 *
 * Shape:  a binary module of version 1 without vectors, exceptions or garbage collection.
 * @throws Error for a module that has instructions of which this does not know how long they are.
 */
export function meterModule(wasm: Uint8Array, target: MeterTarget): Uint8Array {
  const reader = new Reader(wasm)
  reader.at = 8
  const sections: { id: number; start: number; end: number }[] = []
  while (reader.at < wasm.length) {
    const id = reader.byte()
    const size = reader.u32()
    sections.push({ id, start: reader.at, end: reader.at + size })
    reader.at += size
  }
  const imports = readImports(wasm, sections.find(({ id }) => id === SECTION.import)?.start, target)
  const globalSection = sections.find(({ id }) => id === SECTION.global)
  if (globalSection === undefined) throw new Error('expected a module with globals')
  reader.at = globalSection.start
  const counter = imports.globals + reader.u32()
  const probe: Probe = { counter, length: counter + 1, ask: imports.ask }

  const out = new Writer(wasm.length + (wasm.length >> 1))
  out.bytes(wasm, 0, 8)
  for (const { id, start, end } of sections) {
    const body = new Writer((end - start) * 2 + 64)
    reader.at = start
    if (id === SECTION.global) appendGlobals(reader, end, body)
    else if (id === SECTION.export) appendExport(reader, end, body, counter)
    else if (id === SECTION.code) meterCode(reader, body, probe)
    else body.bytes(wasm, start, end)
    out.byte(id)
    out.u32(body.length)
    out.bytes(body.data, 0, body.length)
  }
  return out.data.slice(0, out.length)
}

/** What is written into functions: indices of globals and of the function to ask. */
interface Probe {
  readonly counter: number
  /** Holds the length of a block of memory while it is charged for. */
  readonly length: number
  readonly ask: number
}

function readImports(
  wasm: Uint8Array,
  start: number | undefined,
  target: MeterTarget,
): { readonly globals: number; readonly ask: number } {
  if (start === undefined) throw new Error('expected a module with imports')
  const reader = new Reader(wasm)
  reader.at = start
  let functions = 0
  let globals = 0
  let ask: number | undefined
  for (let left = reader.u32(); left > 0; left--) {
    const module = reader.name()
    const name = reader.name()
    const kind = reader.byte()
    if (kind === 0) {
      reader.u32()
      if (module === target.module && name === target.name) ask = functions
      functions++
    } else if (kind === 1) {
      reader.byte()
      reader.limits()
    } else if (kind === 2) reader.limits()
    else {
      reader.at += 2
      globals++
    }
  }
  if (ask === undefined) throw new Error(`expected an import ${target.module}.${target.name}`)
  return { globals, ask }
}

function appendGlobals(reader: Reader, end: number, body: Writer): void {
  body.u32(reader.u32() + 2)
  body.bytes(reader.data, reader.at, end)
  for (const initial of [MAX_I32, ZERO]) {
    body.byte(I32)
    body.byte(1)
    body.byte(OP.i32Const)
    for (const byte of initial) body.byte(byte)
    body.byte(OP.end)
  }
}

function appendExport(reader: Reader, end: number, body: Writer, counter: number): void {
  body.u32(reader.u32() + 1)
  body.bytes(reader.data, reader.at, end)
  const name = new TextEncoder().encode(COUNTER)
  body.u32(name.length)
  body.bytes(name, 0, name.length)
  body.byte(3)
  body.u32(counter)
}

function meterCode(reader: Reader, body: Writer, probe: Probe): void {
  const loop = loopProbe(probe)
  const bulk = bulkProbe(probe)
  const count = reader.u32()
  body.u32(count)
  const one = new Writer(1_048_576)
  for (let index = 0; index < count; index++) {
    const size = reader.u32()
    const end = reader.at + size
    one.length = 0
    meterFunction(reader, end, one, loop, bulk)
    body.u32(one.length)
    body.bytes(one.data, 0, one.length)
  }
}

function meterFunction(
  reader: Reader,
  end: number,
  body: Writer,
  loop: Uint8Array,
  bulk: Uint8Array,
): void {
  let copied = reader.at
  for (let groups = reader.u32(); groups > 0; groups--) {
    reader.u32()
    reader.byte()
  }
  while (reader.at < end) {
    const start = reader.at
    const op = reader.byte()
    skipImmediates(reader, op)
    if (op === OP.loop) {
      body.bytes(reader.data, copied, reader.at)
      body.bytes(loop, 0, loop.length)
      copied = reader.at
    } else if (op === OP.misc && isBulk(reader.data[start + 1])) {
      body.bytes(reader.data, copied, start)
      body.bytes(bulk, 0, bulk.length)
      copied = start
    }
  }
  body.bytes(reader.data, copied, end)
}

/** memory.copy and memory.fill: their last operand is a length in bytes. */
function isBulk(op: number | undefined): boolean {
  return op === 10 || op === 11
}

/** counter -= 1; if (counter < 0) ask() */
function loopProbe({ counter, ask }: Probe): Uint8Array {
  const out = new Writer(64)
  out.byte(OP.globalGet)
  out.u32(counter)
  out.byte(OP.i32Const)
  out.byte(1)
  out.byte(OP.i32Sub)
  out.byte(OP.globalSet)
  out.u32(counter)
  askWhenSpent(out, counter, ask)
  return out.data.slice(0, out.length)
}

/** counter -= length >> 10; if (counter < 0) ask(), and the length is on the stack as before. */
function bulkProbe({ counter, length, ask }: Probe): Uint8Array {
  const out = new Writer(64)
  out.byte(OP.globalSet)
  out.u32(length)
  out.byte(OP.globalGet)
  out.u32(counter)
  out.byte(OP.globalGet)
  out.u32(length)
  out.byte(OP.i32Const)
  out.byte(BYTES_PER_COUNT_LOG2)
  out.byte(OP.i32ShrU)
  out.byte(OP.i32Sub)
  out.byte(OP.globalSet)
  out.u32(counter)
  askWhenSpent(out, counter, ask)
  out.byte(OP.globalGet)
  out.u32(length)
  return out.data.slice(0, out.length)
}

function askWhenSpent(out: Writer, counter: number, ask: number): void {
  out.byte(OP.globalGet)
  out.u32(counter)
  out.byte(OP.i32Const)
  out.byte(0)
  out.byte(OP.i32LtS)
  out.byte(OP.if)
  out.byte(EMPTY_BLOCK)
  out.byte(OP.call)
  out.u32(ask)
  out.byte(OP.end)
}

function skipImmediates(reader: Reader, op: number): void {
  // Most instructions have none.
  if (op >= 0x45 && op <= 0xc4) return
  if (op >= 0x28 && op <= 0x3e) {
    reader.skip()
    reader.skip()
    return
  }
  switch (op) {
    case OP.block:
    case OP.loop:
    case OP.if:
    case 0x0c:
    case 0x0d:
    case OP.call:
    case 0x12:
    case 0x20:
    case 0x21:
    case 0x22:
    case OP.globalGet:
    case OP.globalSet:
    case 0x25:
    case 0x26:
    case 0x3f:
    case 0x40:
    case OP.i32Const:
    case OP.i64Const:
    case 0xd0:
    case 0xd2:
      reader.skip()
      return
    case 0x11:
    case 0x13:
      reader.skip()
      reader.skip()
      return
    case OP.br_table:
      for (let left = reader.u32() + 1; left > 0; left--) reader.skip()
      return
    case 0x1c:
      for (let left = reader.u32(); left > 0; left--) reader.byte()
      return
    case OP.f32Const:
      reader.at += 4
      return
    case OP.f64Const:
      reader.at += 8
      return
    case 0x00:
    case 0x01:
    case 0x05:
    case OP.end:
    case 0x0f:
    case 0x1a:
    case 0x1b:
    case 0xd1:
      return
    case OP.misc:
      skipMisc(reader)
      return
    default:
      throw new Error(`expected an instruction of WebAssembly, found 0x${op.toString(16)}`)
  }
}

/** How many immediates the instructions behind 0xfc have. */
const MISC_IMMEDIATES: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1]

function skipMisc(reader: Reader): void {
  const op = reader.u32()
  const count = MISC_IMMEDIATES[op]
  if (count === undefined)
    throw new Error(`expected an instruction of WebAssembly, found 0xfc ${op}`)
  for (let left = count; left > 0; left--) reader.skip()
}

class Reader {
  readonly data: Uint8Array
  at = 0

  constructor(data: Uint8Array) {
    this.data = data
  }

  byte(): number {
    const byte = this.data[this.at++]
    if (byte === undefined) throw new Error('expected a whole module, found one that ends early')
    return byte
  }

  /** LEB128. */
  u32(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
  }

  /** One number in LEB128, of any width. */
  skip(): void {
    while (this.byte() >= 0x80);
  }

  name(): string {
    const length = this.u32()
    this.at += length
    return new TextDecoder().decode(this.data.subarray(this.at - length, this.at))
  }

  limits(): void {
    const hasMaximum = (this.byte() & 1) === 1
    this.skip()
    if (hasMaximum) this.skip()
  }
}

class Writer {
  data: Uint8Array
  length = 0

  constructor(capacity: number) {
    this.data = new Uint8Array(capacity)
  }

  byte(byte: number): void {
    this.reserve(1)
    this.data[this.length++] = byte
  }

  u32(value: number): void {
    let left = value
    while (left >= 0x80) {
      this.byte((left & 0x7f) | 0x80)
      left >>>= 7
    }
    this.byte(left)
  }

  bytes(from: Uint8Array, start: number, end: number): void {
    this.reserve(end - start)
    this.data.set(from.subarray(start, end), this.length)
    this.length += end - start
  }

  private reserve(more: number): void {
    if (this.length + more <= this.data.length) return
    const grown = new Uint8Array(Math.max(this.data.length * 2, this.length + more))
    grown.set(this.data)
    this.data = grown
  }
}
