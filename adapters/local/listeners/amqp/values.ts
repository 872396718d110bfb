import { malformed, tooMuch } from './violation.ts'

// Encoded values, walked without making anything of them: what was walked, a decoder may read without care.
// Source: AMQP 1.0, part 1, 1.2 and 1.6.

/** What is left for one frame or message. */
export interface Budget {
  values: number
  readonly depth: number
}

/** Elements of an array that take no bytes at all. */
const MAX_EMPTY_ELEMENTS = 256

/** Format codes that have a meaning, by code. */
const KNOWN = new Uint8Array(256)
for (const code of [
  0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x60, 0x61, 0x70,
  0x71, 0x72, 0x73, 0x74, 0x80, 0x81, 0x82, 0x83, 0x84, 0x94, 0x98, 0xa0, 0xa1, 0xa3, 0xb0, 0xb1,
  0xb3, 0xc0, 0xc1, 0xd0, 0xd1, 0xe0, 0xf0,
])
  KNOWN[code] = 1

/**
 * Walks one value. Result: where it ends.
 * @throws AmqpViolation if it reaches over `end`, if a size lies, or if it is more than the budget has.
 */
export function walkValue(bytes: Buffer, at: number, end: number, budget: Budget): number {
  return walk(bytes, at, end, budget, 0)
}

function walk(bytes: Buffer, at: number, end: number, budget: Budget, depth: number): number {
  spend(budget, depth)
  if (at >= end) throw malformed('expected a value, found the end')
  const code = bytes.readUInt8(at)
  if (code === 0x00) {
    const value = walk(bytes, at + 1, end, budget, depth + 1)
    return walk(bytes, value, end, budget, depth + 1)
  }
  return walkBody(bytes, code, at + 1, end, budget, depth)
}

function walkBody(
  bytes: Buffer,
  code: number,
  at: number,
  end: number,
  budget: Budget,
  depth: number,
): number {
  if (KNOWN[code] !== 1) throw malformed(`expected a format code, found 0x${code.toString(16)}`)
  switch (code >> 4) {
    case 0x4:
      return at
    case 0x5:
      return within(at + 1, end)
    case 0x6:
      return within(at + 2, end)
    case 0x7:
      return within(at + 4, end)
    case 0x8:
      return within(at + 8, end)
    case 0x9:
      return within(at + 16, end)
    case 0xa:
      return within(at + 1 + readSize(bytes, at, 1, end), end)
    case 0xb:
      return within(at + 4 + readSize(bytes, at, 4, end), end)
    case 0xc:
      return walkCompound(bytes, at, 1, end, budget, depth, code === 0xc1)
    case 0xd:
      return walkCompound(bytes, at, 4, end, budget, depth, code === 0xd1)
    case 0xe:
      return walkArray(bytes, at, 1, end, budget, depth)
    default:
      return walkArray(bytes, at, 4, end, budget, depth)
  }
}

function walkCompound(
  bytes: Buffer,
  at: number,
  width: 1 | 4,
  end: number,
  budget: Budget,
  depth: number,
  isMap: boolean,
): number {
  const close = within(at + width + readSize(bytes, at, width, end), end)
  const count = readSize(bytes, at + width, width, close)
  if (isMap && count % 2 === 1) throw malformed('expected a value to each key of a map')
  let next = at + width * 2
  for (let index = 0; index < count; index++) next = walk(bytes, next, close, budget, depth + 1)
  if (next !== close) throw malformed(`expected ${close - at} bytes of a list, found ${next - at}`)
  return close
}

function walkArray(
  bytes: Buffer,
  at: number,
  width: 1 | 4,
  end: number,
  budget: Budget,
  depth: number,
): number {
  const close = within(at + width + readSize(bytes, at, width, end), end)
  const count = readSize(bytes, at + width, width, close)
  let next = at + width * 2
  if (next >= close) throw malformed('expected the constructor of an array, found the end')
  let code = bytes.readUInt8(next)
  while (code === 0x00) {
    next = walk(bytes, next + 1, close, budget, depth + 1)
    if (next >= close) throw malformed('expected the constructor of an array, found the end')
    code = bytes.readUInt8(next)
  }
  next++
  if (code >> 4 === 0x4 && count > MAX_EMPTY_ELEMENTS)
    throw tooMuch(`expected at most ${MAX_EMPTY_ELEMENTS} empty elements, found ${count}`)
  for (let index = 0; index < count; index++) {
    spend(budget, depth + 1)
    next = walkBody(bytes, code, next, close, budget, depth + 1)
  }
  if (next !== close)
    throw malformed(`expected ${close - at} bytes of an array, found ${next - at}`)
  return close
}

function spend(budget: Budget, depth: number): void {
  if (depth > budget.depth) throw tooMuch('expected values that nest less deep')
  if (--budget.values < 0) throw tooMuch('expected fewer values')
}

function within(at: number, end: number): number {
  if (at > end) throw malformed('expected a value inside its frame, found one that reaches over')
  return at
}

function readSize(bytes: Buffer, at: number, width: 1 | 4, end: number): number {
  within(at + width, end)
  return width === 1 ? bytes.readUInt8(at) : bytes.readUInt32BE(at)
}

/** What a field of a frame holds, as far as it matters. */
export type FieldKind =
  | 'null'
  | 'uint'
  | 'ubyte'
  | 'ushort'
  | 'ulong'
  | 'boolean'
  | 'string'
  | 'symbol'
  | 'binary'
  | 'map'
  | 'array'
  | 'list'
  | 'described'
  | 'other'

/** The kind of the value that starts here. */
export function kindAt(bytes: Buffer, at: number): FieldKind {
  switch (bytes[at]) {
    case 0x00:
      return 'described'
    case 0x40:
      return 'null'
    case 0x41:
    case 0x42:
    case 0x56:
      return 'boolean'
    case 0x43:
    case 0x52:
    case 0x70:
      return 'uint'
    case 0x44:
    case 0x53:
    case 0x80:
      return 'ulong'
    case 0x50:
      return 'ubyte'
    case 0x60:
      return 'ushort'
    case 0xa0:
    case 0xb0:
      return 'binary'
    case 0xa1:
    case 0xb1:
      return 'string'
    case 0xa3:
    case 0xb3:
      return 'symbol'
    case 0xc1:
    case 0xd1:
      return 'map'
    case 0x45:
    case 0xc0:
    case 0xd0:
      return 'list'
    case 0xe0:
    case 0xf0:
      return 'array'
    default:
      return 'other'
  }
}

/** A uint that was walked. */
export function uintAt(bytes: Buffer, at: number): number {
  const code = bytes[at]
  if (code === 0x43) return 0
  return code === 0x52 ? bytes.readUInt8(at + 1) : bytes.readUInt32BE(at + 1)
}

/** A boolean that was walked. */
export function booleanAt(bytes: Buffer, at: number): boolean {
  const code = bytes[at]
  return code === 0x41 || (code === 0x56 && bytes[at + 1] !== 0)
}

/** The number that describes a described value, if it is a small one; all that the protocol uses are. */
export function descriptorAt(bytes: Buffer, at: number): number | undefined {
  if (bytes[at] !== 0x00) return undefined
  if (bytes[at + 1] === 0x53) return bytes[at + 2]
  if (bytes[at + 1] !== 0x80) return undefined
  return bytes.readUInt32BE(at + 2) === 0 ? bytes.readUInt32BE(at + 6) : undefined
}

/** Where the value behind a descriptor that `descriptorAt` has read starts. */
export function describedAt(bytes: Buffer, at: number): number {
  return at + (bytes[at + 1] === 0x53 ? 3 : 10)
}
