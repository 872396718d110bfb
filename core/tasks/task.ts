import * as z from 'zod'
import { EXPORT_FORMATS } from '../analytics/export.ts'
import type { Json } from '../model/json.ts'

/** What takes longer than a request. */
export const TASK_KINDS = ['import', 'replay', 'export'] as const

export const TASK_STATES = ['waiting', 'running', 'done', 'failed', 'cancelled'] as const

/** What an import does with devices that are there, and with those that are not. */
export const IMPORT_MODES = ['create', 'update', 'upsert'] as const

export type ImportMode = (typeof IMPORT_MODES)[number]

/** Faults that a task shows; of more it only counts. */
const MAX_FAULTS = 200

const FaultSchema = z.object({ line: z.int(), detail: z.string() })

export type TaskFault = z.output<typeof FaultSchema>

const ImportPlan = z.object({ kind: z.literal('import'), mode: z.enum(IMPORT_MODES) })

const ReplayPlan = z.object({
  kind: z.literal('replay'),
  device: z.string(),
  time: z.string(),
  timeUnit: z.enum(['s', 'ms', 'iso']),
  topic: z.string().optional(),
  payload: z.string().optional(),
})

const ExportPlan = z.object({
  kind: z.literal('export'),
  format: z.enum(EXPORT_FORMATS),
  from: z.number(),
  to: z.number(),
  metrics: z.array(z.string()).optional(),
})

const Plan = z.discriminatedUnion('kind', [ImportPlan, ReplayPlan, ExportPlan])

export type ReplayPlan = z.output<typeof ReplayPlan>
export type ExportPlan = z.output<typeof ExportPlan>
export type TaskPlan = z.output<typeof Plan>

/** A task as it is stored: what there is to do lies in pages beside it. Times are epoch ms. */
const TaskSchema = z.object({
  id: z.string(),
  plan: Plan,
  state: z.enum(TASK_STATES),
  /** What was done, and what there is to do, in the words of its kind: rows, messages, devices. */
  done: z.int(),
  total: z.int(),
  /** How many of those failed. */
  failed: z.int(),
  /** The first faults. */
  faults: z.array(FaultSchema),
  /** Other things that were counted. */
  counts: z.record(z.string(), z.int()),
  /** The page of the input that comes next, and how many there are. */
  cursor: z.int(),
  pages: z.int(),
  /** A first pass over the input that finds something out for the second. */
  scouting: z.boolean(),
  /** Slices that came to nothing since the last one that did not. */
  attempts: z.int(),
  by: z.object({ kind: z.string(), id: z.string(), name: z.string().optional() }),
  createdAt: z.int(),
  startedAt: z.int().optional(),
  endedAt: z.int().optional(),
  /** Why it failed. */
  reason: z.string().optional(),
  result: z
    .object({
      pages: z.int(),
      bytes: z.int(),
      /** Whether it holds secrets: it goes with its first download. */
      secret: z.boolean(),
      /** Until when it is there; 0 before it ended. */
      until: z.int(),
    })
    .optional(),
})

export type Task = z.output<typeof TaskSchema>

/** A task out of the store; `undefined` for what another release stored. */
export function readTask(item: Json | undefined): Task | undefined {
  const parsed = TaskSchema.safeParse(item)
  return parsed.success ? parsed.data : undefined
}

/** The task with faults added, as far as there is room. */
export function withFaults(task: Task, faults: readonly TaskFault[]): Task {
  if (faults.length === 0) return task
  return {
    ...task,
    failed: task.failed + faults.length,
    faults: [...task.faults, ...faults].slice(0, MAX_FAULTS),
  }
}

/** Whether nothing more happens to it. */
export function hasEnded({ state }: Pick<Task, 'state'>): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled'
}

/** Tasks by their ids, the newest first. */
export const TASKS_TABLE = '$tasks'

/** What has to be done about tasks, by the time from which on it has. */
export const TASKS_DUE_TABLE = '$tasks-due'

/** What belongs to one task: its input and its result, in pages. */
export function pagesTable(taskId: string): string {
  return `$task:${taskId}`
}

/** A page of the input. */
export function inputKey(page: number): string {
  return `in/${String(page).padStart(6, '0')}`
}

/** A page of the result. */
export function resultKey(page: number): string {
  return `out/${String(page).padStart(6, '0')}`
}

/** Somebody wants it to stop. */
export const CANCEL_KEY = 'cancel'
