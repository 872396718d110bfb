import * as z from 'zod'
import type { Caller, Scope } from '../access/index.ts'
import { EXPORT_FORMATS } from '../analytics/export.ts'
import type { Core } from '../create-core.ts'
import { CoreError } from '../errors.ts'
import type { Fleet } from '../fleet.ts'
import { isDeviceId } from '../model/device-id.ts'
import { IMPORT_MODES, TASK_KINDS, TASK_STATES } from '../tasks/task.ts'
import type { TaskView } from '../tasks.ts'
import { chooseDevices, inPart } from './device-query.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import { problem } from './problem.ts'
import { readBody } from './read-body.ts'
import { RequestFault } from './request-fault.ts'
import { After, Instant, limit, whole } from './schemas.ts'
import { download, toStream } from './telemetry-export.ts'
import { readSpan } from './telemetry-series.ts'

/** What a file may weigh that is sent here. Unit: bytes. */
const MAX_FILE_BYTES = 16_777_216

/** One export is about so many devices at most. */
const MAX_DEVICES = 10_000

const TaskParams = z.strictObject({
  taskId: z.string().max(128).meta({ description: 'Id of the task.' }),
})

const TaskAnswer = z
  .object({
    id: z.string(),
    kind: z.enum(TASK_KINDS),
    state: z.enum(TASK_STATES),
    done: z
      .int()
      .meta({ description: 'Rows, messages or devices that were done, failed ones too.' }),
    total: z.int(),
    failed: z.int(),
    faults: z.array(z.object({ line: z.int(), detail: z.string() })).meta({
      description: 'The first 200 of those that failed.',
    }),
    counts: z.record(z.string(), z.int()),
    by: z.object({ kind: z.string(), id: z.string(), name: z.string().optional() }),
    createdAt: Instant,
    startedAt: Instant.optional(),
    endedAt: Instant.optional(),
    reason: z.string().optional().meta({ description: 'Why it failed.' }),
    result: z
      .object({
        name: z.string(),
        contentType: z.string(),
        secret: z.boolean().meta({ description: 'It goes with its first download.' }),
        until: Instant,
        parts: z
          .int()
          .meta({ description: 'How many parts it has, for hosts that gather answers.' }),
      })
      .optional(),
  })
  .meta({ id: 'Task' })

const TimeOrInstant = z
  .union([z.int(), z.iso.datetime({ offset: true }), z.iso.date()])
  .transform((at) => (typeof at === 'number' ? at : Date.parse(at)))
  .optional()

const ExportWish = z
  .strictObject({
    kind: z.literal('export').optional(),
    devices: z
      .array(z.string().refine(isDeviceId, 'expected the id of a device'))
      .max(MAX_DEVICES)
      .optional(),
    query: z.string().max(2_000).optional(),
    from: TimeOrInstant.meta({ description: 'Inclusive; an hour before `to` unless given.' }),
    to: TimeOrInstant.meta({ description: 'Exclusive; now unless given.' }),
    format: z.enum(EXPORT_FORMATS).default('csv'),
    metrics: z.array(z.string().min(1)).min(1).max(2_000).optional(),
  })
  .meta({ id: 'ExportWish' })

const Field = z.string().max(256)

