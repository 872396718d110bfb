import type { Caller } from './access/caller.ts'
import type { DeviceGate } from './device-gate.ts'
import { CoreError } from './errors.ts'
import { fromBase64 } from './model/base64.ts'
import { isJsonObject, type Json } from './model/json.ts'
import type { Ingest } from './model/uplink.ts'
import type { Ports } from './ports.ts'
import { EXPORT_PAGE, exportPage, needsScouting } from './tasks/export-step.ts'
import { readImport } from './tasks/import-rows.ts'
import {
  IMPORT_PAGE,
  importPage,
  importResultHeader,
  importResultLines,
} from './tasks/import-step.ts'
import { type Lease, takeLease } from './tasks/lease.ts'
import { pagesOfLines, replayPage } from './tasks/replay-step.ts'
import {
  CANCEL_KEY,
  type ExportPlan,
  hasEnded,
  type ImportMode,
  inputKey,
  pagesTable,
  type ReplayPlan,
  readTask,
  resultKey,
  TASKS_DUE_TABLE,
  TASKS_TABLE,
  type Task,
  type TaskFault,
  type TaskPlan,
  withFaults,
} from './tasks/task.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Tasks that ended are remembered so long. */
const KEPT_MS = 7 * DAY_MS

/** Results are there so long; those with secrets until their first download, and no longer than an hour. */
const RESULT_MS = DAY_MS
const SECRET_MS = HOUR_MS

/** How long a function works on tasks inside a request, and inside a tick. */
const IN_REQUEST_MS = 5_000
const IN_TICK_MS = 20_000

/** A slice that comes to nothing so often in a row ends its task. */
const MAX_ATTEMPTS = 5

/** What is due is looked at so many at a time, and pages go so many at a time. */
const DUE_PAGE = 20
const DROPPED = 200

/** Pages of a part of a result: under 3 MB, so that also base64 of it goes out through every function. */
const PART_PAGES = 20

/** Pages that are written at the same time. */
const AT_ONCE = 16

/** A task as people see it. Times are epoch ms. */
export interface TaskView {
  readonly id: string
  readonly kind: TaskPlan['kind']
  readonly state: Task['state']
  readonly done: number
  readonly total: number
  /** How many of `done` failed; `faults` has the first of them. */
  readonly failed: number
  readonly faults: readonly TaskFault[]
  readonly counts: Readonly<Record<string, number>>
  readonly by: Task['by']
  readonly createdAt: number
  readonly startedAt?: number
  readonly endedAt?: number
  readonly reason?: string
  readonly result?: {
    readonly name: string
    readonly contentType: string
    readonly secret: boolean
    /** Until when it can be downloaded; a secret one goes with its first download. */
    readonly until: number
    /** It is this many parts, each small enough for every host. */
    readonly parts: number
  }
}

/** A result, to be read once. */
export interface TaskResult {
  readonly name: string
  readonly contentType: string
  readonly parts: AsyncIterable<Uint8Array>
  /** All of it was handed over: what is secret is gone then. */
  readonly taken: () => Promise<void>
}

/** Work that is longer than a request. */
export interface Tasks {
  /**
   * Registers the devices of a table. What is wrong with a row is a fault of that row; the others go on.
   * @throws CoreError `input.malformed` for a table without usable header; `input.too_large`.
   */
  startImport(text: string, mode: ImportMode, by: Caller): Promise<TaskView>
  /** Takes messages of JSON lines in, as if their devices had sent them. */
  startReplay(text: string, plan: Omit<ReplayPlan, 'kind'>, by: Caller): Promise<TaskView>
  /** Writes rows of devices into a file that is there for a day. */
  startExport(
    devices: readonly string[],
    plan: Omit<ExportPlan, 'kind'>,
    by: Caller,
  ): Promise<TaskView>
  get(taskId: string): Promise<TaskView | undefined>
  /** The newest first, after the given id; '' starts. */
  list(after: string, limit: number): Promise<readonly TaskView[]>
  /** Ends it after the page that is being worked on. Gives false if it has ended, or is not there. */
  cancel(taskId: string): Promise<boolean>
  /**
   * A part of the file, or all of it; `undefined` if there is none, or none any more. What is secret goes with the last part.
   * @throws CoreError `input.too_large` for all of a file in several parts where the host gathers its answers.
   */
  result(taskId: string, part?: number): Promise<TaskResult | undefined>
  /**
   * Goes on with what is waiting, and removes what is old. A server goes on by itself and does not wait here; a function
   * works for some seconds.
   */
  tick(): Promise<void>
  /** Stops after the page that is being worked on; another process, or this one after a restart, goes on. */
  stop(): Promise<void>
}

