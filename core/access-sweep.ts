import { auditKeysBefore } from './access/audit.ts'
import { isIdempotencyOver } from './access/idempotency.ts'
import { endOfKey } from './access/session.ts'
import { AUDIT_TABLE, IDEMPOTENCY_TABLE, SESSIONS_TABLE, SIGN_IN_TABLE } from './access/tables.ts'
import type { Config } from './config.ts'
import type { Ports } from './ports.ts'

/** How often what is over is looked for. Unit: ms. */
const SWEEP_EVERY_MS = 600_000

/** So much of each kind is forgotten in one round. */
const SWEEP_LIMIT = 200

/** Builds what forgets old entries of the audit log, sessions, codes and answers kept for a key: for whoever runs on a schedule. */
export function createAccessSweep(
  { tables, clock }: Pick<Ports, 'tables' | 'clock'>,
  retention: Pick<Config['retention'], 'audit'>,
): () => Promise<void> {
  let sweptAt = Number.NEGATIVE_INFINITY

  /** Tells whether there may be more. */
  async function forget(table: string, keys: readonly string[]): Promise<boolean> {
    for (const key of keys) await tables.remove(table, key)
    return keys.length >= SWEEP_LIMIT
  }

  async function sweepEnded(table: string, now: number): Promise<boolean> {
    const rows = await tables.list(table, '', SWEEP_LIMIT)
    // The first to end come first.
    const ended = rows.map(({ key }) => key).filter((key) => !(endOfKey(key) > now))
    return forget(table, ended)
  }

  async function sweepAnswers(now: number): Promise<boolean> {
    const rows = await tables.list(IDEMPOTENCY_TABLE, '', SWEEP_LIMIT)
    const over = rows.map(({ key }) => key).filter((key) => isIdempotencyOver(key, now))
    return forget(IDEMPOTENCY_TABLE, over)
  }

  return async () => {
    const now = clock.now()
    if (now - sweptAt < SWEEP_EVERY_MS) return
    sweptAt = now
    const old = await tables.list(AUDIT_TABLE, auditKeysBefore(now - retention.audit), SWEEP_LIMIT)
    const hasMore = [
      await forget(
        AUDIT_TABLE,
        old.map(({ key }) => key),
      ),
      await sweepEnded(SESSIONS_TABLE, now),
      await sweepEnded(SIGN_IN_TABLE, now),
      await sweepAnswers(now),
    ]
    // The next round goes on.
    if (hasMore.includes(true)) sweptAt = Number.NEGATIVE_INFINITY
  }
}
