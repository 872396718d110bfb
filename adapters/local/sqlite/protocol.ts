import type { StatementName } from './statements.ts'

export type SqlValue = null | number | string | Uint8Array
export type SqlRow = Readonly<Record<string, SqlValue>>

/** One statement with its parameters. */
export type Operation = readonly [name: StatementName, ...params: readonly SqlValue[]]

/** To the worker. A group of writes is one transaction; requests are served in their order. */
export type Request =
  | { readonly id: number; readonly kind: 'write'; readonly operations: readonly Operation[] }
  | { readonly id: number; readonly kind: 'read'; readonly operation: Operation }
  | { readonly id: number; readonly kind: 'close' }

/** From the worker. */
export type Reply =
  | { readonly id: number; readonly rows: readonly SqlRow[] }
  | { readonly id: number; readonly error: string; readonly locked: boolean }
