import { CoreError } from '../../errors.ts'
import type { Json } from '../../model/json.ts'

/** One measured value of a data format. */
export interface RuuviField {
  /** As the specification names it. */
  readonly label: string
  /** As rules see it. */
  readonly key: string
  /** The value; `null` where the tag marks it as not available. */
  read(bytes: Uint8Array): Json
  /** Writes the value into a message that is all zero there; `null` as not available. */
  write(bytes: Uint8Array, value: Json): void
}

interface Scaled {
  readonly label: string
  readonly key: string
  readonly at: number
  /** Counts for one unit. */
  readonly divisor?: number
  /** Added to the counts. */
  readonly add?: number
}

/** 2 bytes in two's complement; the smallest number says that there is none. */
export function int16({ label, key, at, divisor = 1 }: Scaled): RuuviField {
  return {
    label,
    key,
    read(bytes) {
      const counts = (word(bytes, at) << 16) >> 16
      return counts === -0x8000 ? null : counts / divisor
    },
    write(bytes, value) {
      const counts = value === null ? -0x8000 : countsOf(label, value, divisor, 0)
      put(bytes, at, 2, within(label, counts, -0x8000, 0x7fff) & 0xffff)
    },
  }
}

/** An unsigned number of `size` bytes; the largest says that there is none. */
export function unsigned(
  size: number,
  { label, key, at, divisor = 1, add = 0 }: Scaled,
): RuuviField {
  const none = 2 ** (8 * size) - 1
  return {
    label,
    key,
    read(bytes) {
      const counts = take(bytes, at, size)
      return counts === none ? null : (counts + add) / divisor
    },
    write(bytes, value) {
      const counts = value === null ? none : countsOf(label, value, divisor, add)
      put(bytes, at, size, within(label, counts, 0, none))
    },
  }
}

/** As `unsigned`, in a format that has no mark for what is not available. */
export function always(size: number, { label, key, at, divisor = 1, add = 0 }: Scaled): RuuviField {
  const most = 2 ** (8 * size) - 1
  return {
    label,
    key,
    read: (bytes) => (take(bytes, at, size) + add) / divisor,
    write(bytes, value) {
      put(bytes, at, size, within(label, countsOf(label, value ?? 0, divisor, add), 0, most))
    },
  }
}

/** As `int16`, without a mark for what is not available. */
export function always16({ label, key, at, divisor = 1 }: Scaled): RuuviField {
  return {
    label,
    key,
    read: (bytes) => ((word(bytes, at) << 16) >> 16) / divisor,
    write(bytes, value) {
      const counts = countsOf(label, value ?? 0, divisor, 0)
      put(bytes, at, 2, within(label, counts, -0x8000, 0x7fff) & 0xffff)
    },
  }
}

/** Sign and whole degrees in one byte, hundredths in the next: formats 2, 3 and 4. */
export function signAndHundredths(label: string, key: string, at: number): RuuviField {
  return {
    label,
    key,
    read(bytes) {
      const whole = bytes[at] ?? 0
      const hundredths = (whole & 0x7f) * 100 + (bytes[at + 1] ?? 0)
      // A zero has no sign in JSON.
      return hundredths === 0 ? 0 : (whole & 0x80 ? -hundredths : hundredths) / 100
    },
    write(bytes, value) {
      const counts = within(label, countsOf(label, value ?? 0, 100, 0), -12_799, 12_799)
      const size = Math.abs(counts)
      bytes[at] = Math.floor(size / 100) | (counts < 0 ? 0x80 : 0)
      bytes[at + 1] = size % 100
    },
  }
}

/** Volts above 1.6 in 11 bits and dBm above -40 in steps of 2 in 5 bits: formats 5 and C5. */
export function powerInfo(at: number): readonly RuuviField[] {
  return [
    {
      label: 'TX Power',
      key: 'txPower',
      read(bytes) {
        const steps = word(bytes, at) & 31
        return steps === 31 ? null : steps * 2 - 40
      },
      write(bytes, value) {
        const steps = value === null ? 31 : Math.round((numberOf('TX Power', value) + 40) / 2)
        put(bytes, at, 2, word(bytes, at) | within('TX Power', steps, 0, 31))
      },
    },
    {
      label: 'Voltage',
      key: 'voltage',
      read(bytes) {
        const counts = word(bytes, at) >> 5
        return counts === 2_047 ? null : (counts + 1_600) / 1_000
      },
      write(bytes, value) {
        const counts = value === null ? 2_047 : countsOf('Voltage', value, 1_000, 1_600)
        put(bytes, at, 2, word(bytes, at) | (within('Voltage', counts, 0, 2_047) << 5))
      },
    },
  ]
}