/** Work that is longer than a request: it says how far it is, and goes on after a restart. */
export function taskEndpoints({ ports, tasks }: Core, fleet: Fleet): readonly Endpoint[] {
  async function find(taskId: string, caller: Caller): Promise<TaskView> {
    const task = await tasks.get(taskId)
    if (task !== undefined && isShown(task, caller)) return task
    throw new CoreError('input.not_found', `no task ${JSON.stringify(taskId)}`)
  }

  function started(context: Parameters<typeof problem>[0], task: TaskView): Response {
    context.set('change', {
      target: `task/${task.id}`,
      after: { kind: task.kind, total: task.total },
    })
    return context.body(JSON.stringify(task), 202, {
      'content-type': 'application/json',
      location: `/tasks/${task.id}`,
    })
  }

  function exportEndpoint(path: string, operation: string): Endpoint {
    return endpoint({
      method: 'post',
      path,
      operation,
      tag: 'Tasks',
      summary:
        'Writes rows of some devices into a file of at most 64 MB, which is there for a day.',
      needs: 'tasks:write',
      byGroups: true,
      body: ExportWish,
      maxBytes: 2_097_152,
      status: 202,
      answer: TaskAnswer,
      async handle({ context, caller, body: { from, to, format, metrics, devices, query } }) {
        needs(caller, 'telemetry:read')
        const span = inBody(() => readSpan(from, to, ports.clock.now()))
        const deviceIds = await chooseDevices(fleet, caller, { devices, query }, MAX_DEVICES).catch(
          (error) => {
            throw toBody(error)
          },
        )
        const plan = { ...span, format, ...(metrics === undefined ? {} : { metrics }) }
        return started(context, await tasks.startExport(deviceIds, plan, caller))
      },
    })
  }

  return [
    endpoint({
      method: 'get',
      path: '/tasks',
      operation: 'listTasks',
      tag: 'Tasks',
      summary: 'Tasks, the newest first. They are forgotten a week after their end.',
      needs: 'tasks:read',
      byGroups: true,
      query: z.strictObject({ limit: limit(50, 200), after: After }),
      answer: z.object({ tasks: z.array(TaskAnswer), next: z.string().optional() }),
      async handle({ caller, query: { limit, after = '' } }) {
        const found = await tasks.list(after, limit)
        const next = found.length === limit ? found.at(-1)?.id : undefined
        return {
          tasks: found.filter((task) => isShown(task, caller)),
          ...(next === undefined ? {} : { next }),
        }
      },
    }),
    endpoint({
      method: 'get',
      path: '/tasks/{taskId}',
      operation: 'getTask',
      tag: 'Tasks',
      summary: 'How far a task is.',
      needs: 'tasks:read',
      byGroups: true,
      params: TaskParams,
      answer: TaskAnswer,
      handle: ({ caller, params: { taskId } }) => find(taskId, caller),
    }),
    endpoint({
      method: 'delete',
      path: '/tasks/{taskId}',
      operation: 'cancelTask',
      tag: 'Tasks',
      summary: 'Ends a task; what it has done stays.',
      needs: 'tasks:write',
      byGroups: true,
      params: TaskParams,
      others: { 409: { description: 'It has ended.' } },
      async handle({ context, caller, params: { taskId } }) {
        await find(taskId, caller)
        if (!(await tasks.cancel(taskId)))
          return problem(context, 409, 'input.malformed', 'expected a task that has not ended')
        context.set('change', { target: `task/${taskId}`, after: { cancelled: true } })
        return undefined
      },
    }),
    endpoint({
      method: 'get',
      path: '/tasks/{taskId}/result',
      operation: 'getTaskResult',
      tag: 'Tasks',
      summary: 'The file that a task made, or what became of each row of an import.',
      description:
        'The result of an import that issued secrets can be downloaded once, within an hour, by who may change devices. Functions give a file over 3 MB in its parts only.',
      needs: 'tasks:read',
      byGroups: true,
      params: TaskParams,
      query: z.strictObject({
        part: whole(0, 9_999).optional().meta({
          description:
            'One of its parts, from 0 on, all of which are the file; the whole unless given.',
        }),
      }),
      contentType: 'text/csv',
      handsOutSecret: true,
      async handle({ caller, params: { taskId }, query: { part } }) {
        const task = await find(taskId, caller)
        needs(caller, task.kind === 'export' ? 'telemetry:read' : 'devices:write')
        const result = await tasks.result(taskId, part)
        if (result === undefined)
          throw new CoreError(
            'input.not_found',
            'expected a task with a result, found none, or none any more',
          )
        const { parts, taken, name, contentType } = result
        return download(await toStream(parts, taken), name, contentType)
      },
    }),
    endpoint({
      method: 'post',
      path: '/tasks/import',
      operation: 'startImport',
      tag: 'Tasks',
      summary: 'Registers the devices of a table, or changes those that are registered.',
      description:
        'Columns: deviceId, type, enabled, credential (none, certificate, token or key) and tags.<name>; at most 10,000 rows. A row that cannot be done is a fault of that row, and nothing of it is done.',
      needs: 'devices:write',
      query: z.strictObject({
        mode: z.enum(IMPORT_MODES).default('create').meta({
          description: 'What becomes of devices that are there: a fault, or a change.',
        }),
      }),
      raw: ['text/csv'],
      status: 202,
      answer: TaskAnswer,
      async handle({ context, caller, query: { mode } }) {
        const text = await readText(context.req.raw)
        const task = await inBodyOf(() => tasks.startImport(text, mode, caller))
        return started(context, task)
      },
    }),
    endpoint({
      method: 'post',
      path: '/tasks/replay',
      operation: 'startReplay',
      tag: 'Tasks',
      summary: 'Takes recorded messages in, as if their devices had sent them.',
      description:
        'JSON lines; each says which device sent it and when. The same recording again is known for duplicates.',
      needs: 'tasks:write',
      query: z.strictObject({
        device: Field.meta({
          description:
            "Where the device's id stands: a field, a JSON pointer, or =id for all lines.",
          example: '/meta/device',
        }),
        time: Field.meta({ description: 'Where the time stands.', example: 'ts' }),
        timeUnit: z.enum(['s', 'ms', 'iso']).default('ms'),
        topic: Field.regex(/^[^+#\0]+$/, 'expected a topic without wildcards')
          .optional()
          .meta({ description: 'With {id} for the device; devices/{id}/telemetry unless given.' }),
        payload: Field.optional().meta({
          description: 'Where the message stands; the whole line unless given.',
        }),
      }),
      raw: ['application/x-ndjson', 'application/jsonl', 'application/x-jsonlines'],
      status: 202,
      answer: TaskAnswer,
      async handle({ context, caller, query: { topic, payload, ...rest } }) {
        needs(caller, 'telemetry:write')
        const text = await readText(context.req.raw)
        const plan = {
          ...rest,
          ...(topic === undefined ? {} : { topic }),
          ...(payload === undefined ? {} : { payload }),
        }
        return started(context, await inBodyOf(() => tasks.startReplay(text, plan, caller)))
      },
    }),
    exportEndpoint('/tasks/export', 'startExport'),
    exportEndpoint('/tasks', 'startTask'),
  ]
}

/** A caller who is limited to some devices sees what he started himself. */
function isShown({ by }: TaskView, { kind, id, groups, device }: Caller): boolean {
  return (groups === undefined && device === undefined) || (by.kind === kind && by.id === id)
}

/** @throws CoreError `access.forbidden` for who may start tasks, but not do what this one does. */
function needs({ scopes }: Caller, scope: Scope): void {
  if (!scopes.has(scope)) throw new CoreError('access.forbidden', `expected a caller with ${scope}`)
}

/** @throws RequestFault for what is no text; `input.too_large`. */
async function readText(request: Request): Promise<string> {
  const { bytes, complete } = await readBody(request, MAX_FILE_BYTES)
  if (!complete)
    throw new CoreError('input.too_large', `expected a file of at most ${MAX_FILE_BYTES} bytes`)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new RequestFault('body', [{ path: [], message: 'expected a text in UTF-8' }])
  }
}

/** What is wrong with a file has its place in it. */
async function inBodyOf<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof CoreError) || error.code !== 'input.malformed') throw error
    const { message, position } = error
    throw new RequestFault(
      'body',
      [{ path: [], message, ...(position === undefined ? {} : { position }) }],
      422,
    )
  }
}

function inBody<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw toBody(error)
  }
}

/** The fault of a query, where the same words stand in a body. */
function toBody(error: unknown): unknown {
  if (!(error instanceof RequestFault)) return inPart(error, 'body', 'query')
  const faults = error.faults.map(({ pointer, detail, line, column }) => ({
    path: pointer === '' ? [] : [pointer.slice(1)],
    message: detail,
    ...(line === undefined || column === undefined ? {} : { position: { line, column } }),
  }))
  return new RequestFault('body', faults, 422)
}