/** Who works on tasks. Its only state is the work of this process. */
export function createTasks(ports: Ports, ingest: Ingest, gate: Pick<DeviceGate, 'run'>): Tasks {
  const { tables, clock, ids, observer, longLived } = ports
  let working: Promise<void> | undefined
  let again = false
  let stopped = false

  const load = async (taskId: string): Promise<Task | undefined> =>
    isTaskId(taskId) ? readTask(await tables.get(TASKS_TABLE, taskId)) : undefined

  const save = (task: Task): Promise<void> => tables.put(TASKS_TABLE, task.id, toJson(task))

  /** The input is stored before anybody can find the task, and what removes all of it before that. */
  async function start(
    plan: TaskPlan,
    pages: readonly Json[],
    facts: Pick<Task, 'total'> & Partial<Task>,
    { kind, id, name }: Caller,
  ): Promise<TaskView> {
    const createdAt = clock.now()
    const taskId = `${(MAX_TIME - createdAt).toString(36).padStart(9, '0')}-${ids.next(createdAt)}`
    await putDue(createdAt + KEPT_MS, taskId, 'forget')
    for (let from = 0; from < pages.length; from += AT_ONCE)
      await Promise.all(
        pages
          .slice(from, from + AT_ONCE)
          .map((page, at) => tables.put(pagesTable(taskId), inputKey(from + at), page)),
      )
    const task: Task = {
      id: taskId,
      plan,
      state: 'waiting',
      done: 0,
      failed: 0,
      faults: [],
      counts: {},
      cursor: 0,
      pages: pages.length,
      scouting: false,
      attempts: 0,
      by: { kind, id, ...(name === undefined ? {} : { name }) },
      createdAt,
      ...facts,
    }
    await save(task)
    await putDue(createdAt, taskId, 'run')
    if (longLived) {
      drive()
      return toView(task)
    }
    await workUntil(createdAt + IN_REQUEST_MS)
    return toView((await load(taskId)) ?? task)
  }

  /** Goes on in the background, in one line for all tasks of this process. */
  function drive(): void {
    if (stopped) return
    if (working !== undefined) {
      again = true
      return
    }
    again = false
    working = workUntil(Infinity).then(() => {
      working = undefined
      if (again) drive()
    })
  }

  /** Works on what is waiting, if nobody else does. Never throws: who looks next goes on. */
  async function workUntil(until: number): Promise<void> {
    try {
      const lease = await takeLease(ports.devices, clock)
      if (lease === undefined) return
      try {
        while (!stopped && clock.now() < until) {
          const due = await nextToRun()
          if (due === undefined || !(await workOn(due, lease, until))) return
        }
      } finally {
        await lease.release()
      }
    } catch (error) {
      observer.log('error', 'tasks not gone on with', { reason: reasonOf(error) })
    }
  }

  async function nextToRun(): Promise<Due | undefined> {
    return (await dueNow()).find(({ what }) => what === 'run')
  }

  /** Gives false if this process should work on nothing more now. */
  async function workOn({ key, taskId }: Due, lease: Lease, until: number): Promise<boolean> {
    let task = await load(taskId)
    if (task === undefined || hasEnded(task)) {
      if (task !== undefined) await settle(task)
      await tables.remove(TASKS_DUE_TABLE, key)
      return true
    }
    if (task.attempts >= MAX_ATTEMPTS || clock.now() - task.createdAt > KEPT_MS) {
      await end(task, 'failed', 'expected it to come on, found it stuck')
      return true
    }
    // Counted before: what takes the process along is counted as well.
    task = {
      ...task,
      state: 'running',
      attempts: task.attempts + 1,
      startedAt: task.startedAt ?? clock.now(),
    }
    await save(task)
    for (;;) {
      if ((await tables.get(pagesTable(taskId), CANCEL_KEY)) !== undefined) {
        await end(task, 'cancelled')
        return true
      }
      if (task.cursor >= task.pages && !task.scouting) {
        await end(task, 'done')
        return true
      }
      let next: Task
      try {
        next = await step(task)
      } catch (error) {
        if (!(error instanceof CoreError) || !error.retryable) {
          await end(task, 'failed', reasonOf(error))
          return true
        }
        observer.log('warn', 'a task waits', { taskId, reason: error.message })
        // A store that is away is nothing that the task did.
        await save({ ...task, attempts: task.attempts - 1 })
        return false
      }
      // Who lost the right has been overtaken: what stands in the store is the other's.
      if (!(await lease.renew())) return false
      task = { ...next, attempts: 0 }
      await save(task)
      if (stopped || clock.now() >= until) return false
    }
  }

  function step(task: Task): Promise<Task> {
    const { plan } = task
    switch (plan.kind) {
      case 'import':
        return importPage(task, plan.mode, { ports, run: gate.run })
      case 'replay':
        return replayPage(task, plan, { ports, ingest })
      case 'export':
        return exportPage(task, plan, ports)
    }
  }

  async function end(task: Task, state: 'done' | 'failed' | 'cancelled', reason?: string) {
    const endedAt = clock.now()
    const { result } = task
    // What an import has handed out so far is wanted, however it ended; half a file is of no use.
    const isUseful = result !== undefined && (state === 'done' || task.plan.kind === 'import')
    const ended: Task = {
      ...task,
      state,
      endedAt,
      ...(reason === undefined ? {} : { reason }),
      ...(isUseful
        ? { result: { ...result, until: endedAt + (result.secret ? SECRET_MS : RESULT_MS) } }
        : {}),
    }
    await save(ended)
    observer.count('task.ended', 1, { kind: task.plan.kind, state })
    await settle(ended)
  }

  /** Sees to it that it is run no more, and forgotten in time. */
  async function settle(task: Task): Promise<void> {
    const { id, createdAt, endedAt = clock.now(), result } = task
    await putDue(endedAt + KEPT_MS, id, 'forget')
    await putDue(result?.until || endedAt, id, 'drop')
    await tables.remove(TASKS_DUE_TABLE, dueKey(createdAt, id, 'run'))
  }

  function putDue(at: number, taskId: string, what: Due['what']): Promise<void> {
    return tables.put(TASKS_DUE_TABLE, dueKey(at, taskId, what), { taskId, what })
  }

  async function dueNow(): Promise<readonly Due[]> {
    const last = `${timeKey(clock.now())}-~`
    const rows = await tables.list(TASKS_DUE_TABLE, '', DUE_PAGE)
    return rows.flatMap(({ key, item }) => {
      const due = key <= last && isJsonObject(item) ? readDue(key, item) : undefined
      return due === undefined ? [] : [due]
    })
  }

  /** Removes what nobody can ask for any more: pages of it, then the word that they are due. */
  async function sweep(): Promise<void> {
    for (const { key, taskId, what } of await dueNow()) {
      if (what === 'run') continue
      const task = await load(taskId)
      const now = clock.now()
      const isOver = task === undefined || hasEnded(task)
      const isOld = now - (task?.endedAt ?? 0) >= KEPT_MS
      if (isOver && (what === 'drop' || isOld)) {
        if (!(await dropPages(taskId))) return
        if (what === 'forget') await tables.remove(TASKS_TABLE, taskId)
      }
      await tables.remove(TASKS_DUE_TABLE, key)
    }
  }

  /** Gives false if there may be more. */
  async function dropPages(taskId: string): Promise<boolean> {
    const rows = await tables.list(pagesTable(taskId), '', DROPPED)
    for (let from = 0; from < rows.length; from += AT_ONCE)
      await Promise.all(
        rows.slice(from, from + AT_ONCE).map(({ key }) => tables.remove(pagesTable(taskId), key)),
      )
    return rows.length < DROPPED
  }

  async function dropResult(task: Task): Promise<void> {
    const { result, ...rest } = task
    if (result === undefined) return
    await save(rest)
    await putDue(clock.now(), task.id, 'drop')
    while (!(await dropPages(task.id)));
  }

  async function* importParts({ id }: Task, { from, to }: Pages): AsyncGenerator<Uint8Array> {
    const encoder = new TextEncoder()
    if (from === 0) yield encoder.encode(importResultHeader())
    for (let page = from; page < to; page++)
      yield encoder.encode(importResultLines(await tables.get(pagesTable(id), resultKey(page))))
  }

  async function* fileParts({ id }: Task, { from, to }: Pages): AsyncGenerator<Uint8Array> {
    for (let page = from; page < to; page++) {
      const item = await tables.get(pagesTable(id), resultKey(page))
      const data = isJsonObject(item) ? item['data'] : undefined
      const bytes = typeof data === 'string' ? fromBase64(data) : undefined
      if (bytes === undefined)
        throw new CoreError('input.not_found', 'expected a result, found it removed')
      yield bytes
    }
  }

  return {
    async startImport(text, mode, by) {
      const rows = readImport(text)
      const pages = pagesOf(rows, IMPORT_PAGE).map((part) => ({
        rows: part.map(toJson),
      }))
      return start({ kind: 'import', mode }, pages, { total: rows.length }, by)
    },

    async startReplay(text, plan, by) {
      const { pages, faults, count } = pagesOfLines(text)
      if (count === 0) throw new CoreError('input.malformed', 'expected JSON lines, found none')
      const found = pages.map((lines) => ({ lines: lines.map((line) => ({ ...line })) }))
      const { failed, faults: first } = withFaults(NO_FAULTS, faults)
      return start(
        { kind: 'replay', ...plan },
        found,
        { total: count, done: faults.length, failed, faults: first },
        by,
      )
    },

    async startExport(devices, plan, by) {
      const pages = pagesOf([...new Set(devices)], EXPORT_PAGE).map((part) => ({ devices: part }))
      const whole: ExportPlan = { kind: 'export', ...plan }
      const facts = {
        total: new Set(devices).size,
        scouting: needsScouting(whole) && pages.length > 0,
        result: { pages: 0, bytes: 0, secret: false, until: 0 },
      }
      return start(whole, pages, facts, by)
    },

    async get(taskId) {
      const task = await load(taskId)
      return task === undefined ? undefined : toView(task)
    },

    async list(after, limit) {
      const rows = await tables.list(TASKS_TABLE, after, limit)
      return rows.flatMap(({ item }) => {
        const task = readTask(item)
        return task === undefined ? [] : [toView(task)]
      })
    },

    async cancel(taskId) {
      const task = await load(taskId)
      if (task === undefined || hasEnded(task)) return false
      await tables.put(pagesTable(taskId), CANCEL_KEY, {})
      if (longLived) drive()
      else await workUntil(clock.now() + IN_REQUEST_MS)
      return true
    },

    async result(taskId, part) {
      const task = await load(taskId)
      if (task?.result === undefined || !(task.result.until > clock.now())) return undefined
      const { pages, secret } = task.result
      const parts = partsOf(pages)
      if (part !== undefined && part >= parts) return undefined
      if (part === undefined && !longLived && parts > 1)
        throw new CoreError(
          'input.too_large',
          `expected part=0 to part=${parts - 1}, one after the other: the file is too large for one answer of this host`,
        )
      const wanted =
        part === undefined
          ? { from: 0, to: pages }
          : { from: part * PART_PAGES, to: Math.min(pages, (part + 1) * PART_PAGES) }
      return {
        ...fileOf(task),
        parts: task.plan.kind === 'import' ? importParts(task, wanted) : fileParts(task, wanted),
        taken: async () => {
          if (secret && wanted.to === pages) await dropResult(task)
        },
      }
    },

    async tick() {
      if (stopped) return
      try {
        await sweep()
        if ((await nextToRun()) === undefined) return
      } catch (error) {
        observer.log('error', 'tasks not looked after', { reason: reasonOf(error) })
        return
      }
      if (longLived) drive()
      else await workUntil(clock.now() + IN_TICK_MS)
    },

    async stop() {
      stopped = true
      await working
    },
  }
}

