import type { TelemetryStore } from '../../ports.ts'
import { type ExportQuery, exportPages } from './rows.ts'

/**
 * One JSON object for each row.
 *
 * Shape: `{"deviceId", "at", "messageId", "metrics": {…}}` and a line feed; UTF-8; `at` in epoch ms.
 */
export async function* exportJsonl(
  telemetry: TelemetryStore,
  query: ExportQuery,
): AsyncGenerator<Uint8Array, void> {
  const encoder = new TextEncoder()
  for await (const { deviceId, rows } of exportPages(telemetry, query)) {
    let text = ''
    for (const { at, messageId, metrics } of rows)
      text += `${JSON.stringify({ deviceId, at, messageId, metrics })}\n`
    yield encoder.encode(text)
  }
}
