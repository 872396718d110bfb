import * as z from 'zod'
import { SEVERITIES } from '../model/notification.ts'
import type { RunAction } from './action.ts'
import { type TemplateScope, template } from './templates.ts'

/** Raises an alarm of the sender; one that is open already stays as it is. */
export const RaiseAlarmSchema = z
  .strictObject({
    alarm: z
      .string()
      .min(1)
      .max(64)
      .meta({ description: 'Its id: one of alarms:, or any other name.' }),
    severity: z.enum(SEVERITIES).default('warning').meta({ description: 'How much it matters.' }),
    text: z
      .string()
      .min(1)
      .default('${topic()}')
      .meta({ description: 'The sentence for people; ${…} is evaluated on the message.' }),
    notify: z.array(z.string()).default([]).meta({ description: 'Channels to tell.' }),
  })
  .meta({ description: 'Raises an alarm of the sender; one that is open already stays as it is.' })

/** Clears an alarm of the sender, if it is open. */
export const ClearAlarmSchema = z
  .strictObject({
    alarm: z.string().min(1).max(64).meta({ description: 'Its id.' }),
    notify: z.array(z.string()).default([]).meta({ description: 'Channels to tell.' }),
  })
  .meta({ description: 'Clears an alarm of the sender, if it is open.' })

export function compileRaiseAlarm(
  config: z.output<typeof RaiseAlarmSchema>,
  scope: TemplateScope,
): RunAction {
  const text = template(config.text, scope)
  return ({ message }) => ({
    do: 'alarm',
    alarmId: config.alarm,
    raise: true,
    severity: config.severity,
    text: text.render(message),
    channelIds: config.notify,
  })
}

export function compileClearAlarm(config: z.output<typeof ClearAlarmSchema>): RunAction {
  return () => ({
    do: 'alarm',
    alarmId: config.alarm,
    raise: false,
    severity: 'info',
    text: '',
    channelIds: config.notify,
  })
}