/** Something that has to be done about a task. */
interface Due {
  readonly key: string
  readonly taskId: string
  /** `drop`: its pages; `forget`: the task as well. */
  readonly what: 'run' | 'drop' | 'forget'
}

function timeKey(at: number): string {
  return String(at).padStart(15, '0')
}

function dueKey(at: number, taskId: string, what: Due['what']): string {
  return `${timeKey(at)}-${taskId}-${what}`
}

function readDue(key: string, item: { readonly [name: string]: Json }): Due | undefined {
  const { taskId, what } = item
  if (typeof taskId !== 'string') return undefined
  return what === 'run' || what === 'drop' || what === 'forget' ? { key, taskId, what } : undefined
}

/** The last time that has nine digits in base 36: ids count down from it, so that the newest come first. */
const MAX_TIME = 36 ** 9 - 1

const TASK_ID = /^[0-9a-z]{9}-[\w-]{1,64}$/

function isTaskId(id: string): boolean {
  return TASK_ID.test(id)
}

function toView(task: Task): TaskView {
  const {
    plan,
    cursor: _,
    pages: _pages,
    scouting: _first,
    attempts: _tries,
    result,
    ...rest
  } = task
  const isThere = result !== undefined && result.until > 0
  const { startedAt, endedAt, reason, by, ...always } = rest
  return {
    ...always,
    kind: plan.kind,
    by: { kind: by.kind, id: by.id, ...(by.name === undefined ? {} : { name: by.name }) },
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(reason === undefined ? {} : { reason }),
    ...(isThere
      ? {
          result: {
            ...fileOf(task),
            secret: result.secret,
            until: result.until,
            parts: partsOf(result.pages),
          },
        }
      : {}),
  }
}

