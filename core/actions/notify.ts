import * as z from 'zod'
import { SEVERITIES } from '../model/notification.ts'
import type { RunAction } from './action.ts'
import { outputJson } from './output.ts'
import { type TemplateScope, template } from './templates.ts'

/** Tells people or systems through channels. */
export const NotifySchema = z
  .strictObject({
    channels: z.array(z.string()).min(1).meta({ description: 'Channels to tell.' }),
    severity: z.enum(SEVERITIES).default('info').meta({ description: 'How much it matters.' }),
    subject: z
      .string()
      .min(1)
      .default('${topic()}')
      .meta({ description: 'A few words; ${…} is evaluated on the message.' }),
    text: z
      .string()
      .default('')
      .meta({ description: 'The sentence for people; ${…} is evaluated on the message.' }),
  })
  .meta({ description: 'Tells people or systems through channels.' })

export function compileNotify(
  config: z.output<typeof NotifySchema>,
  scope: TemplateScope,
): RunAction {
  const subject = template(config.subject, scope)
  const text = template(config.text, scope)
  return ({ message, value, deviceId, at, key }) => ({
    do: 'emit',
    effect: {
      kind: 'notify',
      notification: {
        key: `${deviceId}/${key}/${at}`,
        channelIds: config.channels,
        deviceId,
        severity: config.severity,
        subject: subject.render(message),
        text: text.render(message),
        at,
        data: outputJson(value),
      },
    },
  })
}