/** 9 bits, of which the lowest stands among the flags: formats 6 and E1. */
export function nineBits(
  label: string,
  key: string,
  at: number,
  flags: number,
  bit: number,
): RuuviField {
  return {
    label,
    key,
    read(bytes) {
      const index = ((bytes[at] ?? 0) << 1) | (((bytes[flags] ?? 0) >> bit) & 1)
      return index === 511 ? null : index
    },
    write(bytes, value) {
      const index = value === null ? 511 : within(label, countsOf(label, value, 1, 0), 0, 511)
      bytes[at] = index >> 1
      bytes[flags] = (bytes[flags] ?? 0) | ((index & 1) << bit)
    },
  }
}

/** Natural logarithm of one step of `logLight`. */
const LIGHT_STEP = Math.log(65_536) / 254

/** Lux on a logarithmic scale of one byte: format 6. */
export function logLight(at: number): RuuviField {
  return {
    label: 'Luminosity',
    key: 'luminosity',
    read(bytes) {
      const code = bytes[at] ?? 0
      return code === 255 ? null : Math.round((Math.exp(code * LIGHT_STEP) - 1) * 100) / 100
    },
    write(bytes, value) {
      const code =
        value === null ? 255 : Math.round(Math.log(numberOf('Luminosity', value) + 1) / LIGHT_STEP)
      bytes[at] = within('Luminosity', code, 0, 255)
    },
  }
}

/** One bit of the flags. */
export function flag(label: string, key: string, at: number, bit: number): RuuviField {
  return {
    label,
    key,
    read: (bytes) => (((bytes[at] ?? 0) >> bit) & 1) === 1,
    write(bytes, value) {
      if (value === true) bytes[at] = (bytes[at] ?? 0) | (1 << bit)
    },
  }
}

/** An address, as the specification prints it; all bits set say that there is none. */
export function address(at: number, size: number): RuuviField {
  return {
    label: 'MAC',
    key: 'mac',
    read(bytes) {
      const pairs = pairsOf(bytes.subarray(at, at + size))
      return pairs.every((pair) => pair === 'FF') ? null : pairs.join(' ')
    },
    write(bytes, value) {
      const digits = value === null ? 'FF'.repeat(size) : String(value).replaceAll(/[ :-]/g, '')
      if (!/^([0-9a-f]{2})+$/i.test(digits) || digits.length < 2 * size)
        throw new CoreError(
          'codec.wrong_type',
          `RuuviTag: expected a MAC of ${size} bytes, found a ${typeof value}`,
        )
      const own = digits.slice(-2 * size)
      for (let index = 0; index < size; index++)
        bytes[at + index] = Number.parseInt(own.slice(2 * index, 2 * index + 2), 16)
    },
  }
}

/** Two upper-case digits for each byte. */
export function pairsOf(bytes: Uint8Array): readonly string[] {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0').toUpperCase())
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
}

function take(bytes: Uint8Array, at: number, size: number): number {
  let value = 0
  for (let index = 0; index < size; index++) value = value * 256 + (bytes[at + index] ?? 0)
  return value
}

function put(bytes: Uint8Array, at: number, size: number, value: number): void {
  for (let index = 0; index < size; index++)
    bytes[at + index] = Math.floor(value / 256 ** (size - 1 - index)) % 256
}

function countsOf(label: string, value: Json, divisor: number, add: number): number {
  return Math.round(numberOf(label, value) * divisor) - add
}

function numberOf(label: string, value: Json): number {
  if (typeof value === 'number') return value
  throw new CoreError(
    'codec.wrong_type',
    `RuuviTag: expected ${label} as a number, found a ${typeof value}`,
  )
}

function within(label: string, counts: number, low: number, high: number): number {
  if (counts >= low && counts <= high) return counts
  throw new CoreError(
    'codec.out_of_range',
    `RuuviTag: expected ${label} from ${low} to ${high} counts, found ${counts}`,
  )
}
