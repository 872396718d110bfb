/** A moment as MessagePack has it. */
export interface Timestamp {
  /** Epoch seconds. */
  readonly seconds: bigint
  /** 0 to 999,999,999. */
  readonly nanoseconds: number
}

/** Years 0 to 9999, which ISO 8601 can say. Unit: epoch seconds. */
const FIRST = -62_167_219_200n
const LAST = 253_402_300_799n

/** The time in ISO 8601, UTC, to the nanosecond where it has some; `undefined` outside the years 0 to 9999. */
export function isoOf({ seconds, nanoseconds }: Timestamp): string | undefined {
  if (seconds < FIRST || seconds > LAST) return undefined
  const whole = new Date(Number(seconds) * 1_000).toISOString().slice(0, 19)
  if (nanoseconds === 0) return `${whole}Z`
  const digits = String(nanoseconds).padStart(9, '0').replace(/0+$/, '')
  return `${whole}.${digits}Z`
}

/** The moment in a text of ISO 8601 with a zone; digits beyond the nanosecond are dropped. */
export function timestampOf(text: string): Timestamp | undefined {
  const parts = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(text)
  if (parts === null) return undefined
  const ms = Date.parse(`${parts[1]}${parts[3]}`)
  if (Number.isNaN(ms)) return undefined
  const nanoseconds = Number((parts[2] ?? '').slice(0, 9).padEnd(9, '0'))
  return { seconds: BigInt(ms / 1_000), nanoseconds }
}

/** The moment of epoch seconds with a fraction. */
export function timestampOfSeconds(value: number): Timestamp {
  const seconds = Math.floor(value)
  const nanoseconds = Math.min(Math.round((value - seconds) * 1e9), 999_999_999)
  return { seconds: BigInt(seconds), nanoseconds }
}
