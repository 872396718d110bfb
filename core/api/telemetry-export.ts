import * as z from 'zod'
import { EXPORT_FORMATS, type ExportFormat, exportTelemetry } from '../analytics/export.ts'
import type { Core } from '../create-core.ts'
import type { Fleet } from '../fleet.ts'
import { chooseDevices, DeviceList, SearchText } from './device-query.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import { Time } from './schemas.ts'
import { MAX_DEVICES, MetricList, readSpan } from './telemetry-series.ts'

/** What each format is, for who receives it. */
export const CONTENT_TYPES = {
  csv: 'text/csv; charset=utf-8; header=present',
  jsonl: 'application/x-ndjson',
  parquet: 'application/vnd.apache.parquet',
} as const satisfies Record<ExportFormat, string>

/** Rows of many devices as one file. */
export function exportEndpoints({ ports }: Core, fleet: Fleet): readonly Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/telemetry/export',
      operation: 'exportTelemetry',
      tag: 'Telemetry',
      summary: 'Rows of some devices as a file: CSV, JSON lines or Parquet.',
      description:
        'It streams where the host lets it: functions gather an answer first, and what one may weigh is their limit. Start a task for more.',
      needs: 'telemetry:read',
      byGroups: true,
      query: z.strictObject({
        devices: DeviceList,
        query: SearchText,
        metrics: MetricList,
        from: Time.optional().meta({ description: 'Inclusive; an hour before `to` unless given.' }),
        to: Time.optional().meta({ description: 'Exclusive; now unless given.' }),
        format: z.enum(EXPORT_FORMATS).default('csv'),
      }),
      contentType: 'text/csv',
      async handle({ caller, query: { metrics, from, to, format, ...choice } }) {
        const span = readSpan(from, to, ports.clock.now())
        const deviceIds = await chooseDevices(fleet, caller, choice, MAX_DEVICES)
        const parts = exportTelemetry(ports.telemetry, { deviceIds, metrics, ...span, format })
        return download(await toStream(parts), `telemetry.${format}`, CONTENT_TYPES[format])
      },
    }),
  ]
}

/** An answer that a browser keeps as a file. Source: RFC 6266. */
export function download(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  name: string,
  contentType: string,
): Response {
  return new Response(body, {
    headers: {
      'content-type': contentType,
      'content-disposition': `attachment; filename="${name}"`,
      'cache-control': 'no-store',
    },
  })
}

/**
 * A stream of parts. The first is made before there is an answer, so that what cannot be exported is a problem and not a
 * file that breaks off; those that follow are made when somebody takes them.
 */
export async function toStream(
  parts: AsyncIterable<Uint8Array>,
  onEnd: () => Promise<void> = async () => undefined,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const iterator = parts[Symbol.asyncIterator]()
  let next: IteratorResult<Uint8Array> | undefined = await iterator.next()
  return new ReadableStream({
    async pull(controller) {
      const part = next ?? (await iterator.next())
      next = undefined
      if (part.done !== true) {
        controller.enqueue(new Uint8Array(part.value))
        return
      }
      await onEnd()
      controller.close()
    },
    async cancel() {
      await iterator.return?.()
    },
  })
}
