import type { Database } from '../../../adapters/local/sqlite/database.ts'
import type { TelemetryStore } from '../../../core/index.ts'

/** Packs all telemetry, hot or not, whatever its hour. */
export async function packAll(database: Database): Promise<void> {
  await database.write([['telemetrySeal'], ['telemetryDropSealed']])
  const order = { which: 'over', hour: Number.MAX_SAFE_INTEGER, forMs: 1_000 } as const
  while (await database.seal(order));
}

/** A store whose rows are packed before every question. */
export function packedFirst(database: Database, telemetry: TelemetryStore): TelemetryStore {
  const packed =
    <A extends readonly unknown[], R>(ask: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await packAll(database)
      return ask(...args)
    }
  return {
    known: packed(telemetry.known),
    range: packed(telemetry.range),
    series: packed(telemetry.series),
    count: packed(telemetry.count),
  }
}
