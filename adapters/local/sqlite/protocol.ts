import type { StatementName } from './statements.ts'

export type SqlValue = null | number | string | Uint8Array
export type SqlRow = Readonly<Record<string, SqlValue>>

/** One statement with its parameters. */
export type Operation = readonly [name: StatementName, ...params: readonly SqlValue[]]

/**
 * To the worker; requests are served in their order. The groups of a write share one transaction; if one of them is
 * refused, each gets a transaction of its own.
 */
export type Request =
  | {
      readonly id: number
      readonly kind: 'write'
      readonly groups: readonly (readonly Operation[])[]
    }
  | { readonly id: number; readonly kind: 'read'; readonly operation: Operation }
  | { readonly id: number; readonly kind: 'close' }

/** From the worker. */
export type Reply =
  | { readonly id: number; readonly rows: readonly SqlRow[] }
  /** For each group of a write why it is not stored; `null`: it is. */
  | { readonly id: number; readonly refusals: readonly (string | null)[] }
  | { readonly id: number; readonly error: string; readonly locked: boolean }
