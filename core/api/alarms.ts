import { type Context, Hono } from 'hono'
import type { Core } from '../create-core.ts'
import { CoreError } from '../errors.ts'
import type { AlarmChange } from '../model/alarm.ts'
import { isDeviceId } from '../model/device-id.ts'
import { readDuration } from '../model/duration.ts'
import type { JsonObject } from '../model/json.ts'
import { alarmView } from './alarm-view.ts'
import { problem } from './problem.ts'
import { readObject } from './read-object.ts'

/** What people write is short. */
const MAX_BODY_BYTES = 16_384

export interface AlarmApiOptions {
  readonly core: Core
  /** Answers instead of the route unless the caller is the admin. */
  readonly refuse: (context: Context) => Response | undefined
}

/** What people look at and do about the alarms of one device. */
export function createAlarmApi({ core, refuse }: AlarmApiOptions): Hono {
  const { ports } = core
  const api = new Hono()

  api.get('/devices/:id/alarms', async (context) => {
    const deviceId = context.req.param('id')
    const record = isDeviceId(deviceId) ? await ports.devices.load(deviceId) : undefined
    if (record === undefined)
      return problem(context, 404, 'input.not_found', 'expected a device that is known, found none')
    const alarms = Object.entries(record.alarms)
      .map(([alarmId, state]): JsonObject => ({ alarmId, ...alarmView(state) }))
      .filter(({ standing }) => matches(context.req.query('standing'), standing))
    return context.json({ alarms })
  })

  /** Runs one change through the gate of the device. */
  const change =
    (read: (body: JsonObject, now: number) => AlarmChange) =>
    async (context: Context): Promise<Response> => {
      const refused = refuse(context)
      if (refused !== undefined) return refused
      const { id: deviceId = '', alarm: alarmId = '' } = context.req.param()
      const at = ports.clock.now()
      const wish = read(await readObject(context.req.raw, MAX_BODY_BYTES), at)
      if (!isDeviceId(deviceId) || (await ports.devices.load(deviceId)) === undefined)
        return problem(
          context,
          404,
          'input.not_found',
          'expected a device that is known, found none',
        )
      const [result] = await core.gate.run(deviceId, [
        { kind: 'alarm', alarmId, change: wish, by: 'admin', at },
      ])
      if (result?.status === 'refused')
        return problem(
          context,
          result.code === 'input.malformed' ? 400 : 409,
          result.code,
          result.message,
        )
      return context.body(null, 204)
    }

  api.post(
    '/devices/:id/alarms/:alarm/acknowledge',
    change(() => ({ do: 'acknowledge' })),
  )
  api.post('/devices/:id/alarms/:alarm/shelve', change(readShelve))
  api.post(
    '/devices/:id/alarms/:alarm/unshelve',
    change(() => ({ do: 'unshelve' })),
  )
  api.post('/devices/:id/alarms/:alarm/assign', change(readAssign))
  api.post('/devices/:id/alarms/:alarm/comment', change(readComment))
  return api
}

function matches(wanted: string | undefined, standing: unknown): boolean {
  return wanted === undefined || wanted.split(',').some((one) => one === standing)
}

/** `{for: "2h"}` or `{until: "2026-01-31T12:00:00Z"}`, with a reason. */
function readShelve(body: JsonObject, now: number): AlarmChange {
  const { for: duration, until, reason } = body
  const forMs = typeof duration === 'string' ? readDuration(duration) : undefined
  const end =
    forMs === undefined ? (typeof until === 'string' ? Date.parse(until) : Number.NaN) : now + forMs
  if (!Number.isFinite(end))
    throw new CoreError(
      'input.malformed',
      'expected for, such as "2h", or until, a time in ISO 8601',
    )
  if (reason !== undefined && typeof reason !== 'string')
    throw new CoreError('input.malformed', 'reason: expected a text')
  return { do: 'shelve', until: end, ...(reason === undefined ? {} : { reason }) }
}

function readAssign({ to }: JsonObject): AlarmChange {
  if (typeof to !== 'string' || to.length > 256)
    throw new CoreError(
      'input.malformed',
      'to: expected a name of at most 256 characters, or "" for nobody',
    )
  return { do: 'assign', to }
}

function readComment({ text }: JsonObject): AlarmChange {
  if (typeof text !== 'string' || text.trim() === '' || text.length > 1_000)
    throw new CoreError('input.malformed', 'text: expected 1 to 1000 characters')
  return { do: 'comment', text }
}
