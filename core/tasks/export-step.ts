import * as z from 'zod'
import { findColumns } from '../analytics/export/columns.ts'
import { exportTelemetry } from '../analytics/export.ts'
import { CoreError } from '../errors.ts'
import { toBase64 } from '../model/base64.ts'
import type { Ports } from '../ports.ts'
import { type ExportPlan, inputKey, pagesTable, resultKey, type Task } from './task.ts'

/** Devices of one page of the input: they are exported together. */
export const EXPORT_PAGE = 20

/** What one page of the file holds. Unit: bytes. */
const PAGE_BYTES = 150_000

/** What a file may weigh. Unit: bytes. */
const MAX_BYTES = 67_108_864

/** More columns than this are no table that anything opens. */
const MAX_METRICS = 2_000

const Devices = z.object({ devices: z.array(z.string()) })

const Columns = z.object({ metrics: z.array(z.string()) })

/** The metrics found so far, where a table needs to know all of them before its first row. */
const COLUMNS_KEY = 'columns'

export type ExportParts = Pick<Ports, 'tables' | 'telemetry'>

/** Whether a file has to know all its columns before it can begin. */
export function needsScouting({ format, metrics }: ExportPlan): boolean {
  return format === 'csv' && metrics === undefined
}

/**
 * Writes the rows of one page of devices, or looks which metrics they have. A file of Parquet cannot be gone on with: it is
 * made in one go.
 * @throws CoreError `input.too_large` for a file over 64 MB.
 */
export async function exportPage(task: Task, plan: ExportPlan, parts: ExportParts): Promise<Task> {
  if (task.scouting) return scout(task, plan, parts)
  const table = pagesTable(task.id)
  const isWhole = plan.format === 'parquet'
  const deviceIds = isWhole
    ? await allDevices(task, parts)
    : await devicesOf(task, task.cursor, parts)
  const metrics = needsScouting(plan) ? await knownMetrics(task, parts) : plan.metrics
  const file = createFile(task, (page, data) => parts.tables.put(table, resultKey(page), { data }))
  // Each table of a page begins with the header, which the file has once.
  let skips = plan.format === 'csv' && task.cursor > 0
  for await (const part of exportTelemetry(parts.telemetry, { ...plan, deviceIds, metrics })) {
    if (!skips) await file.add(part)
    skips = false
  }
  const { pages, bytes } = await file.end()
  return {
    ...task,
    cursor: isWhole ? task.pages : task.cursor + 1,
    done: task.done + deviceIds.length,
    result: { pages, bytes, secret: false, until: 0 },
  }
}

async function scout(task: Task, plan: ExportPlan, parts: ExportParts): Promise<Task> {
  const deviceIds = await devicesOf(task, task.cursor, parts)
  const known = new Set(await knownMetrics(task, parts))
  const found = await findColumns(parts.telemetry, { deviceIds, from: plan.from, to: plan.to })
  const before = known.size
  for (const { metric } of found) known.add(metric)
  if (known.size > MAX_METRICS)
    throw new CoreError(
      'input.too_large',
      `expected at most ${MAX_METRICS} metrics in one table, found more: name those that are wanted`,
    )
  if (known.size > before)
    await parts.tables.put(pagesTable(task.id), COLUMNS_KEY, { metrics: [...known].sort() })
  const isLast = task.cursor + 1 >= task.pages
  return { ...task, cursor: isLast ? 0 : task.cursor + 1, scouting: !isLast }
}

async function knownMetrics({ id }: Task, { tables }: ExportParts): Promise<readonly string[]> {
  const item = await tables.get(pagesTable(id), COLUMNS_KEY)
  return item === undefined ? [] : Columns.parse(item).metrics
}

async function devicesOf(
  { id }: Task,
  page: number,
  { tables }: ExportParts,
): Promise<readonly string[]> {
  return Devices.parse(await tables.get(pagesTable(id), inputKey(page))).devices
}

async function allDevices(task: Task, parts: ExportParts): Promise<readonly string[]> {
  const all: string[] = []
  for (let page = 0; page < task.pages; page++) all.push(...(await devicesOf(task, page, parts)))
  return all
}

/** Gathers bytes into pages of the store, behind those that are there. */
function createFile(task: Task, put: (page: number, data: string) => Promise<void>) {
  let pages = task.result?.pages ?? 0
  let bytes = task.result?.bytes ?? 0
  let waiting = new Uint8Array(PAGE_BYTES)
  let length = 0

  async function flush(): Promise<void> {
    if (length === 0) return
    await put(pages, toBase64(waiting.subarray(0, length)))
    pages++
    length = 0
    waiting = new Uint8Array(PAGE_BYTES)
  }

  return {
    async add(part: Uint8Array): Promise<void> {
      bytes += part.length
      if (bytes > MAX_BYTES)
        throw new CoreError(
          'input.too_large',
          `expected a file of at most ${MAX_BYTES} bytes, found more: take a shorter span or fewer devices`,
        )
      for (let from = 0; from < part.length; ) {
        const taken = part.subarray(from, from + PAGE_BYTES - length)
        waiting.set(taken, length)
        length += taken.length
        from += taken.length
        if (length === PAGE_BYTES) await flush()
      }
    },
    async end() {
      await flush()
      return { pages, bytes }
    },
  }
}
