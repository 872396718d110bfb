import { type AuditEntry, auditKey, readAuditEntry, writeAuditEntry } from './access/audit.ts'
import { AUDIT_TABLE } from './access/tables.ts'
import type { Ports } from './ports.ts'

/** Which entries are wanted. */
export interface AuditQuery {
  readonly limit: number
  /** What `next` of the answer before was; '' starts with the newest. */
  readonly after: string
  /** Only what this caller did, by id. */
  readonly actor?: string | undefined
  /** Only what was done to this, or to something below it: `device/fridge-1`. */
  readonly target?: string | undefined
}

/** Who changed what. */
export interface AuditLog {
  /** Adds an entry, without secrets. It never fails: what cannot be written is logged. */
  record(entry: Omit<AuditEntry, 'id' | 'at'>): Promise<void>
  /** Newest first. `next` is there if there may be more. */
  list(query: AuditQuery): Promise<{
    readonly entries: readonly AuditEntry[]
    readonly next?: string
  }>
}

/** Entries read at once, and at most for one answer: a filter that fits little gives a short page and `next`. */
const PAGE = 200
const MAX_READ = 2_000

export function createAuditLog({
  tables,
  clock,
  ids,
  observer,
}: Pick<Ports, 'tables' | 'clock' | 'ids' | 'observer'>): AuditLog {
  return {
    async record(given) {
      const at = clock.now()
      const id = ids.next(at)
      try {
        await tables.put(AUDIT_TABLE, auditKey(at, id), writeAuditEntry({ ...given, id, at }))
      } catch (error) {
        // The change is made: that it was goes at least to the log of the host.
        const { operation, target, actor } = given
        const reason = error instanceof Error ? error.message : String(error)
        observer.count('audit.lost', 1)
        observer.log('error', 'change not written to the audit log', {
          operation,
          target,
          actor: `${actor.kind}/${actor.id}`,
          reason,
        })
      }
    },

    async list({ limit, after, actor, target }) {
      const entries: AuditEntry[] = []
      const isFiltered = actor !== undefined || target !== undefined
      const pageSize = isFiltered ? PAGE : limit
      let key = after
      for (let read = 0; read < MAX_READ; read += pageSize) {
        const rows = await tables.list(AUDIT_TABLE, key, pageSize)
        for (const { key: at, item } of rows) {
          key = at
          const entry = readAuditEntry(item)
          if (entry === undefined) continue
          if (actor !== undefined && entry.actor.id !== actor) continue
          if (target !== undefined && !isOf(entry.target, target)) continue
          entries.push(entry)
          if (entries.length >= limit) return { entries, next: key }
        }
        if (rows.length < pageSize) return { entries }
        if (!isFiltered) break
      }
      return { entries, next: key }
    },
  }
}

function isOf(target: string, wanted: string): boolean {
  return target === wanted || target.startsWith(`${wanted}/`)
}
