import * as z from 'zod'
import type { Core } from '../create-core.ts'
import { CoreError } from '../errors.ts'
import type { AlarmChange } from '../model/alarm.ts'
import { readDuration } from '../model/duration.ts'
import type { JsonObject } from '../model/json.ts'
import { alarmView } from './alarm-view.ts'
import { AlarmStateView } from './device-view.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import { findDevice } from './find-device.ts'
import { problem } from './problem.ts'
import { DeviceParams } from './schemas.ts'

/** What people write is short. */
const MAX_BODY_BYTES = 16_384

const AlarmParams = DeviceParams.extend({
  alarmId: z.string().meta({ description: 'Id of the alarm in the config.' }),
})

const Shelve = z
  .strictObject({
    for: z.string().optional().meta({ description: 'A duration such as 2h.' }),
    until: z.string().optional().meta({ description: 'ISO 8601.' }),
    reason: z.string('expected a text').max(1_000).optional(),
  })
  .meta({ id: 'Shelve' })

const NAME = 'expected a name of at most 256 characters, or "" for nobody'

const Assign = z
  .strictObject({
    to: z.string(NAME).max(256, NAME),
  })
  .meta({ id: 'Assign' })

const Comment = z
  .strictObject({
    text: z
      .string('expected 1 to 1000 characters')
      .max(1_000, 'expected 1 to 1000 characters')
      .refine((text) => text.trim() !== '', 'expected 1 to 1000 characters'),
  })
  .meta({ id: 'Comment' })

const DeviceAlarm = AlarmStateView.extend({ alarmId: z.string() }).meta({ id: 'DeviceAlarm' })

const Empty = z.strictObject({})

/** What people look at and do about the alarms of one device. */
export function alarmEndpoints({ ports, gate }: Core): readonly Endpoint[] {
  /** One change, run through the gate of the device. */
  function change<B extends z.ZodType>(
    name: string,
    summary: string,
    body: B,
    read: (body: z.output<B>, now: number) => AlarmChange,
  ): Endpoint {
    return endpoint({
      method: 'post',
      path: `/devices/{deviceId}/alarms/{alarmId}/${name}`,
      operation: `${name}Alarm`,
      tag: 'Alarms',
      summary,
      needs: 'alarms:write',
      params: AlarmParams,
      body,
      bodyOptional: true,
      maxBytes: MAX_BODY_BYTES,
      async handle({ context, caller, params: { deviceId, alarmId }, body: given }) {
        const at = ports.clock.now()
        const wish = read(given, at)
        await findDevice(ports, deviceId)
        const [result] = await gate.run(deviceId, [
          { kind: 'alarm', alarmId, change: wish, by: caller.name ?? caller.id, at },
        ])
        if (result?.status === 'refused')
          return problem(
            context,
            result.code === 'input.malformed' ? 400 : 409,
            result.code,
            result.message,
          )
        context.set('change', { target: `device/${deviceId}/alarm/${alarmId}`, after: { ...wish } })
        return undefined
      },
    })
  }

  return [
    endpoint({
      method: 'get',
      path: '/devices/{deviceId}/alarms',
      operation: 'listDeviceAlarms',
      tag: 'Alarms',
      summary: 'The alarms of one device.',
      needs: 'alarms:read',
      params: DeviceParams,
      query: z.strictObject({
        standing: z.string().optional().meta({ description: 'Such as `active,acknowledged`.' }),
      }),
      answer: z.object({ alarms: z.array(DeviceAlarm) }),
      async handle({ params: { deviceId }, query: { standing: wanted } }) {
        const record = await findDevice(ports, deviceId)
        const alarms = Object.entries(record.alarms)
          .map(([alarmId, state]): JsonObject => ({ alarmId, ...alarmView(state) }))
          .filter(({ standing }) => matches(wanted, standing))
        return { alarms }
      },
    }),
    change('acknowledge', 'Says that somebody knows.', Empty, () => ({ do: 'acknowledge' })),
    change('shelve', 'Keeps it quiet for a while.', Shelve, readShelve),
    change('unshelve', 'Ends its shelf.', Empty, () => ({ do: 'unshelve' })),
    change('assign', 'Says whose it is.', Assign, ({ to }) => ({ do: 'assign', to })),
    change('comment', 'Writes something beside it.', Comment, ({ text }) => ({
      do: 'comment',
      text,
    })),
  ]
}

function matches(wanted: string | undefined, standing: unknown): boolean {
  return wanted === undefined || wanted.split(',').some((one) => one === standing)
}

/** `{for: "2h"}` or `{until: "2026-01-31T12:00:00Z"}`, with a reason. */
function readShelve(
  { for: duration, until, reason }: z.output<typeof Shelve>,
  now: number,
): AlarmChange {
  const forMs = duration === undefined ? undefined : readDuration(duration)
  const end =
    forMs === undefined ? (until === undefined ? Number.NaN : Date.parse(until)) : now + forMs
  if (!Number.isFinite(end))
    throw new CoreError(
      'input.malformed',
      'expected for, such as "2h", or until, a time in ISO 8601',
    )
  return { do: 'shelve', until: end, ...(reason === undefined ? {} : { reason }) }
}