function fileOf({ plan, createdAt }: Task): {
  readonly name: string
  readonly contentType: string
} {
  const day = new Date(createdAt).toISOString().slice(0, 10)
  switch (plan.kind) {
    case 'export':
      return { name: `telemetry-${day}.${plan.format}`, contentType: FILE_TYPES[plan.format] }
    case 'import':
    case 'replay':
      return { name: `${plan.kind}-${day}.csv`, contentType: FILE_TYPES.csv }
  }
}

const FILE_TYPES = {
  csv: 'text/csv; charset=utf-8; header=present',
  jsonl: 'application/x-ndjson',
  parquet: 'application/vnd.apache.parquet',
} as const satisfies Record<ExportPlan['format'], string>

const NO_FAULTS: Task = {
  id: '',
  plan: { kind: 'import', mode: 'create' },
  state: 'waiting',
  done: 0,
  total: 0,
  failed: 0,
  faults: [],
  counts: {},
  cursor: 0,
  pages: 0,
  scouting: false,
  attempts: 0,
  by: { kind: '', id: '' },
  createdAt: 0,
}

function toJson(value: object): Json {
  return JSON.parse(JSON.stringify(value))
}

/** Some pages of a result, without the one at `to`. */
interface Pages {
  readonly from: number
  readonly to: number
}

function partsOf(pages: number): number {
  return Math.max(1, Math.ceil(pages / PART_PAGES))
}

function pagesOf<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, page) =>
    all.slice(page * size, (page + 1) * size),
  )
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
