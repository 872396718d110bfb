import { STATEMENTS, type StatementName } from './statements.ts'

export type SqlValue = null | number | string | Uint8Array
export type SqlRow = Readonly<Record<string, SqlValue>>

/** One statement with its parameters. */
export type Operation = readonly [name: StatementName, ...params: readonly SqlValue[]]

/**
 * Operations as they travel to the worker, one behind the other: for each the number of its statement, how many
 * parameters it has, and these. One flat array takes half the time of arrays in arrays to be handed over.
 */
export type PackedOperations = SqlValue[]

const NUMBERS: ReadonlyMap<string, number> = new Map(
  Object.keys(STATEMENTS).map((name, number) => [name, number]),
)

/** The number by which a statement travels: its place in the table. */
export function statementNumber(name: StatementName): number {
  return NUMBERS.get(name) ?? Number.NaN
}

/** Puts an operation behind the others. */
export function pack(operation: Operation, into: PackedOperations): void {
  into.push(statementNumber(operation[0]), operation.length - 1)
  for (let at = 1; at < operation.length; at++) into.push(operation[at] ?? null)
}

/**
 * To the worker; requests are served in their order. The groups of a write, of which each has its end in `operations`,
 * share one transaction; if one of them is refused, each gets a transaction of its own.
 */
export type Request =
  | {
      readonly id: number
      readonly kind: 'write'
      readonly operations: Readonly<PackedOperations>
      readonly ends: readonly number[]
    }
  | { readonly id: number; readonly kind: 'read'; readonly operation: Operation }
  | ({ readonly id: number; readonly kind: 'seal' } & SealOrder)
  | { readonly id: number; readonly kind: 'close' }

/** Telemetry that is to be packed by columns. */
export interface SealOrder {
  /** Hours before that one (`over`), or those of which there is much that is not packed, from that one on (`open`). */
  readonly which: 'over' | 'open'
  /** Whole hours since the epoch. */
  readonly hour: number
  /** For about so long. Unit: ms. */
  readonly forMs: number
}

/** Why a file is not opened, where it is not the disk: another process has it, or another version wrote it. */
export type OpenFault = 'locked' | 'version'

/** From the worker. */
export type Reply =
  | { readonly id: number; readonly rows: readonly SqlRow[] }
  /** For each group of a write why it is not stored; `null`: it is. */
  | { readonly id: number; readonly refusals: readonly (string | null)[] }
  /** Whether there is more to pack. */
  | { readonly id: number; readonly more: boolean }
  | { readonly id: number; readonly error: string; readonly fault: OpenFault | undefined }
